// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

/// One thing that is wrong with the configuration.
///
/// @param key the key, environment variable or flag
/// @param value what was found there, never a secret
/// @param expected what would be right
/// @param source where it was found, empty if nowhere
public record ConfigError(String key, String value, String expected, String source) {
  @Override
  public String toString() {
    String found = key + ": " + value + " (expected: " + expected + ")";
    return source.isEmpty() ? found : found + " [" + source + "]";
  }
}
