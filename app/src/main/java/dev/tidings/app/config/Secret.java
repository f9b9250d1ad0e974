// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

/// A text that is never printed: its `toString` is a mask.
public record Secret(String value) {
  @Override
  public String toString() {
    return "********";
  }
}
