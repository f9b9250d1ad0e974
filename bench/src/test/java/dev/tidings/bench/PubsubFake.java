// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static dev.tidings.bench.FakeHttp.answer;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tidings.bench.load.Endpoint;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A server of the pubsub API's shape that keeps everything in memory, on one thread.
///
/// It can be told to misbehave.
final class PubsubFake implements AutoCloseable {
  static final String TOKEN = "fake-token";
  static final String CLIENT_ID = "018f3f6c-0000-7000-8000-000000000001";
  static final String CLIENT_SECRET = "0123456789abcdef0123456789abcdef";

  private static final JsonMapper JSON = new JsonMapper();

  private record Message(String id, ObjectNode shown) {}

  private static final class Subscription {
    private final String topic;
    private final Optional<JsonNode> filter;
    private final ArrayDeque<Message> available = new ArrayDeque<>();
    private final Map<String, Message> leased = new LinkedHashMap<>();

    private Subscription(String topic, Optional<JsonNode> filter) {
      this.topic = topic;
      this.filter = filter;
    }
  }

  /// Every how many copies one is lost; 0 is never.
  final AtomicInteger loseEvery = new AtomicInteger();

  /// Every how many acks one is forgotten, so that the message is delivered again; 0 is never.
  final AtomicInteger forgetAckEvery = new AtomicInteger();

  /// Every how many leases one is answered 503; 0 is never.
  final AtomicInteger refuseEvery = new AtomicInteger();

  /// Whether filters are looked at.
  volatile boolean filtering = true;

  /// Whether calls need the token.
  volatile boolean asksForToken = true;

  final List<String> deletedTopics = new CopyOnWriteArrayList<>();
  final List<String> filters = new CopyOnWriteArrayList<>();
  final AtomicInteger tokensGiven = new AtomicInteger();

  private final Map<String, Subscription> subscriptions = new HashMap<>();
  private final List<String> topics = new ArrayList<>();
  private final ExecutorService thread = Executors.newSingleThreadExecutor();
  private final HttpServer server;
  private long copies;
  private long acks;
  private long leases;

  PubsubFake() throws IOException {
    server = FakeHttp.start(this::handle, thread);
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", server.getAddress().getPort());
  }

  @Override
  public void close() {
    server.stop(0);
    thread.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    String[] path = exchange.getRequestURI().getPath().substring(1).split("/", -1);
    String call = exchange.getRequestMethod() + " " + shape(path);
    boolean open = call.equals("POST oauth/*") || call.equals("POST auth/*");
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    if (asksForToken && !open && !("Bearer " + TOKEN).equals(given)) {
      answer(exchange, 401, "{\"detail\":\"Invalid jwt token\"}");
      return;
    }
    switch (call) {
      case "POST oauth/*" -> token(exchange, JSON.readTree(body));
      case "POST auth/*" -> answer(exchange, 200, "{\"access_token\":\"" + TOKEN + "\"}");
      case "POST topics" -> createTopic(exchange, JSON.readTree(body));
      case "DELETE topics/*" -> deleteTopic(exchange, path[1]);
      case "POST topics/*/messages" -> publish(exchange, path[1], JSON.readTree(body));
      case "POST subscriptions" -> createSubscription(exchange, JSON.readTree(body));
      case "GET subscriptions/*/messages" -> lease(exchange, path[1]);
      case "POST subscriptions/*/acks" -> ack(exchange, path[1], JSON.readTree(body));
      case "GET subscriptions/*/metrics" -> metrics(exchange, path[1]);
      default -> answer(exchange, 404, "{\"detail\":\"Not Found\"}");
    }
  }

  /// The path with `*` instead of names.
  private static String shape(String[] path) {
    return switch (path.length) {
      case 1 -> path[0];
      case 2 -> path[0] + "/*";
      default -> path[0] + "/*/" + path[2];
    };
  }

  private void token(HttpExchange exchange, JsonNode body) {
    if (!body.path("client_id").asString().equals(CLIENT_ID)
        || !body.path("client_secret").asString().equals(CLIENT_SECRET)) {
      answer(exchange, 401, "{\"detail\":\"Client secret is invalid\"}");
      return;
    }
    tokensGiven.incrementAndGet();
    answer(
        exchange,
        201,
        "{\"access_token\":\""
            + TOKEN
            + "\",\"token_type\":\"Bearer\",\"expires_in\":1800,\"scope\":\"*\"}");
  }

