// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.MultiMap;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReceiveRequestTest {
  private static final StreamsApi.Settings SETTINGS =
      new StreamsApi.Settings(false, 1000, Duration.ofMinutes(5), Duration.ofDays(2), 10, 10);

  private static Checked<ReceiveRequest> read(String... namesAndValues) {
    MultiMap query = MultiMap.caseInsensitiveMultiMap();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      query.add(namesAndValues[i], namesAndValues[i + 1]);
    }
    return ReceiveRequest.read(query, SETTINGS);
  }

  private static ReceiveRequest good(String name, String value) {
    return goodOf(read("streamId", "s", name, value));
  }

  private static ReceiveRequest goodOf(Checked<ReceiveRequest> read) {
    if (read instanceof Checked.Good<ReceiveRequest>(ReceiveRequest request)) {
      return request;
    }
    throw new AssertionError(read);
  }

  private static void assertFault(Checked<ReceiveRequest> read, String error) {
    if (read instanceof Checked.Bad<ReceiveRequest>(Fault fault)) {
      assertThat(fault.error()).isEqualTo(error);
    } else {
      throw new AssertionError(read);
    }
  }

  @Test
  void leastQuery_hasTheDefaults() {
    ReceiveRequest request = good("other", "ignored");
    assertThat(request.streamId()).isEqualTo("s");
    assertThat(request.waitMs()).isEqualTo(30_000);
    assertThat(request.replay()).isFalse();
    assertThat(request.token()).isEmpty();
    assertThat(request.maxMessages()).isEmpty();
    assertThat(request.max()).isEqualTo(1);
  }

  @Test
  void streamId_isRequired_andBounded() {
    assertFault(read(), "streamId is required");
    assertFault(read("streamId", ""), "streamId is required");
    assertFault(read("streamId", "x".repeat(1025)), "invalid streamId");
    assertThat(goodOf(read("streamId", "x".repeat(1024))).streamId()).hasSize(1024);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "-5, 0", "1, 1000", "+2, 2000", "007, 7000", "300, 300000"})
  void timeouts_inTheirBounds_areTaken(String seconds, long milliseconds) {
    assertThat(good("timeoutSeconds", seconds).waitMs()).isEqualTo(milliseconds);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "301", "x", "1.5", " 1", "-", "٣", "99999999999999999999"})
  void timeouts_outOfTheirBounds_areRefused(String seconds) {
    assertFault(read("streamId", "s", "timeoutSeconds", seconds), "invalid timeoutSeconds");
  }

  @ParameterizedTest
  @CsvSource({"'', false", "false, false", "true, true"})
  void readFromDb_isTrueOrFalse(String text, boolean replay) {
    assertThat(good("readFromDB", text).replay()).isEqualTo(replay);
  }

  @ParameterizedTest
  @ValueSource(strings = {"True", "1", "yes", "falsee"})
  void readFromDb_otherThanThese_isRefused(String text) {
    assertFault(read("streamId", "s", "readFromDB", text), "invalid readFromDB");
  }

  @Test
  void tokens_belongToReplays() {
    assertFault(read("streamId", "s", "dbResumeToken", "t"), "invalid dbResumeToken");
    assertFault(
        read("streamId", "s", "dbResumeToken", "t", "readFromDB", "false"),
        "invalid dbResumeToken");
    assertThat(good("dbResumeToken", "").token()).isEmpty();
    assertThat(goodOf(read("streamId", "s", "dbResumeToken", "t", "readFromDB", "true")).token())
        .contains("t");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "2", "1000"})
  void maxMessages_inItsBounds_isTaken(String text) {
    assertThat(good("maxMessages", text).maxMessages()).hasValue(Integer.parseInt(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "-1", "1001", "x", "99999999999999999999"})
  void maxMessages_outOfItsBounds_isRefused(String text) {
    assertFault(read("streamId", "s", "maxMessages", text), "invalid maxMessages");
  }
}
