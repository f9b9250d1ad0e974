// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// The statistics of polls that wait.
@SystemTest
final class PollStatsTest {

  private static JsonNode stats(RelayClient client) {
    JsonNode stats = client.get("/messages/poll/stats").expect(200).json();
    assertThat(Json.names(stats))
        .containsExactly("active_waiters", "subscribed_topics", "topic_subscriber_counts");
    return stats;
  }

  private static JsonNode counts(RelayClient client) {
    return stats(client).get("topic_subscriber_counts");
  }

  @Test
  void waitingPolls_areCountedByTopic_acrossEventLoops() {
    try (TidingsProcess server =
        TidingsProcess.startSecured(Map.of("TIDINGS_SERVER_EVENT_LOOPS", "4"))) {
      RelayClient admin = server.admin();
      assertThat(stats(admin))
          .isEqualTo(
              Json.parse(
                  "{\"active_waiters\":0,\"subscribed_topics\":0,\"topic_subscriber_counts\":{}}"));
      var polls =
          List.of(
              admin.pollAsync("topics", List.of("a", "b"), "timeout", 30),
              admin.pollAsync("topics", List.of("a", "b", "b"), "timeout", 30),
              admin.pollAsync("topics", List.of("a", "c"), "timeout", 30));

      JsonNode expected = Json.parse("{\"a\":3,\"b\":2,\"c\":1}");
      Await.until("all wait", () -> counts(admin).equals(expected));
      assertThat(stats(admin).get("active_waiters").asInt()).isEqualTo(3);
      assertThat(stats(admin).get("subscribed_topics").asInt()).isEqualTo(3);

      admin.publishNumber("b", 1);
      Await.until("two are answered", () -> stats(admin).get("active_waiters").asInt() == 1);
      assertThat(counts(admin)).isEqualTo(Json.parse("{\"a\":1,\"c\":1}"));
      admin.publishNumber("c", 1);
      polls.forEach(poll -> Await.result(poll).expect(200));
      assertThat(stats(admin).get("subscribed_topics").asInt()).isZero();
    }
  }

  @Test
  void names_areToldToThoseWhoMayReadThem() {
    try (TidingsProcess server = TidingsProcess.startSecured(Map.of())) {
      RelayClient admin = server.admin();
      admin.createTopic("topic_name", "public", "is_public", true).expect(201);
      admin.createTopic("topic_name", "private").expect(201);
      admin.createTopic("topic_name", "granted").expect(201);
      User reader = admin.newUser("read");
      admin.grant("granted", "user_id", reader.id()).expect(201);
      var poll =
          admin.pollAsync(
              "topics", List.of("public", "private", "granted", "missing"), "timeout", 30);
      Await.until("it waits", () -> counts(admin).size() == 4);

      assertThat(counts(reader.client())).isEqualTo(Json.parse("{\"granted\":1,\"public\":1}"));
      assertThat(stats(reader.client()).get("subscribed_topics").asInt()).isEqualTo(4);
      assertThat(counts(admin.newUser().client()).size()).isZero();
      server.anonymous().get("/messages/poll/stats").expectUnauthorized("Not authenticated");
      admin.publishNumber("missing", 1);
      Await.result(poll).expect(200);
    }
  }
}
