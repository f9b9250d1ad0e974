// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.util.Locale;
import java.util.Optional;

/// One key of the configuration: its path in the YAML file and what it may hold.
record Key(String path, ValueKind kind, Setting setting, Presence presence) {
  private static final int MAX_SHOWN = 1_000;

  /// Whether the tree is complete without a value.
  enum Presence {
    REQUIRED,
    /// Only when another key of its section has a value.
    REQUIRED_IN_SECTION,
    OPTIONAL
  }

  /// The environment variable that sets this key.
  String environmentName() {
    return "TIDINGS_" + path.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
  }

  /// The section the key stands in, empty for the root.
  String section() {
    int dot = path.lastIndexOf('.');
    return dot < 0 ? "" : path.substring(0, dot);
  }

  boolean secret() {
    return kind instanceof ValueKind.Hidden;
  }

  Optional<String> defaultValue(boolean dev) {
    String text =
        dev && !setting.devDefault().isEmpty() ? setting.devDefault() : setting.defaultValue();
    return text.isEmpty() ? Optional.empty() : Optional.of(text);
  }

  String expected() {
    return kind.expected(setting.min(), setting.max());
  }

  /// The value, or nothing if it is not of the kind or outside its bounds.
  Optional<Object> parse(String text) {
    return kind.parse(text).filter(this::isInBounds);
  }

  private boolean isInBounds(Object value) {
    long measure = kind.measure(value);
    return bound(setting.min()).map(min -> measure >= min).orElse(true)
        && bound(setting.max()).map(max -> measure <= max).orElse(true);
  }

  private Optional<Long> bound(String text) {
    if (text.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        switch (kind) {
          case ValueKind.Text _, ValueKind.Hidden _ -> Long.parseLong(text);
          case ValueKind.Folder _,
              ValueKind.FileName _,
              ValueKind.Switch _,
              ValueKind.Choice _,
              ValueKind.Items _,
              ValueKind.Whole _,
              ValueKind.Size _,
              ValueKind.Time _ ->
              kind.measure(kind.parse(text).orElseThrow());
        });
  }

  /// How a value is shown: by its length if it is secret, or far too long to be read.
  String display(String text) {
    return secret() || text.length() > MAX_SHOWN
        ? text.length() + " characters"
        : text.isEmpty() ? "(empty)" : text;
  }
}
