// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.bench.load.Endpoint;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.internal.http.WebSocketInternal;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/// A server of the relay API's shape that keeps nothing: one event loop, messages go straight to
/// the sockets.
///
/// It can be told to misbehave, and it can stand in for a whole server process: [#main].
final class RelayStandIn implements AutoCloseable {
  static final String TOKEN = "stand-in-token";

  /// Every how many publishes one is answered 503; 0 is never.
  final AtomicInteger refuseEvery = new AtomicInteger();

  /// Every how many deliveries one to the first socket is left out; 0 is never.
  final AtomicInteger skipEvery = new AtomicInteger();

  final AtomicInteger deletedTopics = new AtomicInteger();

  /// The server's exchanges and queues.
  final ExchangeFake exchanges = new ExchangeFake();

  /// The server's scheduled messages.
  final ScheduledFake scheduled = new ScheduledFake(this::deliver);

  /// Whether calls and handshakes need the token.
  volatile boolean asksForToken = true;

  private final AtomicLong publishes = new AtomicLong();
  private final AtomicLong messages = new AtomicLong();
  private long delivered;
  private final Map<String, List<ChannelHandlerContext>> sockets = new HashMap<>();
  private final Vertx vertx =
      Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setPreferNativeTransport(true));
  private final HttpServer server;

  RelayStandIn() {
    var options =
        new HttpServerOptions()
            .setHost("127.0.0.1")
            .setPort(0)
            .setPerMessageWebSocketCompressionSupported(false)
            .setPerFrameWebSocketCompressionSupported(false);
    server =
        vertx
            .createHttpServer(options)
            .webSocketHandshakeHandler(handshake -> {
              if (!asksForToken || ("token=" + TOKEN).equals(handshake.query())) {
                var _ = handshake.accept();
              } else {
                var _ = handshake.reject(403);
              }
            })
            .webSocketHandler(this::open)
            .requestHandler(this::handle)
            .listen()
            .toCompletionStage()
            .toCompletableFuture()
            .join();
    vertx.setPeriodic(1, _ -> scheduled.deliverDue());
  }

  /// Stands in for `serve`: prints the ready line and runs until it is ended.
  public static void main(String[] args) {
    if (List.of(args).contains("broken")) {
      System.out.println("this store cannot be opened");
      System.exit(1);
    }
    var standIn = new RelayStandIn();
    System.out.println("arguments: " + String.join(" ", args));
    System.getenv()
        .forEach((name, value) -> {
          if (name.startsWith("TIDINGS_")) {
            System.out.println(name + "=" + value);
          }
        });
    System.out.println("tidings ready on " + standIn.endpoint().url());
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", server.actualPort());
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
  }

  private void handle(HttpServerRequest request) {
    switch (request.method().name() + " " + request.path()) {
      case "GET /health" -> answer(request, 200, "{\"status\":\"healthy\",\"version\":\"0.1.0\"}");
      case "POST /auth/login" -> withBody(request, body -> login(request, body));
      case "POST /api/v1/messages" -> withBody(request, body -> publish(request, body));
      case "POST /api/v1/messages/bulk" -> withBody(request, body -> bulk(request, body));
      default -> {
        if (ExchangeFake.has(request.path())) {
          withBody(request, body -> exchange(request, body));
        } else if (request.method().name().equals("POST") && ScheduledFake.has(request.path())) {
          withBody(request, body -> schedule(request, body));
        } else if (request.method().name().equals("DELETE")) {
          deletedTopics.incrementAndGet();
          var _ = request.response().setStatusCode(204).end();
        } else {
          answer(request, 404, "{\"detail\":\"Not Found\"}");
        }
      }
    }
  }

  private static void withBody(HttpServerRequest request, Consumer<Buffer> then) {
    var _ = request.body().onSuccess(then::accept);
  }

  private void exchange(HttpServerRequest request, Buffer body) {
    if (isAllowed(request)) {
      ExchangeFake.Answer answer =
          exchanges.handle(request.method().name(), request.path(), body.toString());
      answer(request, answer.status(), answer.json());
    } else {
      answer(request, 401, "{\"code\":\"UNAUTHORIZED\",\"message\":\"a token is expected\"}");
    }
  }

  private void schedule(HttpServerRequest request, Buffer body) {
    int every = refuseEvery.get();
    if (every > 0 && publishes.incrementAndGet() % every == 0) {
      answer(request, 429, "{\"detail\":\"There are too many scheduled messages\"}");
    } else if (isAllowed(request)) {
      ExchangeFake.Answer answer = scheduled.handle(request.path(), body.toString());
      answer(request, answer.status(), answer.json());
    } else {
      answer(request, 401, "{\"detail\":\"Invalid jwt token\"}");
    }
  }

  private void deliver(String topic, JsonObject payload) {
    deliver(topic, List.of(message(id(), topic, payload)));
  }

  private boolean isAllowed(HttpServerRequest request) {
    return !asksForToken || ("Bearer " + TOKEN).equals(request.getHeader("Authorization"));
  }

  private static void login(HttpServerRequest request, Buffer body) {
    if (body.toString().equals("username=admin&password=tidings-dev")) {
      answer(
          request,
          200,
          "{\"access_token\":\"" + TOKEN + "\",\"token_type\":\"bearer\",\"expires_in\":3600}");
    } else {
      answer(request, 401, "{\"detail\":\"Incorrect username or password\"}");
    }
  }

  private void publish(HttpServerRequest request, Buffer body) {
    int every = refuseEvery.get();
    if (every > 0 && publishes.incrementAndGet() % every == 0) {
      answer(request, 503, "{\"detail\":\"The store takes no writes\"}");
      return;
    }
    if (!isAllowed(request)) {
      answer(request, 401, "{\"detail\":\"Not authenticated\"}");
      return;
    }
    String id = id();
    if (!sockets.isEmpty()) {
      var message = new JsonObject(body);
      String topic = message.getString("topic");
      deliver(topic, List.of(message(id, topic, message.getJsonObject("payload"))));
    }
    answer(
        request,
        201,
        "{\"message_id\":\"" + id + "\",\"topic\":\"t\",\"timestamp\":\"2026-01-01T00:00:00Z\"}");
  }

  private void bulk(HttpServerRequest request, Buffer body) {
    var results = new JsonArray();
    var byTopic = new HashMap<String, List<byte[]>>();
    JsonArray items = new JsonObject(body).getJsonArray("messages");
    for (int i = 0; i < items.size(); i++) {
      JsonObject message = items.getJsonObject(i);
      String id = id();
      String topic = message.getString("topic");
      byTopic
          .computeIfAbsent(topic, _ -> new ArrayList<>())
          .add(message(id, topic, message.getJsonObject("payload")));
      results.add(
          new JsonObject().put("message_id", id).put("status", "accepted").putNull("error"));
    }
    byTopic.forEach(this::deliver);
    int every = refuseEvery.get();
    int rejected = every > 0 && publishes.incrementAndGet() % every == 0 ? 1 : 0;
    var summary =
        new JsonObject().put("total", items.size()).put("accepted", items.size() - rejected);
    answer(
        request,
        207,
        new JsonObject()
            .put("results", results)
            .put("summary", summary.put("rejected", rejected))
            .encode());
  }

  private String id() {
    return "msg_%032x".formatted(messages.incrementAndGet());
  }

  private void deliver(String topic, List<byte[]> messages) {
    List<ChannelHandlerContext> receivers = sockets.getOrDefault(topic, List.of());
    if (receivers.isEmpty()) {
      return;
    }
    ByteBuf all = Unpooled.directBuffer();
    messages.forEach(json -> textFrame(all, json));
    for (int i = 0; i < receivers.size(); i++) {
      delivered++;
      boolean skip = i == 0 && skipEvery.get() > 0 && delivered % skipEvery.get() == 0;
      if (!skip) {
        // Past the WebSocket encoder: the frames are encoded already, once for all sockets.
        var _ = receivers.get(i).pipeline().firstContext().writeAndFlush(all.retainedDuplicate());
      }
    }
    all.release();
  }

  private static byte[] message(String id, String topic, JsonObject payload) {
    String head = "{\"type\":\"message\",\"message_id\":\"" + id + "\",\"topic\":\"" + topic;
    String tail = ",\"timestamp\":\"2026-01-01T00:00:00Z\",\"metadata\":null}";
    return (head + "\",\"payload\":" + payload.encode() + tail).getBytes(UTF_8);
  }

  static void textFrame(ByteBuf out, byte[] json) {
    out.writeByte(0x81);
    if (json.length < 126) {
      out.writeByte(json.length);
    } else {
      out.writeByte(126).writeShort(json.length);
    }
    out.writeBytes(json);
  }

  private void open(ServerWebSocket socket) {
    socket.textMessageHandler(text -> {
      var frame = new JsonObject(text);
      if (!frame.getString("type").equals("subscribe")) {
        exchanges.frame(socket, frame);
      } else {
        ChannelHandlerContext context = ((WebSocketInternal) socket).channelHandlerContext();
        List<String> topics = frame.getJsonArray("topics").stream().map(Object::toString).toList();
        socket.closeHandler(_ -> topics.forEach(topic -> sockets.get(topic).remove(context)));
        topics.forEach(
            topic -> sockets.computeIfAbsent(topic, _ -> new ArrayList<>()).add(context));
        var _ =
            socket.writeTextMessage(
                "{\"type\":\"subscribed\",\"topics\":[],\"session_id\":\"sess_0\"}");
        var _ = socket.writePing(Buffer.buffer("are you there"));
      }
    });
  }

  private static void answer(HttpServerRequest request, int status, String json) {
    var _ =
        request
            .response()
            .setStatusCode(status)
            .putHeader("content-type", "application/json")
            .end(json);
  }
}
