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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A server of the streams API's shape that keeps everything in memory, under one lock.
///
/// It can be told to misbehave.
final class StreamsFake implements AutoCloseable {
  static final String TOKEN = "fake-token";

  private static final int DEFAULT_SIZE = 100;
  private static final JsonMapper JSON = new JsonMapper();

  private static final class Stream {
    private final ArrayDeque<ObjectNode> queue = new ArrayDeque<>();
    private final List<ObjectNode> stored = new ArrayList<>();
    private final Set<String> uuids = new HashSet<>();
  }

  /// Every how many messages one is lost; 0 is never.
  final AtomicInteger loseEvery = new AtomicInteger();

  /// Every how many messages one is there twice; 0 is never.
  final AtomicInteger doubleEvery = new AtomicInteger();

  /// Every how many messages one has another's id; 0 is never.
  final AtomicInteger otherIdEvery = new AtomicInteger();

  /// Every how many sends one is answered 503; 0 is never.
  final AtomicInteger refuseEvery = new AtomicInteger();

  /// Whether calls need the token.
  volatile boolean asksForToken = true;

  final List<String> deletedStreams = new CopyOnWriteArrayList<>();
  final List<String> sendBodies = new CopyOnWriteArrayList<>();
  final List<String> queries = new CopyOnWriteArrayList<>();

  private final Map<String, Stream> streams = new HashMap<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;
  private long sends;

  StreamsFake() throws IOException {
    server = FakeHttp.start(this::handle, threads);
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", server.getAddress().getPort());
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    String call = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
    Map<String, String> query = query(exchange);
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    boolean open = call.equals("POST /auth/login") || call.equals("GET /health");
    if (asksForToken && !open && !("Bearer " + TOKEN).equals(given)) {
      answer(exchange, 401, "{\"error\":\"unauthorized\",\"detail\":\"no token\"}");
      return;
    }
    lock.lock();
    try {
      switch (call) {
        case "POST /auth/login" -> answer(exchange, 200, "{\"access_token\":\"" + TOKEN + "\"}");
        case "GET /health" -> answer(exchange, 200, "{\"status\":\"healthy\"}");
        case "POST /api/v1/streams/send" -> send(exchange, body);
        case "GET /api/v1/streams/receive" -> {
          if (query.containsKey("readFromDB")) {
            replay(exchange, query);
          } else {
            receive(exchange, query);
          }
        }
        case "GET /api/v1/streams" -> list(exchange, query.get("prefix"));
        case "DELETE /api/v1/streams" -> delete(exchange, query.get("streamId"));
        default -> answer(exchange, 404, "{\"error\":\"not found\"}");
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  private static Map<String, String> query(HttpExchange exchange) {
    var values = new HashMap<String, String>();
    String query = exchange.getRequestURI().getQuery();
    if (query != null) {
      for (String part : query.split("&", -1)) {
        int equals = part.indexOf('=');
        values.put(part.substring(0, equals), part.substring(equals + 1));
      }
    }
    return values;
  }

  private void send(HttpExchange exchange, String body) throws InterruptedException {
    sends++;
    sendBodies.add(body);
    if (isNth(refuseEvery)) {
      answer(exchange, 503, "{\"error\":\"unavailable\",\"detail\":\"memory is full\"}");
      return;
    }
    JsonNode sent = JSON.readTree(body);
    String uuid = sent.path("messageUuid").asString();
    Stream stream = stream(sent.path("streamId").asString());
    if (!UUID.fromString(uuid).toString().equals(uuid) || !stream.uuids.add(uuid)) {
      answer(exchange, 400, "{\"error\":\"invalid request schema\",\"detail\":\"uuid\"}");
      return;
    }
    String given = isNth(otherIdEvery) ? uuid.replaceFirst("^.", "f") : uuid;
    ObjectNode message = JSON.createObjectNode();
    message.set("message", sent.path("message"));
    message.put("messageUuid", given).put("timestamp", "2026-01-01T00:00:00.123456789Z");
    int copies = isNth(loseEvery) ? 0 : isNth(doubleEvery) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
      if (sent.path("writeToDB").asBoolean(false)) {
        stream.stored.add(message);
      } else {
        long restNs = TimeUnit.SECONDS.toNanos(sent.path("blockingSendTimeoutSeconds").asInt(0));
        while (stream.queue.size() >= DEFAULT_SIZE && restNs > 0) {
          restNs = changed.awaitNanos(restNs);
        }
        stream.queue.add(message);
        if (stream.queue.size() > DEFAULT_SIZE) {
          stream.queue.removeFirst();
        }
      }
    }
    changed.signalAll();
    answer(exchange, 200, "{\"errorType\":0}");
  }

  private void receive(HttpExchange exchange, Map<String, String> query)
      throws InterruptedException {
    String name = query.get("streamId");
    long restNs = TimeUnit.SECONDS.toNanos(Long.parseLong(query.get("timeoutSeconds")));
    while (!streams.containsKey(name) || stream(name).queue.isEmpty()) {
      if (restNs <= 0) {
        timedOut(exchange);
        return;
      }
      restNs = changed.awaitNanos(restNs);
    }
    Stream stream = stream(name);
    ObjectNode message = stream.queue.removeFirst();
    if (stream.queue.isEmpty()) {
      streams.remove(name);
    }
    changed.signalAll();
    answer(exchange, 200, JSON.writeValueAsString(message));
  }

  private void replay(HttpExchange exchange, Map<String, String> query) {
    queries.add(exchange.getRequestURI().getQuery());
    List<ObjectNode> stored = stream(query.get("streamId")).stored;
    int from = Integer.parseInt(query.getOrDefault("dbResumeToken", "t_0-").replaceAll("\\D", ""));
    int to = Math.min(stored.size(), from + Integer.parseInt(query.get("maxMessages")));
    if (from == to) {
      timedOut(exchange);
      return;
    }
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode messages = answer.putArray("messages");
    stored.subList(from, to).forEach(messages::add);
    answer.put("dbResumeToken", "t_" + to + "-");
    answer(exchange, 200, JSON.writeValueAsString(answer));
  }

  private void list(HttpExchange exchange, String prefix) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode listed = answer.putArray("streams");
    streams.keySet().stream()
        .filter(name -> name.startsWith(prefix))
        .limit(1)
        .forEach(name -> listed.addObject().put("streamId", name));
    answer(exchange, 200, JSON.writeValueAsString(answer.putNull("next")));
  }

  private void delete(HttpExchange exchange, String name) {
    if (streams.remove(name) == null) {
      answer(exchange, 404, "{\"error\":\"stream not found\"}");
      return;
    }
    deletedStreams.add(name);
    answer(exchange, 204, "");
  }

  private Stream stream(String name) {
    return streams.computeIfAbsent(name, _ -> new Stream());
  }

  private boolean isNth(AtomicInteger every) {
    return every.get() > 0 && sends % every.get() == 0;
  }

  private static void timedOut(HttpExchange exchange) {
    answer(exchange, 424, "{\"error\":\"long poll waiting timeout\"}");
  }
}
