// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class ExchangeRequestsTest {
  private static final Endpoint SERVER = new Endpoint("127.0.0.1", 8000);

  private final ExchangeRequests requests =
      new ExchangeRequests(SERVER, Optional.of("secret"), 100);

  @Test
  void publish_hasItsKeyAndStampInPlace() {
    StampedRequest publish = requests.publish("e", "a.b");

    String[] parts = publish.toSend(7, 43, 99).toString(US_ASCII).split("\r\n\r\n", 2);

    assertThat(parts[0])
        .startsWith("POST /publish HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
        .contains("Authorization: Bearer secret\r\n")
        .endsWith("Content-Length: " + parts[1].length());
    JsonNode body = new JsonMapper().readTree(parts[1]);
    assertThat(body.path("exchange_name").asString()).isEqualTo("e");
    assertThat(body.path("key").asString()).isEqualTo("a.b");
    assertThat(body.path("payload").path("at").asString())
        .isEqualTo("@0007.0000000043.0000000000000000099");
    assertThat(body.path("payload").toString()).hasSize(100);
    assertThat(body.size()).isEqualTo(3);
    assertThat(publish.messages()).isEqualTo(1);
    assertThat(publish.call().expectedStatus()).isEqualTo(200);
  }

  @Test
  void bind_namesExchangeQueueAndKey() {
    String[] parts = requests.bind("e", "q", "*.#").toString(US_ASCII).split("\r\n\r\n", 2);

    assertThat(parts[0])
        .startsWith("POST /bindings HTTP/1.1\r\n")
        .endsWith("Content-Length: " + parts[1].length());
    assertThat(parts[1])
        .isEqualTo("{\"exchange_name\":\"e\",\"queue_name\":\"q\",\"key\":\"*.#\"}");
  }

  @Test
  void withoutToken_noneIsSent() {
    var open = new ExchangeRequests(SERVER, Optional.empty(), 64);

    assertThat(open.publish("e", "").toSend().toString(US_ASCII)).doesNotContain("Authorization");
  }

  @Test
  void payloadWithoutRoomForAStamp_isRefused() {
    assertThatThrownBy(() -> new ExchangeRequests(SERVER, Optional.empty(), 63))
        .hasMessage("payload-bytes: 63 (expected: >= 64)");
  }
}
