// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import java.io.IOException;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Follows one topic over a WebSocket of its own, through reconnects.
///
/// A subscribe frame has one place to start from for all its topics, and after a break each topic
/// goes on from the last id seen of it; hence one socket for each topic.
final class TopicTail {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  /// A connection that is silent for two of these, although it was pinged, is given up.
  private static final Duration PING_EVERY = Duration.ofSeconds(20);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /// Beyond this a frame cannot be a message: no server takes such a payload.
  private static final int LARGEST_FRAME_CHARS = 128 << 20;

  private final ApiClient api;
  private final String topic;
  private final LineOutput output;
  private final CompletableFuture<Void> stopped;
  private final Runnable printed;
  private String from;
  private boolean fromId;
  private boolean wasConnected;

  /// @param stopped completed by the owner to end the tail, or by the tail when nobody reads the
  ///   output any more
  /// @param printed told after each message
  TopicTail(
      ApiClient api,
      String topic,
      String from,
      LineOutput output,
      CompletableFuture<Void> stopped,
      Runnable printed) {
    this.api = api;
    this.topic = topic;
    this.from = from;
    this.fromId = !from.equals("last") && !from.equals("earliest");
    this.output = output;
    this.stopped = stopped;
    this.printed = printed;
  }

  /// Follows until stopped.
  ///
  /// @throws RequestException if the server refuses, or cannot be reached the first time
  void run() throws RequestException, InterruptedException {
    Duration pause = Duration.ofMillis(250);
    while (!stopped.isDone()) {
      long begun = System.nanoTime();
      String ended = followOnce();
      if (stopped.isDone()) {
        return;
      }
      boolean lasted = System.nanoTime() - begun > LONGEST_PAUSE.toNanos();
      pause = lasted ? Duration.ofMillis(250) : min(pause.multipliedBy(2), LONGEST_PAUSE);
      output.note(
          "%s: %s; connecting again%s"
              .formatted(
                  topic,
                  ended,
                  fromId ? " from " + from : ", what is published meanwhile is missed"));
      await(pause);
    }
  }

  private void await(Duration pause) throws InterruptedException {
    try {
      stopped.get(pause.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException _) {
      // The pause is over.
    } catch (ExecutionException e) {
      throw new IllegalStateException("a tail is stopped, never failed, from outside", e);
    }
  }

  /// One connection from its start to its end; returns why it ended.
  private String followOnce() throws RequestException, InterruptedException {
    Connection connection = new Connection();
    WebSocket socket;
    try {
      String token = wasConnected ? api.freshToken() : api.token();
      socket = connect(token, connection);
    } catch (RequestException e) {
      if (wasConnected && e.getCause() instanceof IOException) {
        return e.getMessage();
      }
      throw e;
    }
    wasConnected = true;
    var _ = socket.sendText(subscribeFrame(), true); // A failure ends the connection.
    try {
      return awaitEnd(socket, connection);
    } finally {
      socket.abort();
    }
  }

  private WebSocket connect(String token, Connection connection)
      throws RequestException, InterruptedException {
    try {
      return api.http()
          .newWebSocketBuilder()
          .connectTimeout(CONNECT_TIMEOUT)
          .buildAsync(api.address("/ws?token=" + ApiClient.encode(token), true), connection)
          .get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof WebSocketHandshakeException refused) {
        int status = refused.getResponse().statusCode();
        if (status == 401 || status == 403) {
          throw new RequestException(
              "following %s was refused: %d (expected: a valid token of a user that may read)"
                  .formatted(topic, status));
        }
        throw new RequestException(
            "no connection to %s: it answered %d".formatted(api.address("/ws", true), status),
            refused);
      }
      throw new RequestException(
          "no connection to " + api.address("/ws", true) + ": " + e.getCause(), e.getCause());
    }
  }

  private String subscribeFrame() {
    return JSON.writeValueAsString(
        Map.of(
            "type",
            "subscribe",
            "topics",
            new String[] {topic},
            "client_id",
            "tidings-tail-" + ProcessHandle.current().pid(),
            "offset",
            from));
  }

  private String awaitEnd(WebSocket socket, Connection connection)
      throws RequestException, InterruptedException {
    CompletableFuture<Object> end = CompletableFuture.anyOf(connection.ended, stopped);
    while (true) {
      long frames = connection.frames;
      try {
        Object why = end.get(PING_EVERY.toMillis(), TimeUnit.MILLISECONDS);
        return String.valueOf(why);
      } catch (TimeoutException _) {
        if (connection.pinged && connection.frames == frames) {
          return "the server is silent";
        }
        connection.pinged = true;
        var _ = socket.sendPing(ByteBuffer.allocate(0)); // A failure ends the connection.
      } catch (ExecutionException e) {
        if (e.getCause() instanceof CompletionException wrapped
            && wrapped.getCause() instanceof RequestException refused) {
          throw refused;
        }
        if (e.getCause() instanceof RequestException refused) {
          throw refused;
        }
        return "the connection broke: " + e.getCause();
      }
    }
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /// Receives the frames of one connection, one at a time, so that a slow terminal slows the server
  /// down.
  private final class Connection implements WebSocket.Listener {
    private final CompletableFuture<String> ended = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();
    private volatile long frames;
    private boolean pinged;

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // The listener is never called concurrently.
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      frames++;
      text.append(data);
      if (text.length() > LARGEST_FRAME_CHARS) {
        ended.complete("a frame was too large");
        return null;
      }
      if (last) {
        String frame = text.toString();
        text.setLength(0);
        receive(frame);
      }
      socket.request(1);
      return null;
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // The listener is never called concurrently.
    public @Nullable CompletionStage<?> onPing(WebSocket socket, ByteBuffer message) {
      frames++;
      socket.request(1);
      return null;
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // The listener is never called concurrently.
    public @Nullable CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
      frames++;
      socket.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      ended.complete(
          "closed by the server (" + code + (reason.isEmpty() ? "" : " " + reason) + ")");
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      ended.completeExceptionally(error);
    }

    private void receive(String frame) {
      JsonNode node;
      try {
        node = JSON.readTree(frame);
      } catch (JacksonException _) {
        output.note(topic + ": a frame that is not JSON was left out");
        return;
      }
      switch (node.path("type").asString("")) {
        case "message" -> print(frame, node.path("message_id").asString(""));
        case "subscribed" -> output.note("following " + topic + " from " + from);
        case "error" -> complain(node, frame);
        default -> output.note(topic + ": " + oneLine(frame));
      }
    }

    private void print(String frame, String id) {
      if (stopped.isDone()) {
        return;
      }
      if (!output.line(oneLine(frame))) {
        stopped.complete(null); // Nobody reads any more, as with `tail | head`.
        return;
      }
      if (!id.isEmpty()) {
        from = id;
        fromId = true;
      }
      printed.run();
    }

    /// Only a refused subscription is final: other errors are about one frame, and the server goes
    /// on.
    private void complain(JsonNode error, String frame) {
      if (!error.path("code").asString("").startsWith("SUBSCRIPTION_")) {
        output.note(topic + ": " + oneLine(frame));
        return;
      }
      ended.completeExceptionally(
          new RequestException(
              "following %s was refused: %s".formatted(topic, error.path("message").asString(""))));
    }

    /// A line break in JSON can only be white space between its parts.
    private static String oneLine(String json) {
      return json.replace('\n', ' ').replace('\r', ' ');
    }
  }
}
