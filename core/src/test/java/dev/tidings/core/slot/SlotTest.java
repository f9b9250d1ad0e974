// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.slot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

class SlotTest {
  /// Stores in the field were written with these. If this fails, [Slot#HASH] has to change too.
  @Test
  void values_areStable() {
    assertThat(Slot.HASH).isEqualTo("fnv1a64-mix/1024");
    assertThat(Slot.COUNT).isEqualTo(1024);
    assertThat(Slot.of(Slot.Kind.TOPIC, "news")).isEqualTo(67);
    assertThat(Slot.of(Slot.Kind.TOPIC, "notifications")).isEqualTo(86);
    assertThat(Slot.of(Slot.Kind.TOPIC, "")).isEqualTo(588);
    assertThat(Slot.of(Slot.Kind.TOPIC, "späße-✓")).isEqualTo(599);
    assertThat(Slot.of(Slot.Kind.USER, "admin")).isEqualTo(592);
    assertThat(Slot.of(Slot.Kind.USER, "news")).isEqualTo(36);
    assertThat(Slot.of(Slot.Kind.CLIENT, "news")).isEqualTo(718);
    assertThat(Slot.of(Slot.Kind.STREAM, "news")).isEqualTo(261);
    assertThat(Slot.of(Slot.Kind.KEY, "news")).isEqualTo(840);
  }

  @Test
  void similarNames_spreadEvenly() {
    for (String pattern : new String[] {"t%d", "bench-%06d", "%d-x"}) {
      int[] hits = new int[Slot.COUNT];
      for (int i = 0; i < 100 * Slot.COUNT; i++) {
        hits[Slot.of(Slot.Kind.TOPIC, pattern.formatted(i))]++;
      }
      // 100 a slot on average; six standard deviations of a fair spread either way.
      assertThat(Arrays.stream(hits).min().orElseThrow()).as(pattern).isGreaterThan(40);
      assertThat(Arrays.stream(hits).max().orElseThrow()).as(pattern).isLessThan(160);
    }
  }

  @Test
  void slotSets_areValues() {
    BitSet bits = new BitSet();
    bits.set(3);
    SlotSet set = SlotSet.copyOf(bits);
    bits.set(4);
    assertThat(set).isEqualTo(SlotSet.range(3, 4)).hasSameHashCodeAs(SlotSet.range(3, 4));
    assertThat(set.contains(3)).isTrue();
    assertThat(set.contains(4)).isFalse();
    assertThat(set).hasToString("{3}");
    assertThat(SlotSet.NONE.isEmpty()).isTrue();
    assertThat(SlotSet.ALL.contains(0)).isTrue();
    assertThat(SlotSet.ALL.contains(1023)).isTrue();
    assertThatThrownBy(() -> SlotSet.range(0, 1025)).hasMessageContaining("within 0 to 1024");
  }
}
