// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.TidingsProcess;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;

/// The exchange API as one caller uses it.
record Exchanges(Caller caller) {
  static final String WORK = "\"mode\":\"work\"";
  static final String DURABLE = "\"durable\":true";
  static final String DURABLE_WORK = DURABLE + "," + WORK;

  /// An exchange and a queue that is bound to it with the key `""`.
  record Route(String exchange, String queue) {}

  /// On a server in development mode: everything is allowed without a token.
  static Exchanges on(TidingsProcess dev) {
    return new Exchanges(Caller.nobody(dev));
  }

  static String unique(String prefix) {
    return Caller.unique(prefix);
  }

  /// A name as a part of a path.
  static String segment(String name) {
    return URLEncoder.encode(name, UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace(".", "%2E");
  }

  static String exchangePath(String exchange) {
    return "/exchanges/" + segment(exchange);
  }

  static String queuePath(String queue) {
    return "/queues/" + segment(queue);
  }

  static String subscriptionPath(String queue, String rest) {
    return "/subscriptions/" + segment(queue) + rest;
  }

  private static String more(String further) {
    return further.isEmpty() ? "" : "," + further;
  }

  // Definitions

  Answer createExchange(String name, String type) {
    return caller.post(
        "/exchanges",
        "{\"name\":%s,\"type\":%s}".formatted(Template.quoted(name), Template.quoted(type)));
  }

  Answer createQueue(String name, String further) {
    return caller.post(
        "/queues", "{\"name\":%s%s}".formatted(Template.quoted(name), more(further)));
  }

  static String binding(String exchange, String queue, String key) {
    return "{\"exchange_name\":%s,\"queue_name\":%s,\"key\":%s}"
        .formatted(Template.quoted(exchange), Template.quoted(queue), Template.quoted(key));
  }

  Answer bind(String exchange, String queue, String key) {
    return caller.post("/bindings", binding(exchange, queue, key));
  }

  Answer unbind(String exchange, String queue, String key) {
    return caller.send("DELETE", "/bindings", "application/json", binding(exchange, queue, key));
  }

  /// Creates an exchange of a new name.
  String exchange(String type) {
    String name = unique("exchange");
    expectDone(createExchange(name, type));
    return name;
  }

  /// Creates a queue of a new name.
  ///
  /// @param further more members of the request, or nothing
  String queue(String further) {
    String name = unique("queue");
    expectDone(createQueue(name, further));
    return name;
  }

  String boundQueue(String exchange, String key, String further) {
    String queue = queue(further);
    expectDone(bind(exchange, queue, key));
    return queue;
  }

  /// A new exchange of this type with a new queue.
  Route route(String type, String further) {
    String exchange = exchange(type);
    return new Route(exchange, boundQueue(exchange, "", further));
  }

  // Publishing

  static String message(String exchange, String key, String payload) {
    return "{\"exchange_name\":%s,\"key\":%s,\"payload\":%s}"
        .formatted(Template.quoted(exchange), Template.quoted(key), payload);
  }

  Answer publish(String exchange, String key, String payload) {
    return caller.post("/publish", message(exchange, key, payload));
  }

  CompletableFuture<Answer> publishLater(String exchange, String key, String payload) {
    return caller.postLater("/publish", message(exchange, key, payload));
  }

  /// Publishes what must be accepted.
  void put(String exchange, String key, String payload) {
    expectDone(publish(exchange, key, payload));
  }

  void put(String exchange, int number) {
    put(exchange, "", "{\"n\":" + number + "}");
  }

  /// Publishes `{"n":from}` up to, but not including, `{"n":to}`.
  void putNumbers(String exchange, int from, int to) {
    for (int n = from; n < to; n++) {
      put(exchange, n);
    }
  }

  // Looking

  JsonNode shown(String queue) {
    return caller.get(queuePath(queue)).expect(200).json();
  }

  int count(String queue, String member) {
    return shown(queue).get(member).asInt();
  }

  /// Asserts what a queue holds, which may lag.
  void awaitCounts(String queue, int messages, int delivered, int deadLetters) {
    var wanted = List.of(messages, delivered, deadLetters);
    var last = new ArrayList<List<Integer>>();
    try {
      Pubsub.eventually(
          "counts of " + queue,
          () -> {
            JsonNode json = shown(queue);
            last.clear();
            last.add(
                List.of(
                    json.get("messages").asInt(),
                    json.get("delivered").asInt(),
                    json.get("dead_letters").asInt()));
            return last.getFirst().equals(wanted);
          });
    } catch (AssertionError e) {
      assertThat(last).as("messages, delivered, dead_letters of %s", queue).containsExactly(wanted);
      throw e;
    }
  }

  /// The bindings that this query asks for, on one page.
  List<JsonNode> bindings(String query) {
    return caller
        .get("/bindings?limit=1000" + query)
        .expect(200)
        .json()
        .get("bindings")
        .valueStream()
        .toList();
  }

  static String byExchange(String exchange) {
    return "&exchange_name=" + URLEncoder.encode(exchange, UTF_8);
  }

  static String byQueue(String queue) {
    return "&queue_name=" + URLEncoder.encode(queue, UTF_8);
  }

  Pubsub pubsub() {
    return new Pubsub(caller);
  }

  // What is expected

  /// Asserts a success of one of the original's calls.
  static void expectDone(Answer answer) {
    answer.expect(200);
    assertThat(answer.body()).isEmpty();
  }

  /// Asserts the shape of every error of this API; answers its message.
  static String expectError(Answer answer, int status, String code) {
    JsonNode json = answer.expect(status).json();
    assertThat(answer.headers().firstValue("content-type").orElse(""))
        .startsWith("application/json");
    assertThat(Set.of("code", "message", "queues")).containsAll(json.propertyNames());
    assertThat(json.path("code").asString()).as("code of %s", answer.body()).isEqualTo(code);
    assertThat(json.has("queues")).as("queues in %s", answer.body()).isEqualTo(code.equals("Q003"));
    assertThat(json.get("message").asString()).isNotBlank();
    return json.get("message").asString();
  }

  static String expectInvalid(Answer answer) {
    return expectError(answer, 400, "INVALID_REQUEST");
  }

  static void expectUnauthorized(Answer answer) {
    expectError(answer, 401, "UNAUTHORIZED");
  }

  static void expectForbidden(Answer answer) {
    expectError(answer, 403, "FORBIDDEN");
  }

  /// Asserts that a publish was refused by these full queues and no others.
  static void expectFull(Answer answer, String... queues) {
    String message = expectError(answer, 429, "Q003");
    assertThat(message).contains(queues);
    assertThat(answer.json().get("queues").valueStream().map(JsonNode::asString))
        .containsExactlyInAnyOrder(queues);
  }
}
