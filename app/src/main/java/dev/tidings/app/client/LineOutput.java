// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

/// Where a client puts what it receives.
public interface LineOutput {
  /// Writes one line of result.
  ///
  /// @return false once nobody reads it any more
  boolean line(String text);

  /// Tells the person at the terminal something that is not a result.
  void note(String text);
}
