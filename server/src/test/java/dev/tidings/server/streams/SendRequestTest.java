// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.server.wire.JsonValue;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SendRequestTest {
  private static final String ID = "550e8400-e29b-41d4-a716-446655440000";
  private static final StreamsApi.Settings SETTINGS =
      new StreamsApi.Settings(false, 1000, Duration.ofMinutes(5), Duration.ofDays(2), 10, 10);

  private static Checked<SendRequest> read(String body) {
    return SendRequest.read(JsonValue.parse(body.getBytes(UTF_8), SendRequest.DEPTH), SETTINGS);
  }

  /// A body with the fields that are needed and `more`.
  private static Checked<SendRequest> readWith(String more) {
    return read("{\"streamId\":\"s\",\"messageUuid\":\"" + ID + "\"" + more + "}");
  }

  private static SendRequest good(String more) {
    return goodOf(readWith(more));
  }

  private static SendRequest goodOf(Checked<SendRequest> read) {
    if (read instanceof Checked.Good<SendRequest>(SendRequest request)) {
      return request;
    }
    throw new AssertionError(read);
  }

  private static Fault faultOf(Checked<SendRequest> read) {
    if (read instanceof Checked.Bad<SendRequest>(Fault fault)) {
      return fault;
    }
    throw new AssertionError(read);
  }

  private static void assertFault(Checked<SendRequest> read, String field) {
    Fault fault = faultOf(read);
    assertThat(fault.error()).isEqualTo("invalid request schema");
    assertThat(fault.detail()).startsWith(field + ": ").contains("expected: ");
  }

  @Test
  void leastBody_hasTheDefaults() {
    SendRequest request = good("");
    assertThat(request.streamId()).isEqualTo("s");
    assertThat(request.messageUuid()).isEqualTo(UUID.fromString(ID));
    assertThat(request.message().text()).isEqualTo("null");
    assertThat(request.size()).isEqualTo(100);
    assertThat(request.timeoutMs()).isZero();
    assertThat(request.ttlMs()).isEmpty();
  }

  @Test
  void wholeBody_isRead() {
    SendRequest request =
        good(
            ",\"message\":{\"b\": [1, 2.50]},\"inMemoryStreamSize\":7,"
                + "\"blockingSendTimeoutSeconds\":5,\"writeToDB\":true,\"dbTTLSeconds\":9");
    assertThat(request.message().text()).isEqualTo("{\"b\": [1, 2.50]}");
    assertThat(request.size()).isEqualTo(7);
    assertThat(request.timeoutMs()).isEqualTo(5000);
    assertThat(request.ttlMs()).isEqualTo(OptionalLong.of(9000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "\"text\"", "-1.5e3", "true", "[]", "{\"streamId\":1}"})
  void messages_areAnyJson_andKeptAsTheyWere(String message) {
    assertThat(good(",\"message\":" + message).message().text()).isEqualTo(message);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 5, false, 0",
    "1, 0, false, 1",
    "1000, 0, false, 1000",
    "0, 0, true, 0",
    "0, -1, true, 0"
  })
  void sizes_inTheirBounds_areTaken(int size, int timeout, boolean stored, int expected) {
    assertThat(
            good(",\"inMemoryStreamSize\":"
                    + size
                    + ",\"blockingSendTimeoutSeconds\":"
                    + timeout
                    + ",\"writeToDB\":"
                    + stored)
                .size())
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-1",
        "1001",
        "2147483648",
        "99999999999999999999",
        "1.0",
        "1e2",
        "\"1\"",
        "null",
        "true",
        "[]",
        "0"
      })
  void sizes_outOfTheirBounds_areRefused(String size) {
    assertFault(readWith(",\"inMemoryStreamSize\":" + size), "inMemoryStreamSize");
  }

  @ParameterizedTest
  @CsvSource({"-2147483648, 0", "-1, 0", "0, 0", "1, 1000", "300, 300000"})
  void timeouts_inTheirBounds_areTaken(int timeout, long milliseconds) {
    assertThat(good(",\"blockingSendTimeoutSeconds\":" + timeout).timeoutMs())
        .isEqualTo(milliseconds);
  }

  @ParameterizedTest
  @ValueSource(strings = {"301", "99999999999999999999", "0.5", "\"5\"", "null", "{}"})
  void timeouts_outOfTheirBounds_areRefused(String timeout) {
    assertFault(
        readWith(",\"blockingSendTimeoutSeconds\":" + timeout), "blockingSendTimeoutSeconds");
  }

  @ParameterizedTest
  @CsvSource({
    "'', 86400000",
    "',\"dbTTLSeconds\":1', 1000",
    "',\"dbTTLSeconds\":172800', 172800000"
  })
  void ttls_inTheirBounds_areTaken(String ttl, long milliseconds) {
    assertThat(good(",\"writeToDB\":true" + ttl).ttlMs()).hasValue(milliseconds);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "172801", "1.5", "null", "\"9\""})
  void ttls_outOfTheirBounds_areRefused(String ttl) {
    assertFault(readWith(",\"writeToDB\":true,\"dbTTLSeconds\":" + ttl), "dbTTLSeconds");
  }

  @Test
  void ttl_thatIsNotUsed_isChecked_butForItsBounds() {
    assertThat(good(",\"dbTTLSeconds\":-5").ttlMs()).isEmpty();
    assertFault(readWith(",\"dbTTLSeconds\":\"5\""), "dbTTLSeconds");
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "0", "\"true\"", "[]"})
  void writeToDb_otherThanTrueOrFalse_isRefused(String stored) {
    assertFault(readWith(",\"writeToDB\":" + stored), "writeToDB");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\"}",
        "{\"streamId\":\"\",\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\"}",
        "{\"streamId\":null,\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\"}",
        "{\"streamId\":7,\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\"}",
        "{}"
      })
  void streamId_thatIsNone_isRefused(String body) {
    assertFault(read(body), "streamId");
  }

  @Test
  void streamIds_haveAtMost1024Characters() {
    String longest = "😀".repeat(1024);
    String body = "{\"messageUuid\":\"" + ID + "\",\"streamId\":\"";
    assertThat(goodOf(read(body + longest + "\"}")).streamId()).isEqualTo(longest);
    assertFault(read(body + longest + "x\"}"), "streamId");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "550E8400-E29B-41D4-A716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
        "{550e8400-e29b-41d4-a716-446655440000}"
      })
  void messageUuids_areReadInAllSpellings(String text) {
    String body = "{\"streamId\":\"s\",\"messageUuid\":\"" + text + "\"}";
    assertThat(goodOf(read(body)).messageUuid()).isEqualTo(UUID.fromString(ID));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ",\"messageUuid\":\"msg-123\"", ",\"messageUuid\":null", ",\"messageUuid\":5"})
  void messageUuids_thatAreNone_areRefused(String field) {
    assertFault(read("{\"streamId\":\"s\"" + field + "}"), "messageUuid");
  }

  @Test
  void unknownFields_areRefused() {
    assertFault(readWith(",\"color\":1"), "color");
    assertFault(readWith(",\"" + "x".repeat(10_000) + "\":1"), "x".repeat(100) + "…");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "null", "[]", "\"x\"", "1", "{} {}"})
  void bodies_thatAreNoObject_areRefused(String body) {
    Fault fault = faultOf(read(body));
    assertThat(fault.error()).isEqualTo("invalid request schema");
    assertThat(fault.detail()).startsWith("the body is ");
  }
}
