// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A WebSocket client that collects frames, so that a test can wait for the next one.
final class RelaySocket implements AutoCloseable {

  /// How a socket ended. Without a close frame the code is 1006, as the protocol names it.
  record Closed(int code, String reason) {}

  private final Frames frames;
  private final WebSocket socket;

  private RelaySocket(Frames frames, WebSocket socket) {
    this.frames = frames;
    this.socket = socket;
  }

  static RelaySocket open(URI uri) {
    return open(uri, List.of());
  }

  static RelaySocket open(URI uri, List<String> subprotocols) {
    var frames = new Frames();
    return new RelaySocket(frames, connect(uri, subprotocols, frames));
  }

  /// Asserts that the upgrade is answered with an HTTP status instead, and answers that status.
  static int refusedStatus(URI uri) {
    return refusedStatus(uri, List.of());
  }

  static int refusedStatus(URI uri, List<String> subprotocols) {
    try {
      WebSocket socket = connect(uri, subprotocols, new Frames());
      socket.abort();
    } catch (CompletionException e) {
      if (e.getCause() instanceof WebSocketHandshakeException refused) {
        return refused.getResponse().statusCode();
      }
      throw e;
    }
    throw new AssertionError("the socket was opened (expected: refused)");
  }

  private static WebSocket connect(URI uri, List<String> subprotocols, Frames frames) {
    var builder = RelayClient.http().newWebSocketBuilder().connectTimeout(Duration.ofSeconds(10));
    if (!subprotocols.isEmpty()) {
      builder.subprotocols(
          subprotocols.getFirst(),
          subprotocols.subList(1, subprotocols.size()).toArray(String[]::new));
    }
    return builder.buildAsync(uri, frames).join();
  }

  String subprotocol() {
    return socket.getSubprotocol();
  }

  void send(Object value) {
    sendText(Json.write(value));
  }

  void sendText(String text) {
    Await.result(socket.sendText(text, true));
  }

  void sendBinary(byte[] bytes) {
    Await.result(socket.sendBinary(ByteBuffer.wrap(bytes), true));
  }

  /// The next frame, whatever it is.
  JsonNode next() {
    return next(Await.SOON);
  }

  JsonNode next(Duration limit) {
    return poll(limit)
        .orElseThrow(() ->
            new AssertionError(
                "no frame within " + limit + "; closed: " + frames.closed.getNow(null)));
  }

  /// The next frame, if one comes in time.
  Optional<JsonNode> poll(Duration limit) {
    try {
      return Optional.ofNullable(frames.queue.poll(limit.toMillis(), TimeUnit.MILLISECONDS))
          .map(Json::parse);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// The next frame, which must be of this type.
  JsonNode expect(String type) {
    JsonNode frame = next();
    assertThat(frame.path("type").asString())
        .as("type of the frame %s", Json.abbreviate(Json.write(frame)))
        .isEqualTo(type);
    return frame;
  }

  /// The numbers of the next messages, see [RelayClient#publishNumber].
  List<Integer> numbers(int count) {
    var numbers = new ArrayList<Integer>(count);
    for (int i = 0; i < count; i++) {
      numbers.add(expect("message").get("payload").get("n").asInt());
    }
    return numbers;
  }

  /// Asserts that nothing but the answer to a ping comes: whatever the server would have sent
  /// before is not sent.
  void expectNothingBeforePong() {
    send(Json.object("type", "ping"));
    expect("pong");
  }

  /// Waits until the socket ends; frames that came before can still be read.
  Closed expectClosed() {
    return expectClosed(Await.SOON);
  }

  Closed expectClosed(Duration limit) {
    return Await.result(frames.closed, limit);
  }

  boolean isClosed() {
    return frames.closed.isDone();
  }

  @Override
  public void close() {
    socket.abort();
  }

  /// Collects text frames. Requests the next one at once, so it is a reader that keeps up.
  private static final class Frames implements WebSocket.Listener {

    private final BlockingQueue<String> queue = new LinkedBlockingQueue<>(1_000_000);
    private final CompletableFuture<Closed> closed = new CompletableFuture<>();
    private final StringBuilder partial = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      partial.append(data);
      if (last) {
        queue.add(partial.toString());
        partial.setLength(0);
      }
      socket.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      closed.complete(new Closed(code, reason));
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      closed.complete(new Closed(1006, error.toString()));
    }
  }
}
