// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class DueTimesTest {
  @Test
  void times_areSpreadEvenly_inAnotherOrderThanTheNumbers() {
    var due = new DueTimes(1000, 500, 250);

    List<Long> times = LongStream.range(0, 250).mapToObj(due::of).toList();

    assertThat(times.stream().sorted().toList())
        .isEqualTo(LongStream.range(0, 250).mapToObj(i -> 1000 + 2 * i).toList());
    assertThat(times).isNotEqualTo(times.stream().sorted().toList());
  }

  @Test
  void manyMessages_ofALongTime_doNotOverflow() {
    long day = 24 * 3600 * 1000L;
    var due = new DueTimes(0, day, DueTimes.MAX_MESSAGES);

    for (long number : new long[] {0, 1, 12_345_678, DueTimes.MAX_MESSAGES - 1}) {
      assertThat(due.of(number)).isBetween(0L, day - 1);
    }
    assertThatThrownBy(() -> new DueTimes(0, 1, DueTimes.MAX_MESSAGES + 1L))
        .isInstanceOf(BenchException.class);
    assertThatThrownBy(() -> new DueTimes(0, 1, 0)).hasMessageContaining("expected: 1 to");
  }
}
