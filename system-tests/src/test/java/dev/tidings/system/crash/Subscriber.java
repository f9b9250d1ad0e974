// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Answer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// One subscription of the pubsub API of the server at one address.
record Subscriber(Relay relay, String id) {

  /// A message as a lease or the list of dead letters gave it; `publisher` and `number` are from
  /// its payload.
  record Delivered(String id, int publisher, int number, int attempts) {
    static Delivered of(JsonNode message) {
      JsonNode payload = message.get("payload");
      return new Delivered(
          message.get("id").asString(),
          payload.get("p").asInt(),
          payload.get("n").asInt(),
          message.get("delivery_attempts").asInt());
    }
  }

  static Subscriber create(Relay relay, String topic, String id, Map<String, ?> further) {
    var body = new HashMap<String, Object>(further);
    body.put("id", id);
    body.put("topic_id", topic);
    relay.post("/subscriptions", body).expect(201);
    return new Subscriber(relay, id);
  }

  private String path(String rest) {
    return "/subscriptions/" + id + rest;
  }

  Answer lease(int batch, int waitSeconds) {
    return relay.get(
        path(
            "/messages?consumer_id=c&batch_size=%d&wait_seconds=%d".formatted(batch, waitSeconds)));
  }

  static List<Delivered> delivered(Answer answer) {
    return answer.expect(200).json().get("data").valueStream().map(Delivered::of).toList();
  }

  /// Posts ids to `acks`, `nacks` or another list.
  Answer post(String to, Collection<String> ids) {
    return relay.post(path("/" + to), ids);
  }

  void nack(Delivered message, int delaySeconds) {
    relay
        .post(path("/nacks"), Map.of("ids", List.of(message.id()), "delay_seconds", delaySeconds))
        .expect(204);
  }

  /// All dead letters, page by page.
  List<Delivered> deadLetters() {
    var all = new ArrayList<Delivered>();
    while (true) {
      List<Delivered> page = delivered(relay.get(path("/dlq?limit=100&offset=" + all.size())));
      all.addAll(page);
      if (page.isEmpty()) {
        return all;
      }
    }
  }

  /// How many messages are in the state `available`, `delivered`, `acked` or `dlq`.
  int count(String state) {
    return relay.get(path("/metrics")).expect(200).json().get(state).asInt();
  }

  void expectCounts(int available, int delivered, int acked, int dlq) {
    assertThat(List.of(count("available"), count("delivered"), count("acked"), count("dlq")))
        .as("available, delivered, acked, dlq of %s", id)
        .containsExactly(available, delivered, acked, dlq);
  }
}
