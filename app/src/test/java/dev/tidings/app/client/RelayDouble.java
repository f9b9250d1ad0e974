// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/// As much of the relay API as the clients use: login, publish and a socket that a test drives.
final class RelayDouble implements AutoCloseable {
  final List<String> bodies = new CopyOnWriteArrayList<>();
  final List<JsonObject> subscribes = new CopyOnWriteArrayList<>();
  volatile int publishStatus = 201;
  volatile boolean firstTokenExpired;

  /// Status of the handshakes that are refused next, one each.
  final Queue<Integer> refusals = new ConcurrentLinkedQueue<>();

  private final Vertx vertx = Vertx.vertx();
  private final BiConsumer<ServerWebSocket, JsonObject> onSubscribe;
  private final int port;
  private volatile int logins;

  RelayDouble(BiConsumer<ServerWebSocket, JsonObject> onSubscribe) throws Exception {
    this.onSubscribe = onSubscribe;
    port =
        vertx
            .createHttpServer()
            .requestHandler(this::answer)
            .webSocketHandshakeHandler(handshake -> {
              Integer status = refusals.poll();
              var _ = status == null ? handshake.accept() : handshake.reject(status);
            })
            .webSocketHandler(this::accept)
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(10, TimeUnit.SECONDS)
            .actualPort();
  }

  URI url() {
    return URI.create("http://127.0.0.1:" + port);
  }

  int logins() {
    return logins;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // One event loop.
  private void answer(HttpServerRequest request) {
    request
        .body()
        .onSuccess(body -> {
          if (request.path().equals("/auth/login")) {
            if (!body.toString().equals("username=al%26ice&password=p%C3%A4ss+word")) {
              request
                  .response()
                  .setStatusCode(401)
                  .end("{\"detail\":\"Incorrect username or password\"}");
              return;
            }
            logins++;
            request
                .response()
                .end(new JsonObject().put("access_token", "token-" + logins).encode());
            return;
          }
          String bearer = request.getHeader("Authorization");
          if (firstTokenExpired && "Bearer token-1".equals(bearer)) {
            request.response().setStatusCode(401).end("{\"detail\":\"Invalid or expired token\"}");
            return;
          }
          bodies.add(body.toString());
          request
              .response()
              .setStatusCode(publishStatus)
              .end(
                  publishStatus == 201
                      ? "{\"message_id\":\"msg_" + bodies.size() + "\"}"
                      : "{\"detail\":[{\"msg\":\"bad topic\"}]}");
        });
  }

  private void accept(ServerWebSocket socket) {
    socket.textMessageHandler(text -> {
      JsonObject frame = new JsonObject(text);
      subscribes.add(frame);
      socket.writeTextMessage("{\"type\":\"subscribed\"}");
      onSubscribe.accept(socket, frame);
    });
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
  }
}
