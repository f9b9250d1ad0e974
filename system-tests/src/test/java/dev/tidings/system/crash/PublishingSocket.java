// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.WebSocket;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A WebSocket that publishes, and collects the answers.
final class PublishingSocket implements AutoCloseable, WebSocket.Listener {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final BlockingQueue<String> frames = new LinkedBlockingQueue<>(10_000);
  private final StringBuilder partial = new StringBuilder();
  private @Nullable WebSocket socket;

  private PublishingSocket() {}

  static PublishingSocket open(Relay relay) {
    var opened = new PublishingSocket();
    opened.socket = Relay.HTTP.newWebSocketBuilder().buildAsync(relay.socket(), opened).join();
    return opened;
  }

  void publish(int id) {
    String frame =
        Relay.write(Map.of("type", "publish", "topic", "socket", "payload", Map.of(), "id", id));
    socket().sendText(frame, true).join();
  }

  private WebSocket socket() {
    if (socket == null) {
      throw new IllegalStateException("not open");
    }
    return socket;
  }

  JsonNode next() {
    try {
      String frame = frames.poll(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      assertThat(frame).as("a frame within %s", LIMIT).isNotNull();
      return Relay.parse(frame);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
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
  public void close() {
    socket().abort();
  }
}
