// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Endpoint;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The few calls of the pubsub API that are no load.
final class PubsubApi implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final JsonMapper JSON = new JsonMapper();

  /// Longer than any measurement, so that a second delivery is an error of the server. Servers
  /// whose leases do not end by themselves do not know the field.
  private static final int ACK_DEADLINE_S = 3600;

  private final Endpoint endpoint;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
  private Optional<String> token = Optional.empty();

  PubsubApi(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  /// What a subscription says of its messages.
  record Counts(long available, long delivered, long dead) {}

  /// Sends this token from now on, or none.
  void use(Optional<String> given) {
    token = given;
  }

  /// The access token of a client.
  String clientToken(String clientId, String clientSecret) throws InterruptedException {
    String body =
        JSON.writeValueAsString(Map.of("client_id", clientId, "client_secret", clientSecret));
    HttpResponse<String> answer = send("POST", "/oauth/token", Optional.of(body));
    if (answer.statusCode() != 201) {
      throw refused(
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
    return send("DELETE", "/topics/" + id, Optional.empty()).statusCode() == 204;
  }

  Counts counts(String subscription) throws InterruptedException {
    String path = "/subscriptions/" + subscription + "/metrics";
    HttpResponse<String> answer = send("GET", path, Optional.empty());
    if (answer.statusCode() != 200) {
      throw refused(answer, "GET " + path, "200");
    }
    JsonNode counts = JSON.readTree(answer.body());
    return new Counts(
        counts.path("available").asLong(),
        counts.path("delivered").asLong(),
        counts.path("dlq").asLong());
  }

  private void create(String path, ObjectNode body) throws InterruptedException {
    HttpResponse<String> answer = send("POST", path, Optional.of(JSON.writeValueAsString(body)));
    if (answer.statusCode() != 201) {
      throw refused(
          answer,
          "POST " + path,
          "201; a caller who may create topics and subscriptions, see --token, --client-id and"
              + " --user");
    }
  }

  private static BenchException refused(HttpResponse<String> answer, String what, String expected) {
    return new BenchException(
        "%s answered %d %s (expected: %s)"
            .formatted(what, answer.statusCode(), answer.body(), expected));
  }

  private HttpResponse<String> send(String method, String path, Optional<String> json)
      throws InterruptedException {
    var request =
        HttpRequest.newBuilder(endpoint.url().resolve(path))
            .timeout(TIMEOUT)
            .method(method, json.map(BodyPublishers::ofString).orElseGet(BodyPublishers::noBody));
    json.ifPresent(_ -> request.header("Content-Type", "application/json"));
    token.ifPresent(it -> request.header("Authorization", "Bearer " + it));
    try {
      return http.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new BenchException(
          method + " " + endpoint.url() + path + " failed (expected: a running server there): " + e,
          e);
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
