// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PollWaitersTest {

  @Test
  void bounds_areOfAllAndOfOneUser_andRefusedOnesDoNotCount() {
    PollWaiters waiters = new PollWaiters(3, 2);
    List<String> topics = List.of("t");
    assertThat(waiters.enter("a", topics)).isTrue();
    assertThat(waiters.enter("a", topics)).isTrue();
    assertThat(waiters.enter("a", topics)).isFalse();
    assertThat(waiters.enter("b", topics)).isTrue();
    assertThat(waiters.enter("b", topics)).isFalse();
    assertThat(waiters.waiting()).isEqualTo(3);
    assertThat(waiters.countsOf(_ -> true)).containsOnly(java.util.Map.entry("t", 3));

    waiters.leave("a", topics);

    assertThat(waiters.enter("b", topics)).isTrue();
    assertThat(waiters.enter("a", topics)).isFalse();
  }

  @Test
  void topics_areForgottenWithTheLastWhoWaitsForThem() {
    PollWaiters waiters = new PollWaiters(10, 10);
    waiters.enter("a", List.of("x", "y"));
    waiters.enter("b", List.of("y"));
    assertThat(waiters.topics()).isEqualTo(2);

    waiters.leave("a", List.of("x", "y"));

    assertThat(waiters.topics()).isEqualTo(1);
    assertThat(waiters.countsOf(_ -> true)).containsOnlyKeys("y");
    waiters.leave("b", List.of("y"));
    assertThat(waiters.topics()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"999, 999", "1000, 1000", "1001, 1000"})
  void counts_areToldOfAThousandTopicsAtMost(int topics, int told) {
    PollWaiters waiters = new PollWaiters(10, 10);
    waiters.enter("a", IntStream.range(0, topics).mapToObj(i -> "t" + i).toList());

    assertThat(waiters.countsOf(_ -> true)).hasSize(told);
    assertThat(waiters.topics()).isEqualTo(topics);
  }

  @ParameterizedTest
  @CsvSource({"9999, 9999", "10000, 10000", "10001, 10000"})
  void counts_areLookedForAmongTenThousandAtMost(int topics, int lookedAt) {
    PollWaiters waiters = new PollWaiters(10, 10);
    waiters.enter("a", IntStream.range(0, topics).mapToObj(i -> "t" + i).toList());
    int[] asked = {0};

    waiters.countsOf(_ -> {
      asked[0]++;
      return false;
    });

    assertThat(asked[0]).isEqualTo(lookedAt);
  }
}
