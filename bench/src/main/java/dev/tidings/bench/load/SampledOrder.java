// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.Optional;

/// What a sampled socket remembers to tell whether it saw every publisher's messages in order, and
/// the same order as the other sampled sockets.
final class SampledOrder implements SocketReader {
  private long[] lastOf = {};
  private long orderHash;

  @Override
  public String message(ByteBuf frame, int offset, int length, int stampAt) {
    boolean follows = next(Stamp.publisher(frame, stampAt), Stamp.number(frame, stampAt));
    return follows ? "" : "received a message out of order or twice";
  }

  @Override
  public Optional<String> answer() {
    return Optional.empty();
  }

  /// False if the message does not follow its publisher's previous one.
  private boolean next(int publisher, long number) {
    if (publisher >= lastOf.length) {
      lastOf = Arrays.copyOf(lastOf, publisher + 1);
    }
    orderHash = (orderHash * 31 + publisher) * 31 + number;
    boolean follows = number == lastOf[publisher] + 1;
    lastOf[publisher] = number;
    return follows;
  }

  long orderHash() {
    return orderHash;
  }
}
