// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class PubsubRequestsTest {
  private final PubsubRequests requests =
      new PubsubRequests(new Endpoint("127.0.0.1", 8000), Optional.of("secret"), 100);

  @Test
  void publish_numbersItsMessages_withWhatFiltersLookAt() {
    NumberedBatch batch = requests.publish("t", 3, 7);

    String[] parts = batch.toSend(5, 12, 99).toString(US_ASCII).split("\r\n\r\n", 2);

    assertThat(parts[0])
        .startsWith("POST /topics/t/messages HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
        .contains("Authorization: Bearer secret\r\n")
        .endsWith("Content-Length: " + parts[1].length());
    JsonNode messages = new JsonMapper().readTree(parts[1]);
    assertThat(messages.size()).isEqualTo(3);
    JsonNode last = messages.path(2);
    assertThat(last.path("at").asString()).isEqualTo("@0005.0000000014.0000000000000000099");
    assertThat(last.path("group").asString()).isEqualTo("0000").isEqualTo(PubsubRequests.group(0));
    assertThat(last.path("half").asString()).isEqualTo("0");
    assertThat(messages.path(1).path("group").asString()).isEqualTo("0006");
    assertThat(messages.path(1).path("half").asString()).isEqualTo("1");
    assertThat(last.toString()).hasSize(100);
  }

  @Test
  void schedule_saysTwiceWhenEachMessageIsDue() {
    long startMs = Instant.parse("2027-01-09T23:59:58.750Z").toEpochMilli();
    var due = new DueTimes(startMs, 2000, 8);
    ScheduledBatch batch = requests.schedule("t", 4, due);

    for (int first = 0; first < 8; first += 4) {
      String[] parts = batch.toSend(5, first, 99).toString(US_ASCII).split("\r\n\r\n", 2);
      assertThat(parts[0])
          .startsWith("POST /topics/t/messages HTTP/1.1\r\n")
          .endsWith("Content-Length: " + parts[1].length());
      JsonNode messages = new JsonMapper().readTree(parts[1]).path("messages");
      assertThat(messages.size()).isEqualTo(4);
      for (int i = 0; i < 4; i++) {
        JsonNode message = messages.path(i);
        Instant at = Instant.parse(message.path("deliver_at").asString());
        assertThat(at.toEpochMilli()).isEqualTo(due.of(first + i));
        assertThat(message.path("payload").path("at").asString())
            .isEqualTo("@0005.%010d.%019d".formatted(first + i, due.of(first + i) * 1_000_000));
        assertThat(message.path("payload").toString()).hasSize(100);
        assertThat(message.size()).isEqualTo(2);
      }
    }
  }

  @Test
  void acks_nameEveryLeasedMessage() {
    String id = "01890a5d-ac96-774b-bcce-b302099a8057";
    byte[] answer =
        "[{\"id\":\"%s\",\"at\":\"@%s\"},{\"id\":\"%s\",\"at\":\"@%s\"}]"
            .formatted(id, "0".repeat(35), id, "0".repeat(35))
            .getBytes(US_ASCII);
    var leased = new StampedMessages("id", 2);
    assertThat(leased.read(answer, answer.length)).isTrue();

    String[] parts = requests.acks("s", leased).toString(US_ASCII).split("\r\n\r\n", 2);

    assertThat(parts[0])
        .startsWith("POST /subscriptions/s/acks HTTP/1.1\r\n")
        .endsWith("Content-Length: " + parts[1].length());
    assertThat(parts[1]).isEqualTo("[\"" + id + "\",\"" + id + "\"]");
  }

  @Test
  void withoutToken_noneIsSent() {
    var open = new PubsubRequests(new Endpoint("127.0.0.1", 8000), Optional.empty(), 96);

    assertThat(open.lease("s", "c", 10).toString(US_ASCII))
        .isEqualTo(
            "GET /subscriptions/s/messages?consumer_id=c&batch_size=10 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n");
  }
}
