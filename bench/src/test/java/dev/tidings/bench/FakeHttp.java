// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executor;

/// What fake servers on the JDK's HTTP server have in common.
final class FakeHttp {
  static {
    // Otherwise an answer's body waits for the client's delayed acknowledgement of its head.
    System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  private FakeHttp() {}

  /// Starts a server on a free port of loopback.
  static HttpServer start(HttpHandler handler, Executor executor) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", handler);
    server.setExecutor(executor);
    server.start();
    return server;
  }

  static void answer(HttpExchange exchange, int status, String json) {
    byte[] body = json.getBytes(UTF_8);
    try (exchange) {
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      if (body.length > 0) {
        exchange.getResponseBody().write(body);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
