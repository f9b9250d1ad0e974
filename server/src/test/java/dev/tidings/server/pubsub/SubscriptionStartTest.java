// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SubscriptionStartTest {
  @Test
  void words_areThePlacesTheyName() {
    assertThat(SubscriptionStart.parse("now")).contains(new SubscriptionStart.Now());
    assertThat(SubscriptionStart.parse("earliest")).contains(new SubscriptionStart.Earliest());
  }

  @ParameterizedTest
  @CsvSource({
    "1970-01-01T00:00:01Z, 1000",
    "1970-01-01T00:00:01, 1000",
    "1970-01-01T01:00:01+01:00, 1000",
    "1970-01-01T00:00:01.500Z, 1500",
    "1970-01-01T00:00:01.500001Z, 1501",
    "1969-12-31T23:59:59Z, -1000"
  })
  void times_areTheFirstMillisecondNotBefore(String text, long timestamp) {
    assertThat(SubscriptionStart.parse(text)).contains(new SubscriptionStart.At(timestamp));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Now",
        "yesterday",
        "2026-01-31",
        "12:00",
        "2026-13-01T00:00:00Z",
        "1700000000"
      })
  void otherTexts_areNone(String text) {
    assertThat(SubscriptionStart.parse(text)).isEmpty();
  }
}
