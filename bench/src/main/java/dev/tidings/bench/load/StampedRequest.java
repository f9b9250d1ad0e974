// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.stream.IntStream;

/// An encoded publish of one or more messages, whose payloads can be marked in place.
///
/// Marking is safe only while no duplicate is on its way: a connection that marks owns its request
/// and has one outstanding.
public final class StampedRequest {
  private final PublishCall call;
  private final ByteBuf bytes;
  private final int[] stamps;

  private StampedRequest(PublishCall call, ByteBuf bytes, int[] stamps) {
    this.call = call;
    this.bytes = bytes;
    this.stamps = stamps;
  }

  /// Of a body in which every `@` begins a stamp.
  static StampedRequest of(PublishCall call, RequestHead head, String json) {
    String start = head.of(call.what(), json.length());
    int[] stamps =
        IntStream.range(0, json.length())
            .filter(at -> json.charAt(at) == '@')
            .map(at -> start.length() + at)
            .toArray();
    return new StampedRequest(call, Requests.bytes(start + json), stamps);
  }

  public PublishCall call() {
    return call;
  }

  public int messages() {
    return stamps.length;
  }

  /// The bytes as they are, for one write.
  public ByteBuf toSend() {
    return bytes.retainedDuplicate();
  }

  /// Marks the messages as `publisher`'s numbers `firstNumber` and following.
  ByteBuf toSend(int publisher, long firstNumber, long timeNs) {
    for (int i = 0; i < stamps.length; i++) {
      Stamp.write(bytes, stamps[i], publisher, firstNumber + i, timeNs);
    }
    return bytes.retainedDuplicate();
  }
}
