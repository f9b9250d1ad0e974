// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Stored;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A WebSocket subscriber of one topic as the documents advise: whenever its socket ends it opens
/// another and goes on after the last message it has.
final class Follower implements AutoCloseable {
  private static final long RETRY_MS = 20;

  private final String topic;
  private final Supplier<Relay> relay;
  private final List<Stored> received = new ArrayList<>();
  private final List<JsonNode> others = new ArrayList<>();
  private final CountDownLatch stop = new CountDownLatch(1);
  private final AtomicInteger sockets = new AtomicInteger();
  private final Thread thread;

  private Follower(Supplier<Relay> relay, String topic) {
    this.topic = topic;
    this.relay = relay;
    this.thread = Thread.ofVirtual().unstarted(this::run);
  }

  /// Follows `topic` from its first message, on whatever server `relay` names at the time.
  static Follower start(Supplier<Relay> relay, String topic) {
    var follower = new Follower(relay, topic);
    follower.thread.start();
    return follower;
  }

  private void run() {
    try {
      while (stop.getCount() > 0) {
        var listener = new Listener();
        try {
          WebSocket socket =
              Relay.HTTP
                  .newWebSocketBuilder()
                  .connectTimeout(Duration.ofSeconds(5))
                  .buildAsync(relay.get().socket(), listener)
                  .join();
          sockets.incrementAndGet();
          listener.follow(socket);
        } catch (CompletionException _) {
          // No server there just now.
        }
        boolean _ = stop.await(RETRY_MS, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized String place() {
    return received.isEmpty() ? "earliest" : received.getLast().id();
  }

  private synchronized void take(JsonNode frame) {
    if (frame.get("type").asString().equals("message")) {
      received.add(Stored.of(frame));
      notifyAll();
    } else {
      others.add(frame);
    }
  }

  /// Everything received so far, on all its sockets.
  synchronized List<Stored> received() {
    return List.copyOf(received);
  }

  /// The gaps it was told.
  synchronized List<JsonNode> gaps() {
    return others.stream().filter(frame -> frame.get("type").asString().equals("gap")).toList();
  }

  /// How many sockets it has had.
  int sockets() {
    return sockets.get();
  }

  /// Waits until it has received as much as is stored, and asserts that it is the same, in order.
  void expect(List<Stored> stored) {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    synchronized (this) {
      while (received.size() < stored.size() && System.nanoTime() - deadline < 0) {
        try {
          wait(100);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new AssertionError("interrupted", e);
        }
      }
      assertThat(received).as("what a socket received of topic %s", topic).isEqualTo(stored);
      assertThat(gaps()).as("gaps told").isEmpty();
    }
  }

  @Override
  public void close() {
    stop.countDown();
    thread.interrupt();
  }

  private final class Listener implements WebSocket.Listener {
    private final CountDownLatch ended = new CountDownLatch(1);
    private final StringBuilder partial = new StringBuilder();

    private void follow(WebSocket socket) throws InterruptedException {
      try {
        socket
            .sendText(
                Relay.write(
                    Map.of("type", "subscribe", "topics", List.of(topic), "offset", place())),
                true)
            .join();
        ended.await();
      } finally {
        socket.abort();
      }
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      partial.append(data);
      if (last) {
        take(Relay.parse(partial.toString()));
        partial.setLength(0);
      }
      socket.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      ended.countDown();
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      ended.countDown();
    }
  }
}
