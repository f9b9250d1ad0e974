// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.runtime.Later;

/// One call for messages of a stream, which takes them from its memory. Made by the caller, who can
/// call it off by it; what else it knows belongs to the shard.
public final class Receiving extends Wait implements StreamCall {
  private final String stream;
  private final int max;
  private final long timeoutMs;
  private final Later<Received> answer = new Later<>();

  /// @param stream the id of the stream
  /// @param max messages, 1 or more
  /// @param timeoutMs how long to wait for the first, milliseconds; 0 or less not to wait
  public Receiving(String stream, int max, long timeoutMs) {
    this.stream = stream;
    this.max = max;
    this.timeoutMs = timeoutMs;
  }

  @Override
  public String stream() {
    return stream;
  }

  int max() {
    return max;
  }

  long timeoutMs() {
    return timeoutMs;
  }

  Later<Received> answer() {
    return answer;
  }
}
