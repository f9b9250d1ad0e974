// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import java.util.Optional;

/// What one of the sockets of a work queue does with its messages: notes them, and acknowledges
/// those of a read together if that is its part.
final class WorkReader implements SocketReader {
  private static final byte[] ID_KEY = "{\"unique_id\":\"".getBytes(US_ASCII);
  private static final int ID_LENGTH = 36;

  private final WorkLedger ledger;
  private final Ack ack;
  private final StringBuilder ids = new StringBuilder();

  WorkReader(WorkLedger ledger, Ack ack) {
    this.ledger = ledger;
    this.ack = ack;
  }

  @Override
  public String message(ByteBuf frame, int offset, int length, int stampAt) {
    if (ack == Ack.manual && !noteId(frame, offset, length)) {
      return "received a message that does not begin with its unique_id";
    }
    return ledger.deliver(Stamp.publisher(frame, stampAt), Stamp.number(frame, stampAt));
  }

  @Override
  public Optional<String> answer() {
    if (ids.isEmpty()) {
      return Optional.empty();
    }
    String frame = "{\"type\":\"ACK\",\"payload\":{\"unique_ids\":[" + ids + "]}}";
    ids.setLength(0);
    return Optional.of(frame);
  }

  private boolean noteId(ByteBuf frame, int offset, int length) {
    if (length < ID_KEY.length + ID_LENGTH) {
      return false;
    }
    for (int i = 0; i < ID_KEY.length; i++) {
      if (frame.getByte(offset + i) != ID_KEY[i]) {
        return false;
      }
    }
    ids.append(ids.isEmpty() ? "\"" : ",\"")
        .append(frame.toString(offset + ID_KEY.length, ID_LENGTH, US_ASCII))
        .append('"');
    return true;
  }
}
