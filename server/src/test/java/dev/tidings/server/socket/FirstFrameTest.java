// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FirstFrameTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"subscribe\",\"topics\":[\"t\"]}",
        "{\"topics\":[\"t\"],\"type\":\"subscribe\"}",
        "{\"type\":\"publish\"}",
        "{\"type\":\"SUBSCRIBE\",\"type\":\"subscribe\"}"
      })
  void lowerCase_isTheRelays(String frame) {
    assertThat(FirstFrame.of(frame)).isEqualTo(FirstFrame.RELAY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"SUBSCRIBE\",\"payload\":{\"queue_name\":\"q\"}}",
        "{\"Type\":\"SUBSCRIBE\"}",
        "{\"type\":\"SUBSCRIBE\"} and more"
      })
  void upperCase_isTheExchanges(String frame) {
    assertThat(FirstFrame.of(frame)).isEqualTo(FirstFrame.EXCHANGE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "SUBSCRIBE",
        "\"SUBSCRIBE\"",
        "[]",
        "{}",
        "{\"type\":5}",
        "{\"type\":null}",
        "{\"type\":\"Subscribe\"}",
        "{\"type\":\"ping\"}",
        "{\"payload\":{\"type\":\"SUBSCRIBE\"}}"
      })
  void anythingElse_isUnknown(String frame) {
    assertThat(FirstFrame.of(frame)).isEqualTo(FirstFrame.UNKNOWN);
  }
}
