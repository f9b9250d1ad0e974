// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A WebSocket of the JDK: text goes out as it is given, frames are taken in the order they came.
final class Socket implements WebSocket.Listener, AutoCloseable {
  private static final int LIMIT_SECONDS = 10;

  private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
  private final CompletableFuture<Integer> closed = new CompletableFuture<>();
  private final StringBuilder partial = new StringBuilder();
  private @Nullable WebSocket socket;

  private Socket() {}

  /// Opens with the token in the query.
  static Socket open(Caller caller) {
    return open(URI.create(caller.server().webSocketUrl() + "?token=" + caller.token()));
  }

  static Socket open(URI url, String... subprotocols) {
    var opened = new Socket();
    opened.socket = await(build(url, opened, subprotocols));
    return opened;
  }

  /// Tries to open, and answers what the server said instead.
  static HttpResponse<?> refused(URI url) {
    try {
      build(url, new Socket()).get(LIMIT_SECONDS, TimeUnit.SECONDS).abort();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof WebSocketHandshakeException handshake) {
        return handshake.getResponse();
      }
      throw new AssertionError("failed, but not with an HTTP answer", e);
    } catch (TimeoutException | InterruptedException e) {
      throw new AssertionError("no answer", e);
    }
    throw new AssertionError("the server accepted the socket " + url);
  }

  private static CompletableFuture<WebSocket> build(
      URI url, Socket listener, String... subprotocols) {
    var builder = Caller.HTTP.newWebSocketBuilder();
    if (subprotocols.length > 0) {
      builder.subprotocols(
          subprotocols[0], Arrays.copyOfRange(subprotocols, 1, subprotocols.length));
    }
    return builder.buildAsync(url, listener);
  }

  /// Opens and subscribes; the `subscribed` frame has been read.
  static Socket subscribed(Caller caller, String... topics) {
    Socket socket = open(caller);
    socket.send(subscribe("\"client_id\":\"contract\"", topics));
    assertThat(socket.next().get("type").asString()).isEqualTo("subscribed");
    return socket;
  }

  /// The text of a subscribe frame with a further member, or with none if it is empty.
  static String subscribe(String further, String... topics) {
    var list = new StringBuilder();
    for (String topic : topics) {
      list.append(list.isEmpty() ? "" : ",").append(Template.quoted(topic));
    }
    return "{\"type\":\"subscribe\",\"topics\":[%s]%s}"
        .formatted(list, further.isEmpty() ? "" : "," + further);
  }

  void send(String text) {
    assertThat(socket).isNotNull();
    await(socket.sendText(text, true));
  }

  void sendBinary(byte[] bytes) {
    assertThat(socket).isNotNull();
    await(socket.sendBinary(ByteBuffer.wrap(bytes), true));
  }

  /// How many frames have come that nobody has taken.
  int waiting() {
    return frames.size();
  }

  boolean isClosed() {
    return closed.isDone();
  }

  /// The next frame, as text.
  String nextText() {
    try {
      String frame = frames.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
      if (frame == null) {
        throw new AssertionError("no frame; closed with " + closed.getNow(-1));
      }
      return frame;
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  JsonNode next() {
    return Template.parse(nextText());
  }

  /// Asserts the next frame, see [Template].
  void expect(String template) {
    Template.assertMatches(next(), template);
  }

  void expectError(String code, String message) {
    expect(
        "{\"type\":\"error\",\"code\":%s,\"message\":%s,\"details\":null}"
            .formatted(Template.quoted(code), Template.quoted(message)));
  }

  /// Asserts that nothing was sent between what was read last and the answer to a ping.
  void expectNothingButPong() {
    send("{\"type\":\"ping\"}");
    expect("{\"type\":\"pong\",\"timestamp\":\"<time>\"}");
  }

  int closeCode() {
    return await(closed);
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException | InterruptedException e) {
      throw new AssertionError("not within " + LIMIT_SECONDS + " s: " + e, e);
    }
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
    partial.append(data);
    if (last) {
      frames.add(partial.toString());
      partial.setLength(0);
    }
    socket.request(1);
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
    closed.complete(code);
    return null;
  }

  @Override
  public void onError(WebSocket socket, Throwable error) {
    closed.completeExceptionally(error);
  }

  @Override
  public void close() {
    if (socket != null) {
      socket.abort();
    }
  }
}
