// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolledTopicsTest {

  @Test
  void topics_areForgottenWithTheLastPollForThem() {
    PolledTopics topics = new PolledTopics();
    topics.add(List.of("x", "y"));
    topics.add(List.of("y"));
    assertThat(topics.size()).isEqualTo(2);
    assertThat(topics.countsOf(_ -> true)).isEqualTo(Map.of("x", 1, "y", 2));

    topics.remove(List.of("x", "y"));

    assertThat(topics.size()).isEqualTo(1);
    assertThat(topics.countsOf(_ -> true)).isEqualTo(Map.of("y", 1));
    topics.remove(List.of("y"));
    assertThat(topics.size()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"999, 999", "1000, 1000", "1001, 1000"})
  void counts_areToldOfAThousandTopicsAtMost(int polled, int told) {
    PolledTopics topics = new PolledTopics();
    topics.add(IntStream.range(0, polled).mapToObj(i -> "t" + i).toList());

    assertThat(topics.countsOf(_ -> true)).hasSize(told);
    assertThat(topics.size()).isEqualTo(polled);
  }

  @ParameterizedTest
  @CsvSource({"9999, 9999", "10000, 10000", "10001, 10000"})
  void counts_areLookedForAmongTenThousandAtMost(int polled, int lookedAt) {
    PolledTopics topics = new PolledTopics();
    topics.add(IntStream.range(0, polled).mapToObj(i -> "t" + i).toList());
    int[] asked = {0};

    topics.countsOf(_ -> {
      asked[0]++;
      return false;
    });

    assertThat(asked[0]).isEqualTo(lookedAt);
  }
}
