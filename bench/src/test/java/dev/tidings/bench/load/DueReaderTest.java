// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

final class DueReaderTest {
  private static final long NOW_MS = 1_800_000_000_123L;

  private final DueReader reader =
      new DueReader(Clock.fixed(Instant.ofEpochMilli(NOW_MS), ZoneOffset.UTC), 3, 10);

  @Test
  void messages_areCountedByHowOftenTheyCome() {
    for (long number : new long[] {0, 1, 2, 1, 1, 9}) {
      assertThat(read(3, number, NOW_MS)).isEmpty();
    }

    assertThat(reader.received()).isEqualTo(6);
    assertThat(reader.once()).isEqualTo(3);
    assertThat(reader.moreThanOnce()).isEqualTo(1);
    assertThat(reader.missing()).isEqualTo(6);
    assertThat(reader.lastAtNs()).isEqualTo(NOW_MS * 1_000_000);
  }

  @Test
  void lateness_isFromWhenTheyAreDue_andOfTheFirstTimeAlone() {
    read(3, 0, NOW_MS - 30);
    read(3, 1, NOW_MS - 20);
    read(3, 1, NOW_MS - 20);
    read(3, 2, NOW_MS + 5);

    assertThat(reader.early()).isEqualTo(1);
    var lateness = reader.takeLateness();
    assertThat(lateness.getTotalCount()).isEqualTo(3);
    assertThat(lateness.getMinValue()).isZero();
    assertThat(lateness.getMaxValue() / 1e6).isCloseTo(30, Offset.offset(0.1));
    assertThat(reader.outOfOrder()).isZero();
  }

  @Test
  void messageAfterOneThatIsDueLater_isOutOfOrder() {
    for (long dueMs : new long[] {5, 5, 9, 7, 8, 9}) {
      read(3, reader.received(), NOW_MS - 100 + dueMs);
    }

    assertThat(reader.outOfOrder()).isEqualTo(2);
  }

  @Test
  void messageThatWasNotScheduledForIt_isRefused() {
    assertThat(read(2, 1, NOW_MS)).isEqualTo("received a message that was not scheduled for it");
    assertThat(read(3, 10, NOW_MS)).isNotEmpty();
    assertThat(reader.received()).isZero();
    assertThat(reader.answer()).isEmpty();
  }

  private String read(int publisher, long number, long dueMs) {
    String stamp = "@%04d.%010d.%019d".formatted(publisher, number, dueMs * 1_000_000);
    ByteBuf frame = Unpooled.copiedBuffer(stamp, US_ASCII);
    return reader.message(frame, 0, frame.readableBytes(), 0);
  }
}
