// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.internal.http.WebSocketInternal;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/// Exchanges and queues of the exchange API's shape, for a server of one event loop: queues keep
/// how many messages they have, and hand them to their sockets.
///
/// It can be told to misbehave.
final class ExchangeFake {
  record Answer(int status, String json) {}

  private record Binding(String queue, String key) {}

  private record Exchange(String type, Set<Binding> bindings) {}

  private static final class Receiver {
    private final ChannelHandlerContext context;
    private final int prefetch;
    private final Set<String> unacked = new HashSet<>();

    private Receiver(ChannelHandlerContext context, int prefetch) {
      this.context = context;
      this.prefetch = prefetch;
    }
  }

  private static final class Queue {
    private final boolean work;
    private final List<Receiver> receivers = new ArrayList<>();
    private final ArrayDeque<JsonObject> waiting = new ArrayDeque<>();
    private int turn;

    private Queue(boolean work) {
      this.work = work;
    }
  }

  /// Every how many copies one is lost; 0 is never.
  final AtomicInteger loseEvery = new AtomicInteger();

  /// Every how many copies one is there twice; 0 is never.
  final AtomicInteger doubleEvery = new AtomicInteger();

  /// Every how many publishes one is answered 503; 0 is never.
  final AtomicInteger refuseEvery = new AtomicInteger();

  /// Every how many acks one is forgotten; 0 is never.
  final AtomicInteger forgetAckEvery = new AtomicInteger();

  /// Whether a message reaches every bound queue, whatever its key.
  volatile boolean ignoresKeys;

  final List<String> created = new CopyOnWriteArrayList<>();
  final List<String> keys = new CopyOnWriteArrayList<>();
  final List<String> subscribes = new CopyOnWriteArrayList<>();
  final List<String> deleted = new CopyOnWriteArrayList<>();

  private final Map<String, Exchange> exchanges = new HashMap<>();
  private final Map<String, Queue> queues = new HashMap<>();
  private long publishes;
  private long copies;
  private long acks;

  static boolean has(String path) {
    return path.matches("/(exchanges|queues|bindings|publish)(/.*)?");
  }

  Answer handle(String method, String path, String body) {
    String[] parts = path.substring(1).split("/", -1);
    return switch (method + " " + parts[0] + (parts.length == 3 ? "/" + parts[2] : "")) {
      case "POST exchanges" -> createExchange(new JsonObject(body));
      case "POST queues" -> createQueue(new JsonObject(body));
      case "POST bindings" -> bind(new JsonObject(body));
      case "POST publish" -> publish(new JsonObject(body));
      case "GET queues" -> counts(queues.get(parts[1]));
      case "POST queues/purge" -> purge(queues.get(parts[1]));
      case "DELETE exchanges" -> delete(parts[1], exchanges.remove(parts[1]) != null);
      case "DELETE queues" -> delete(parts[1], queues.remove(parts[1]) != null);
      default -> new Answer(404, "{\"code\":\"NOT_FOUND\",\"message\":\"no such call\"}");
    };
  }

  private Answer createExchange(JsonObject asked) {
    created.add(asked.encode());
    exchanges.put(
        asked.getString("name"), new Exchange(asked.getString("type"), new LinkedHashSet<>()));
    return new Answer(200, "");
  }

  private Answer createQueue(JsonObject asked) {
    created.add(asked.encode());
    queues.put(asked.getString("name"), new Queue(asked.getString("mode").equals("work")));
    return new Answer(200, "");
  }

  private Answer bind(JsonObject asked) {
    String key = asked.getString("key");
    keys.add(key);
    exchanges
        .get(asked.getString("exchange_name"))
        .bindings
        .add(new Binding(asked.getString("queue_name"), key));
    return new Answer(200, "");
  }

  private Answer publish(JsonObject asked) {
    if (isNth(++publishes, refuseEvery)) {
      return new Answer(
          503, "{\"code\":\"UNAVAILABLE\",\"message\":\"the store takes no writes\"}");
    }
    Exchange exchange = exchanges.get(asked.getString("exchange_name"));
    var targets = new LinkedHashSet<String>();
    for (Binding binding : exchange.bindings) {
      if (ignoresKeys || matches(exchange.type, binding.key, asked.getString("key"))) {
        targets.add(binding.queue);
      }
    }
    targets.forEach(name -> enqueue(queues.get(name), asked.getJsonObject("payload")));
    return new Answer(200, "");
  }

