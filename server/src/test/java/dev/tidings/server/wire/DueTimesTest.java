// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.NewMessage;
import dev.tidings.core.runtime.TimeSource;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DueTimesTest {
  /// 2001-09-09T01:46:40Z.
  private static final long NOW = 1_000_000_000_000L;

  private static final DueTimes DUE_TIMES =
      new DueTimes(
          new TimeSource() {
            @Override
            public long monotonicNs() {
              throw new AssertionError("deadlines are no business of a date");
            }

            @Override
            public long wallMs() {
              return NOW;
            }
          },
          Duration.ofSeconds(100));

  private static Fields fields(String body) {
    JsonValue.Parsed parsed = JsonValue.parse(body.getBytes(UTF_8), 1);
    assertThat(parsed).isInstanceOf(JsonValue.Valid.class);
    return Fields.of(((JsonValue.Valid) parsed).value());
  }

  private static long due(String body) {
    Fields fields = fields(body);
    long dueAt = DUE_TIMES.read(fields);
    assertThat(fields.errors()).isEmpty();
    return dueAt;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"deliver_at\":null,\"delay_seconds\":null}",
        "{\"delay_seconds\":0}",
        "{\"deliver_at\":\"2001-09-09T01:46:40Z\"}",
        "{\"deliver_at\":\"1900-01-01T00:00:00Z\"}",
        "{\"deliver_at\":\"-999999999-01-01T00:00:00Z\"}",
      })
  void whatIsNotLater_isAsIfNothingWasSaid(String body) {
    assertThat(due(body)).isEqualTo(NewMessage.NOW);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"delay_seconds\":0.25} | 250",
        "{\"delay_seconds\":0.0001} | 1",
        "{\"delay_seconds\":100} | 100000",
        "{\"delay_seconds\":3,\"deliver_at\":null} | 3000",
        "{\"deliver_at\":\"2001-09-09T01:46:40.001Z\"} | 1",
        "{\"deliver_at\":\"2001-09-09T03:48:20+02:00\"} | 100000",
      })
  void whatIsLater_isDueThen_upToTheBound(String body, long afterNow) {
    assertThat(due(body)).isEqualTo(NOW + afterNow);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"delay_seconds\":100.001}",
        "{\"delay_seconds\":1e300}",
        "{\"deliver_at\":\"2001-09-09T01:48:20.001Z\"}",
        "{\"deliver_at\":\"+999999999-01-01T00:00:00Z\"}",
      })
  void whatIsBeyondTheBound_isTold(String body) {
    Fields fields = fields(body);
    assertThat(DUE_TIMES.read(fields)).isEqualTo(NewMessage.NOW);
    assertThat(fields.errors()).hasSize(1);
    assertThat(fields.errors().getFirst().message())
        .isEqualTo(
            "Value error, the message would be due too far ahead (expected: at most 100 seconds"
                + " from now, scheduled.max-delay)");
  }

  @Test
  void both_areTold() {
    Fields fields = fields("{\"delay_seconds\":1,\"deliver_at\":\"2001-09-09T01:46:41Z\"}");
    DUE_TIMES.read(fields);
    assertThat(fields.errors()).hasSize(1);
    assertThat(fields.errors().getFirst().message()).contains("not both");
  }

  @Test
  void whatIsNoTimeOrNumber_isTold() {
    Fields fields = fields("{\"delay_seconds\":-1,\"deliver_at\":\"soon\"}");
    assertThat(DUE_TIMES.read(fields)).isEqualTo(NewMessage.NOW);
    assertThat(fields.errors())
        .extracting(FieldError::type)
        .containsExactly("datetime_parsing", "greater_than_equal");
  }
}
