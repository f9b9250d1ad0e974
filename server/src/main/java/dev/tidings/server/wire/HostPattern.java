// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Names of hosts that requests may be meant for: one name or address, `*.example.com` for every
/// name below that one, or `*` for all. Case does not matter, ports are not looked at.
///
/// @param text in lower case
public record HostPattern(String text) {
  private static final Pattern SHAPE =
      Pattern.compile("\\*|(\\*\\.)?[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?|\\[[0-9a-f:.]+]");

  /// The pattern that `text` writes.
  public static Optional<HostPattern> parse(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return SHAPE.matcher(lower).matches() ? Optional.of(new HostPattern(lower)) : Optional.empty();
  }

  /// Whether it stands for `host`.
  boolean matches(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return text.startsWith("*") ? name.endsWith(text.substring(1)) : name.equals(text);
  }
}
