// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Endpoint;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The few calls of the pubsub API that are no load.
final class PubsubApi implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  /// Longer than any measurement, so that a second delivery is an error of the server. Servers
  /// whose leases do not end by themselves do not know the field.
  private static final int ACK_DEADLINE_S = 3600;

  private final ApiCalls calls;

  PubsubApi(Endpoint endpoint) {
    calls = new ApiCalls(endpoint);
  }

  /// What a subscription says of its messages.
  record Counts(long available, long delivered, long dead) {}

  /// Sends this token from now on, or none.
  void use(Optional<String> given) {
    calls.use(given);
  }

  /// The access token of a client.
  String clientToken(String clientId, String clientSecret) throws InterruptedException {
    String body =
        JSON.writeValueAsString(Map.of("client_id", clientId, "client_secret", clientSecret));
    HttpResponse<String> answer = calls.send("POST", "/oauth/token", Optional.of(body));
    if (answer.statusCode() != 201) {
      throw ApiCalls.refused(
          answer, "POST /oauth/token", "201; give --client-id and --client-secret of a client");
    }
    return JSON.readTree(answer.body()).path("access_token").asString();
  }

  void createTopic(String id) throws InterruptedException {
    create("/topics", JSON.createObjectNode().put("id", id));
  }

  void createSubscription(String id, String topic, Optional<String> filter)
      throws InterruptedException {
    ObjectNode body =
        JSON.createObjectNode()
            .put("id", id)
            .put("topic_id", topic)
            .put("ack_deadline_seconds", ACK_DEADLINE_S);
    filter.ifPresent(json -> body.set("filter", JSON.readTree(json)));
    create("/subscriptions", body);
  }

  /// Deletes a topic with its subscriptions and messages; true if that was done.
  boolean deleteTopic(String id) throws InterruptedException {
    return calls.send("DELETE", "/topics/" + id, Optional.empty()).statusCode() == 204;
  }

  Counts counts(String subscription) throws InterruptedException {
    String path = "/subscriptions/" + subscription + "/metrics";
    HttpResponse<String> answer = calls.send("GET", path, Optional.empty());
    if (answer.statusCode() != 200) {
      throw ApiCalls.refused(answer, "GET " + path, "200");
    }
    JsonNode counts = JSON.readTree(answer.body());
    return new Counts(
        counts.path("available").asLong(),
        counts.path("delivered").asLong(),
        counts.path("dlq").asLong());
  }

  private void create(String path, ObjectNode body) throws InterruptedException {
    HttpResponse<String> answer =
        calls.send("POST", path, Optional.of(JSON.writeValueAsString(body)));
    if (answer.statusCode() != 201) {
      throw ApiCalls.refused(
          answer,
          "POST " + path,
          "201; a caller who may create topics and subscriptions, see --token, --client-id and"
              + " --user");
    }
  }

  @Override
  public void close() {
    calls.close();
  }
}
