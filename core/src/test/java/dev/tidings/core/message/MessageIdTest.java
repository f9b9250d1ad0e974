// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageIdTest {
  private static final long MAX = MessageId.MAX_SEQUENCE;

  @Property(tries = 500)
  void bothSpellings_roundTrip(
      @ForAll @LongRange(max = (1L << 48) - 1) long timestamp,
      @ForAll @LongRange(max = (1L << 48) - 1) long sequence,
      @ForAll @IntRange(max = (1 << 26) - 1) int incarnation) {
    MessageId id = new MessageId(timestamp, sequence, incarnation);
    assertThat(MessageId.parse(id.toRelayId())).contains(id);
    assertThat(MessageId.parse(id.toUuid().toString())).contains(id);
    assertThat(MessageId.parse(id.toUuid().toString().toUpperCase(Locale.ROOT))).contains(id);
    assertThat(id.toUuid().version()).isEqualTo(7);
    assertThat(id.toUuid().variant()).isEqualTo(2);
    assertThat(id.toRelayId()).isEqualTo("msg_" + id.toUuid().toString().replace("-", ""));
  }

  @Property(tries = 500)
  void ids_sortInLogOrder(
      @ForAll @LongRange(max = 1L << 46) long timestamp,
      @ForAll @LongRange(max = 1000) long later,
      @ForAll @LongRange(max = (1L << 48) - 2) long sequence,
      @ForAll @IntRange(max = (1 << 26) - 1) int incarnation) {
    MessageId first = new MessageId(timestamp, sequence, incarnation);
    MessageId next = new MessageId(timestamp + later, sequence + 1, incarnation);
    assertThat(first.toRelayId()).isLessThan(next.toRelayId());
    assertThat(first.toUuid()).isLessThan(next.toUuid());
  }

  @Property(tries = 1000)
  void parse_neverThrows_andReadsOnlyWhatItWrites(@ForAll String text) {
    MessageId.parse(text)
        .ifPresent(id ->
            assertThat(text.toLowerCase(Locale.ROOT)).isIn(id.toRelayId(), id.toUuid().toString()));
  }

  @Test
  void bits_areWhereTheyArePromised() {
    assertThat(new MessageId(0x0123456789abL, 0xfedcba987654L, 0x2aaaaaa).toUuid())
        .isEqualTo(UUID.fromString("01234567-89ab-7fed-b2ea-61d952aaaaaa"));
    assertThat(new MessageId(0, 0, 0).toRelayId())
        .isEqualTo("msg_00000000000070008000000000000000");
    assertThat(new MessageId(MAX, MAX, MessageId.MAX_INCARNATION).toRelayId())
        .isEqualTo("msg_ffffffffffff7fffbfffffffffffffff");
  }

  /// The JDK reads UUIDs leniently: signs, and groups of other lengths, passed for ids.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "msg_",
        "latest",
        "msg_0123456789ab",
        "1700000000000-0",
        "msg_0000000000007000800000000000000g",
        "MSG_00000000000070008000000000000000",
        "msg_00000000000040008000000000000000",
        "msg_00000000000070000000000000000000",
        "00000000-0000-4000-8000-000000000000",
        "00000000-0000-7000-c000-000000000000",
        "00000000000070008000000000000000",
        "+0000000-0000-7000-8000-000000000000",
        "0000000-00000-7000-8000-000000000000",
        "00000000-0000-7000-8000-00000000000",
        "00000000-0000-7000-8000-0000000000000",
        "００００００００-0000-7000-8000-000000000000",
        "msg_-000000000007000800000000000000 ",
      })
  void foreignText_isNoId(String text) {
    assertThat(MessageId.parse(text)).isEmpty();
  }

  @Test
  void outOfRange_isRefusedWithWhatWasExpected() {
    assertThatThrownBy(() -> new MessageId(0, MAX + 1, 0)).hasMessageContaining("sequence: ");
    assertThatThrownBy(() -> new MessageId(-1, 0, 0)).hasMessageContaining("timestamp: -1");
    assertThatThrownBy(() -> new MessageId(0, 0, 1 << 26)).hasMessageContaining("incarnation: ");
  }
}