  private void createTopic(HttpExchange exchange, JsonNode body) {
    String id = body.path("id").asString();
    topics.add(id);
    answer(exchange, 201, "{\"id\":\"" + id + "\",\"created_at\":\"2026-01-01T00:00:00Z\"}");
  }

  private void deleteTopic(HttpExchange exchange, String id) {
    if (!topics.remove(id)) {
      answer(exchange, 404, "{\"detail\":\"Topic not found\"}");
      return;
    }
    subscriptions.values().removeIf(it -> it.topic.equals(id));
    deletedTopics.add(id);
    answer(exchange, 204, "");
  }

  private void createSubscription(HttpExchange exchange, JsonNode body) {
    String topic = body.path("topic_id").asString();
    if (!topics.contains(topic)) {
      answer(exchange, 404, "{\"detail\":\"Topic not found\"}");
      return;
    }
    Optional<JsonNode> filter = Optional.of(body.path("filter")).filter(JsonNode::isObject);
    filter.ifPresent(it -> filters.add(it.toString()));
    subscriptions.put(body.path("id").asString(), new Subscription(topic, filter));
    answer(exchange, 201, JSON.writeValueAsString(body));
  }

  private void publish(HttpExchange exchange, String topic, JsonNode body) {
    for (JsonNode payload : body) {
      for (Map.Entry<String, Subscription> entry : subscriptions.entrySet()) {
        Subscription subscription = entry.getValue();
        boolean wanted =
            subscription.topic.equals(topic)
                && (!filtering || matches(subscription.filter, payload));
        boolean lost = wanted && isNth(++copies, loseEvery.get());
        if (wanted && !lost) {
          subscription.available.add(message(entry.getKey(), payload));
        }
      }
    }
    answer(exchange, 204, "");
  }

  private static boolean matches(Optional<JsonNode> filter, JsonNode payload) {
    return filter.isEmpty()
        || filter.get().properties().stream()
            .allMatch(condition ->
                condition
                    .getValue()
                    .valueStream()
                    .anyMatch(value ->
                        value.asString().equals(payload.path(condition.getKey()).asString())));
  }

  private static Message message(String subscription, JsonNode payload) {
    String id = UUID.randomUUID().toString();
    ObjectNode shown = JSON.createObjectNode().put("id", id).put("subscription_id", subscription);
    shown.set("payload", payload);
    shown.put("delivery_attempts", 1).put("created_at", "2026-01-01T00:00:00.000000Z");
    return new Message(id, shown);
  }

  private void lease(HttpExchange exchange, String id) {
    if (isNth(++leases, refuseEvery.get())) {
      answer(exchange, 503, "{\"detail\":\"The store takes no writes\"}");
      return;
    }
    Subscription subscription = subscriptions.get(id);
    String query = exchange.getRequestURI().getQuery();
    if (subscription == null || !query.startsWith("consumer_id=")) {
      answer(exchange, 404, "{\"detail\":\"Subscription not found\"}");
      return;
    }
    int size = Integer.parseInt(query.substring(query.lastIndexOf('=') + 1));
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode data = answer.putArray("data");
    while (data.size() < size && !subscription.available.isEmpty()) {
      Message message = subscription.available.removeFirst();
      subscription.leased.put(message.id, message);
      data.add(message.shown);
    }
    answer(exchange, 200, JSON.writeValueAsString(answer));
  }

  private void ack(HttpExchange exchange, String id, JsonNode body) {
    Subscription subscription = subscriptions.get(id);
    if (subscription == null) {
      answer(exchange, 404, "{\"detail\":\"Subscription not found\"}");
      return;
    }
    for (JsonNode acked : body) {
      Message message = subscription.leased.remove(acked.asString());
      if (message != null && isNth(++acks, forgetAckEvery.get())) {
        subscription.available.addFirst(message);
      }
    }
    answer(exchange, 204, "");
  }

  private void metrics(HttpExchange exchange, String id) {
    Subscription subscription = subscriptions.get(id);
    if (subscription == null) {
      answer(exchange, 404, "{\"detail\":\"Subscription not found\"}");
      return;
    }
    ObjectNode answer =
        JSON.createObjectNode()
            .put("subscription_id", id)
            .put("available", subscription.available.size())
            .put("delivered", subscription.leased.size())
            .put("acked", 0)
            .put("dlq", 0);
    answer(exchange, 200, JSON.writeValueAsString(answer));
  }

  private static boolean isNth(long number, int every) {
    return every > 0 && number % every == 0;
  }
}
