// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

/// Counts the answers to one kind of request.
public interface Answers {
  /// One was sent with `status`.
  void sent(int status);

  /// Where answers are counted, by kind of request.
  interface Counts {
    /// The answers to requests of `method` to the path template `handler`.
    Answers answers(String handler, String method);
  }
}
