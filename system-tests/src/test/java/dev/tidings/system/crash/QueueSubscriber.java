// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.WebSocket;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A WebSocket that is subscribed to one queue, and has been told so.
final class QueueSubscriber implements AutoCloseable, WebSocket.Listener {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final BlockingQueue<String> frames = new LinkedBlockingQueue<>(1_000_000);
  private final StringBuilder partial = new StringBuilder();
  private @Nullable WebSocket socket;
  private volatile boolean ended;

  /// The server has gone, or is not there.
  static final class Gone extends RuntimeException {
    private static final long serialVersionUID = 1;

    Gone(String message) {
      super(message);
    }
  }

  /// A message as a socket gave it; `publisher` and `number` are from its payload.
  record Received(String id, int publisher, int number) {}

  private QueueSubscriber() {}

  /// Subscribes with these additions.
  static QueueSubscriber open(Relay relay, String queue, Map<String, ?> additions) {
    var opened = new QueueSubscriber();
    try {
      opened.socket = Relay.HTTP.newWebSocketBuilder().buildAsync(relay.socket(), opened).join();
      var payload = new HashMap<String, Object>(additions);
      payload.put("queue_name", queue);
      payload.put("confirm", true);
      opened.send("SUBSCRIBE", payload);
      JsonNode frame = opened.nextFrame(LIMIT).orElseThrow(() -> new Gone("no answer"));
      assertThat(frame.path("type").asString()).as("the answer %s", frame).isEqualTo("SUBSCRIBED");
      return opened;
    } catch (CompletionException e) {
      throw new Gone("not opened: " + e);
    }
  }

  private WebSocket socket() {
    if (socket == null) {
      throw new IllegalStateException("not open");
    }
    return socket;
  }

  void send(String type, Map<String, ?> payload) {
    try {
      socket().sendText(Relay.write(Map.of("type", type, "payload", payload)), true).join();
    } catch (CompletionException e) {
      throw new Gone("not sent: " + e);
    }
  }

  void ack(Collection<String> ids) {
    send("ACK", Map.of("unique_ids", ids));
  }

  void nack(Collection<String> ids) {
    send("NACK", Map.of("unique_ids", ids, "delay_seconds", 0));
  }

  private Optional<JsonNode> nextFrame(Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    try {
      while (true) {
        boolean last = ended;
        String frame = frames.poll(last ? 0 : 10, TimeUnit.MILLISECONDS);
        if (frame != null) {
          return Optional.of(Relay.parse(frame));
        }
        if (last) {
          throw new Gone("the socket has ended");
        }
        if (System.nanoTime() - deadline > 0) {
          return Optional.empty();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// The next message, if one comes in time.
  Optional<Received> poll(Duration limit) {
    return nextFrame(limit)
        .map(frame -> {
          assertThat(frame.propertyNames())
              .as("a message, in %s", frame)
              .containsExactly("unique_id", "body", "TTL");
          JsonNode body = frame.get("body");
          return new Received(
              frame.get("unique_id").asString(), body.get("p").asInt(), body.get("n").asInt());
        });
  }

  Received next() {
    return poll(LIMIT).orElseThrow(() -> new AssertionError("no message within " + LIMIT));
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    partial.append(data);
    if (last) {
      frames.add(partial.toString());
      partial.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    ended = true;
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable error) {
    ended = true;
  }

  @Override
  public void close() {
    if (socket != null) {
      socket.abort();
    }
  }
}
