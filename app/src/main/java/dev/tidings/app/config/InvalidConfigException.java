// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.util.List;
import java.util.stream.Collectors;

/// The configuration cannot be used; the message lists everything that is wrong with it.
public final class InvalidConfigException extends Exception {
  private final transient List<ConfigError> errors;

  InvalidConfigException(List<ConfigError> errors) {
    super(
        errors.stream()
            .map(error -> "\n  " + error)
            .collect(
                Collectors.joining(
                    "",
                    "the configuration has "
                        + (errors.size() == 1 ? "an error:" : errors.size() + " errors:"),
                    "")));
    this.errors = List.copyOf(errors);
  }

  public List<ConfigError> errors() {
    return errors;
  }
}
