// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Endpoint;
import java.net.http.HttpResponse;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The few calls of the exchange API that are no load.
final class ExchangeApi implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final ApiCalls calls;

  /// @param token sent with every call; empty for calls without one
  ExchangeApi(Endpoint endpoint, Optional<String> token) {
    calls = new ApiCalls(endpoint);
    calls.use(token);
  }

  /// What a queue says of its messages.
  record Counts(long messages, long delivered, long deadLetters) {}

  void createExchange(String name, String type) throws InterruptedException {
    post("/exchanges", JSON.createObjectNode().put("name", name).put("type", type));
  }

  void createQueue(String name, boolean durable, String mode) throws InterruptedException {
    post(
        "/queues",
        JSON.createObjectNode().put("name", name).put("durable", durable).put("mode", mode));
  }

  void bind(String exchange, String queue, String key) throws InterruptedException {
    post(
        "/bindings",
        JSON.createObjectNode()
            .put("exchange_name", exchange)
            .put("queue_name", queue)
            .put("key", key));
  }

  Counts counts(String queue) throws InterruptedException {
    String path = "/queues/" + queue;
    HttpResponse<String> answer = calls.send("GET", path, Optional.empty());
    if (answer.statusCode() != 200) {
      throw ApiCalls.refused(answer, "GET " + path, "200");
    }
    JsonNode queueNow = JSON.readTree(answer.body());
    return new Counts(
        queueNow.path("messages").asLong(-1),
        queueNow.path("delivered").asLong(-1),
        queueNow.path("dead_letters").asLong(-1));
  }

  /// Deletes the messages of a queue and returns how many there were.
  long purge(String queue) throws InterruptedException {
    String path = "/queues/" + queue + "/purge";
    HttpResponse<String> answer = calls.send("POST", path, Optional.empty());
    if (answer.statusCode() != 200) {
      throw ApiCalls.refused(answer, "POST " + path, "200");
    }
    return JSON.readTree(answer.body()).path("purged").asLong(-1);
  }

  /// Deletes an exchange with its bindings; true if that was done.
  boolean deleteExchange(String name) throws InterruptedException {
    return calls.send("DELETE", "/exchanges/" + name, Optional.empty()).statusCode() == 204;
  }

  /// Deletes a queue with its messages; true if that was done.
  boolean deleteQueue(String name) throws InterruptedException {
    return calls.send("DELETE", "/queues/" + name, Optional.empty()).statusCode() == 204;
  }

  private void post(String path, ObjectNode body) throws InterruptedException {
    HttpResponse<String> answer =
        calls.send("POST", path, Optional.of(JSON.writeValueAsString(body)));
    if (answer.statusCode() != 200) {
      throw ApiCalls.refused(
          answer,
          "POST " + path,
          "200; a caller who may create exchanges and queues, see --user, --token and --client-id");
    }
  }

  @Override
  public void close() {
    calls.close();
  }
}
