// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

/// Counts the answers to one kind of request.
public interface Answers {
  /// The time, in nanoseconds of a monotonic clock: what [#sent] is told of when the request came.
  long now();

  /// One was sent.
  ///
  /// @param status of the answer
  /// @param sinceNs when the head of its request came, by [#now]
  /// @param received bytes of the request's body that have come
  /// @param sent bytes of the answer's body
  void sent(int status, long sinceNs, long received, long sent);

  /// Where answers are counted, by kind of request.
  interface Counts {
    /// The answers to requests of `method` to the path template `handler`.
    Answers answers(String handler, String method);
  }
}