  private static boolean matches(String type, String bound, String key) {
    return switch (type) {
      case "direct" -> bound.equals(key);
      case "topic" -> matches(List.of(bound.split("\\.", -1)), List.of(key.split("\\.", -1)));
      default -> true;
    };
  }

  private static boolean matches(List<String> pattern, List<String> words) {
    if (pattern.isEmpty()) {
      return words.isEmpty();
    }
    List<String> rest = pattern.subList(1, pattern.size());
    if (pattern.getFirst().equals("#")) {
      return matches(rest, words)
          || (!words.isEmpty() && matches(pattern, words.subList(1, words.size())));
    }
    return !words.isEmpty()
        && (pattern.getFirst().equals("*") || pattern.getFirst().equals(words.getFirst()))
        && matches(rest, words.subList(1, words.size()));
  }

  private void enqueue(Queue queue, JsonObject payload) {
    copies++;
    int times = isNth(copies, loseEvery) ? 0 : isNth(copies, doubleEvery) ? 2 : 1;
    for (int i = 0; i < times; i++) {
      JsonObject message =
          new JsonObject()
              .put("unique_id", UUID.randomUUID().toString())
              .put("body", payload)
              .put("TTL", 0);
      queue.waiting.add(message);
      if (!queue.work) {
        queue.receivers.forEach(receiver -> write(receiver, message));
      }
    }
    if (queue.work) {
      handOut(queue);
    }
  }

  /// By turns, to who may have more.
  private static void handOut(Queue queue) {
    int full = 0;
    while (full < queue.receivers.size() && !queue.waiting.isEmpty()) {
      Receiver receiver = queue.receivers.get(queue.turn++ % queue.receivers.size());
      if (receiver.prefetch > 0 && receiver.unacked.size() >= receiver.prefetch) {
        full++;
      } else {
        full = 0;
        JsonObject message = queue.waiting.removeFirst();
        if (receiver.prefetch > 0) {
          receiver.unacked.add(message.getString("unique_id"));
        }
        write(receiver, message);
      }
    }
  }

  private static void write(Receiver receiver, JsonObject message) {
    ByteBuf frame = Unpooled.directBuffer();
    RelayStandIn.textFrame(frame, (message.encode() + "\n").getBytes(UTF_8));
    var _ = receiver.context.pipeline().firstContext().writeAndFlush(frame);
  }

  void frame(ServerWebSocket socket, JsonObject frame) {
    JsonObject payload = frame.getJsonObject("payload");
    ChannelHandlerContext context = ((WebSocketInternal) socket).channelHandlerContext();
    if (frame.getString("type").equals("ACK")) {
      ack(context, payload.getJsonArray("unique_ids"));
      return;
    }
    subscribes.add(frame.encode());
    String name = payload.getString("queue_name");
    boolean manual = "manual".equals(payload.getString("ack"));
    var receiver = new Receiver(context, manual ? payload.getInteger("prefetch") : 0);
    queues.get(name).receivers.add(receiver);
    socket.closeHandler(_ -> queues.values().forEach(it -> it.receivers.remove(receiver)));
    if (payload.getBoolean("confirm", false)) {
      var _ =
          socket.writeTextMessage(
              "{\"type\":\"SUBSCRIBED\",\"payload\":{\"queue_name\":\"%s\",\"mode\":\"%s\"}}"
                  .formatted(name, queues.get(name).work ? "work" : "broadcast"));
    }
  }

  private void ack(ChannelHandlerContext context, JsonArray ids) {
    for (Queue queue : queues.values()) {
      for (Receiver receiver : queue.receivers) {
        for (int i = 0; receiver.context == context && i < ids.size(); i++) {
          if (!isNth(++acks, forgetAckEvery)) {
            receiver.unacked.remove(ids.getString(i));
          }
        }
      }
      if (queue.work) {
        handOut(queue);
      }
    }
  }

  private static Answer counts(Queue queue) {
    int delivered = queue.receivers.stream().mapToInt(it -> it.unacked.size()).sum();
    var counts =
        new JsonObject()
            .put("messages", queue.waiting.size())
            .put("delivered", delivered)
            .put("dead_letters", 0);
    return new Answer(200, counts.encode());
  }

  private static Answer purge(Queue queue) {
    int purged = queue.waiting.size();
    queue.waiting.clear();
    return new Answer(200, "{\"purged\":" + purged + "}");
  }

  private Answer delete(String name, boolean existed) {
    deleted.add(name);
    return new Answer(existed ? 204 : 404, "");
  }

  private static boolean isNth(long number, AtomicInteger every) {
    return every.get() > 0 && number % every.get() == 0;
  }
}
