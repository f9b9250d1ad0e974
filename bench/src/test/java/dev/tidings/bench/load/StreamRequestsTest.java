// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class StreamRequestsTest {
  private final StreamRequests requests =
      new StreamRequests(
          new Endpoint("127.0.0.1", 8000), Optional.of("secret"), "bench-x-", 100, 0x1f);

  @Test
  void send_hasStreamIdAndStampInPlace() {
    StreamSend send = requests.send(StreamRequests.Keeping.BLOCKING);
    var _ = send.toSend(99_999_999, 9999, 4_000_000_000L, 1);

    String[] parts = send.toSend(41, 7, 43, 99).toString(US_ASCII).split("\r\n\r\n", 2);

    assertThat(parts[0])
        .startsWith("POST /api/v1/streams/send HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
        .contains("Authorization: Bearer secret\r\n")
        .endsWith("Content-Length: " + parts[1].length());
    JsonNode body = new JsonMapper().readTree(parts[1]);
    assertThat(body.path("streamId").asString()).isEqualTo("bench-x-00000041");
    assertThat(body.path("messageUuid").asString())
        .isEqualTo("0000001f-0007-4000-8000-00000000002b");
    assertThat(body.path("message").path("at").asString())
        .isEqualTo("@0007.0000000043.0000000000000000099");
    assertThat(body.path("message").toString()).hasSize(100);
    assertThat(body.path("blockingSendTimeoutSeconds").asInt()).isEqualTo(30);
    assertThat(body.size()).isEqualTo(4);
  }

  @Test
  void circularSend_hasTheFieldsItNeedsAndNoMore() {
    String sent =
        requests.send(StreamRequests.Keeping.CIRCULAR).toSend(0, 0, 0, 0).toString(US_ASCII);

    JsonNode body = new JsonMapper().readTree(sent.substring(sent.indexOf("\r\n\r\n")));
    assertThat(body.size()).isEqualTo(3);
  }

  @Test
  void receive_namesItsStream() {
    String[] lines = requests.receive(30).toSend(12_345).toString(US_ASCII).split("\r\n", -1);

    assertThat(lines)
        .containsExactly(
            "GET /api/v1/streams/receive?timeoutSeconds=30&streamId=bench-x-00012345 HTTP/1.1",
            "Host: 127.0.0.1:8000",
            "Authorization: Bearer secret",
            "",
            "");
  }

  @Test
  void replay_goesOnAfterItsToken() {
    assertThat(requests.replay(3, 100, Optional.of("abc-_")).toString(US_ASCII))
        .startsWith(
            "GET /api/v1/streams/receive?readFromDB=true&timeoutSeconds=0&maxMessages=100"
                + "&streamId=bench-x-00000003&dbResumeToken=abc-_ HTTP/1.1\r\n");
    assertThat(requests.replay(3, 100, Optional.empty()).toString(US_ASCII))
        .startsWith(
            "GET /api/v1/streams/receive?readFromDB=true&timeoutSeconds=0&maxMessages=100"
                + "&streamId=bench-x-00000003 HTTP/1.1\r\n");
  }

  @Test
  void hasItsUuid_ifMeasurementSenderAndNumberAreThoseOfTheStamp() {
    String stamp = "@0007.0000000043.0000000000000000099";

    assertThat(isOurs(stamp, "0000001f-0007-4000-8000-00000000002b")).isTrue();
    assertThat(isOurs(stamp, "0000001e-0007-4000-8000-00000000002b")).isFalse();
    assertThat(isOurs(stamp, "0000001f-0008-4000-8000-00000000002b")).isFalse();
    assertThat(isOurs(stamp, "0000001f-0007-4000-8000-00000000002c")).isFalse();
    assertThat(isOurs(stamp, "0000001f-0007-4000-8000-00000000002g")).isFalse();
  }

  private boolean isOurs(String stamp, String uuid) {
    byte[] answer =
        "{\"message\":{\"at\":\"%s\"},\"messageUuid\":\"%s\",\"timestamp\":\"now\"}"
            .formatted(stamp, uuid)
            .getBytes(US_ASCII);
    StampedMessages messages = StreamRequests.messages(1);
    assertThat(messages.read(answer, answer.length)).isTrue();
    return requests.hasItsUuid(messages, 0);
  }
}
