// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;

/// The part of a server that delivers messages when they are due. Touched by one event loop, but
/// for what it is told to do.
final class ScheduledFake {
  private record Waiting(String topic, JsonObject payload) {}

  /// Every how many messages one is lost; 0 is never.
  final AtomicInteger loseEvery = new AtomicInteger();

  /// Every how many messages one comes twice; 0 is never.
  final AtomicInteger repeatEvery = new AtomicInteger();

  /// By how many milliseconds messages are late, or early if it is negative.
  final AtomicInteger lateMs = new AtomicInteger();

  final List<String> createdTopics = new CopyOnWriteArrayList<>();

  private final BiConsumer<String, JsonObject> deliver;
  private final TreeMap<Long, List<Waiting>> waiting = new TreeMap<>();
  private long delivered;

  /// @param deliver takes a topic and a payload
  ScheduledFake(BiConsumer<String, JsonObject> deliver) {
    this.deliver = deliver;
  }

  static boolean has(String path) {
    return path.equals("/topics") || (path.startsWith("/topics/") && path.endsWith("/messages"));
  }

  ExchangeFake.Answer handle(String path, String body) {
    if (path.equals("/topics")) {
      createdTopics.add(new JsonObject(body).getString("id"));
      return new ExchangeFake.Answer(201, body);
    }
    String topic = path.split("/", -1)[2];
    var ids = new JsonArray();
    JsonArray messages = new JsonObject(body).getJsonArray("messages");
    for (int i = 0; i < messages.size(); i++) {
      JsonObject message = messages.getJsonObject(i);
      long dueAt = Instant.parse(message.getString("deliver_at")).toEpochMilli();
      waiting
          .computeIfAbsent(dueAt, _ -> new ArrayList<>())
          .add(new Waiting(topic, message.getJsonObject("payload")));
      ids.add("01890a5d-ac96-8000-8000-%012x".formatted(dueAt));
    }
    return new ExchangeFake.Answer(200, new JsonObject().put("ids", ids).encode());
  }

  void deliverDue() {
    while (!waiting.isEmpty()
        && waiting.firstKey() + lateMs.get() <= Instant.now().toEpochMilli()) {
      Map.Entry<Long, List<Waiting>> due = waiting.pollFirstEntry();
      due.getValue().forEach(this::deliver);
    }
  }

  private void deliver(Waiting message) {
    delivered++;
    if (isNth(loseEvery.get())) {
      return;
    }
    deliver.accept(message.topic(), message.payload());
    if (isNth(repeatEvery.get())) {
      deliver.accept(message.topic(), message.payload());
    }
  }

  private boolean isNth(int every) {
    return every > 0 && delivered % every == 0;
  }
}
