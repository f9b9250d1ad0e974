// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

final class WorkReaderTest {
  private static final String ID = "01890a5d-ac96-774b-bcce-b302099a805%d";

  private final WorkLedger ledger = new WorkLedger();

  @Test
  void manualAck_isOneFrameForWhatWasRead() {
    var reader = new WorkReader(ledger, Ack.manual);
    assertThat(read(reader, message(1, 1))).isEmpty();
    assertThat(read(reader, message(2, 2))).isEmpty();

    assertThat(reader.answer())
        .hasValue(
            "{\"type\":\"ACK\",\"payload\":{\"unique_ids\":[\"%s\",\"%s\"]}}"
                .formatted(ID.formatted(1), ID.formatted(2)));
    assertThat(reader.answer()).isEmpty();
  }

  @Test
  void autoAck_sendsNothing() {
    var reader = new WorkReader(ledger, Ack.auto);
    assertThat(read(reader, message(1, 1))).isEmpty();

    assertThat(reader.answer()).isEmpty();
  }

  @Test
  void messageThatAnotherSocketHad_isRefused() {
    assertThat(read(new WorkReader(ledger, Ack.auto), message(1, 5))).isEmpty();

    assertThat(read(new WorkReader(ledger, Ack.auto), message(2, 5)))
        .isEqualTo("received message 5 of publisher 3, which some socket had before");
  }

  @Test
  void messageWithANumberThatNobodyUses_isRefused() {
    assertThat(read(new WorkReader(ledger, Ack.auto), message(1, 0)))
        .isEqualTo("received message 0, which nobody publishes");
  }

  @Test
  void manualAck_needsTheIdFirst() {
    String frame = message(1, 1).replace("unique_id", "unique-id");

    assertThat(read(new WorkReader(ledger, Ack.manual), frame))
        .isEqualTo("received a message that does not begin with its unique_id");
    assertThat(read(new WorkReader(ledger, Ack.manual), "@" + "0".repeat(35))).isNotEmpty();
  }

  private static String message(int id, long number) {
    return "{\"unique_id\":\"%s\",\"body\":{\"at\":\"@0003.%010d.%019d\"},\"TTL\":0}\n"
        .formatted(ID.formatted(id), number, 99);
  }

  /// The frame lies somewhere in a read.
  private static String read(WorkReader reader, String frame) {
    ByteBuf buffer = Unpooled.copiedBuffer("before" + frame + "after", US_ASCII);
    int offset = "before".length();
    int stampAt = Stamp.find(buffer, offset, frame.length());
    return reader.message(buffer, offset, frame.length(), stampAt);
  }
}
