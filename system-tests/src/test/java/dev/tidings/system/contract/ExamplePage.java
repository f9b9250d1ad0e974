// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tidings.system.TidingsProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// A small web site with one page: an example's script as it is, and what it writes to the console
/// sent back here. `/messages/poll` is passed on to the server, as a proxy before both would do.
final class ExamplePage implements AutoCloseable {
  private static final String PAGE =
      """
      <!doctype html>
      <meta charset="utf-8">
      <title>An example of pulsar-relay's documents</title>
      <script>
        let sent = Promise.resolve();
        const plain = value => value instanceof Error || value instanceof Event ? String(value) : value;
        for (const kind of ['log', 'error']) {
          console[kind] = (...values) => {
            const body = JSON.stringify([kind, ...values.map(plain)]);
            sent = sent.then(() => fetch('/console', { method: 'POST', body }));
          };
        }
        window.onerror = message => console.error('uncaught', message);
      </script>
      <script src="/example.js"></script>
      """;

  private final BlockingQueue<String> console = new LinkedBlockingQueue<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer site;
  private final TidingsProcess server;
  private volatile String script = "";

  ExamplePage(TidingsProcess server) throws IOException {
    this.server = server;
    this.site = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    site.setExecutor(threads);
    site.createContext("/", exchange -> answer(exchange, 404, "text/plain", "not here"));
    site.createContext("/page", exchange -> answer(exchange, 200, "text/html", PAGE));
    site.createContext("/example.js", exchange -> answer(exchange, 200, "text/javascript", script));
    site.createContext("/console", this::takeConsole);
    site.createContext("/messages/poll", this::passOn);
    site.start();
  }

  /// The page's host and port.
  String authority() {
    return "localhost:" + site.getAddress().getPort();
  }

  String url() {
    return "http://" + authority() + "/page";
  }

  void script(String text) {
    script = text;
  }

  /// The next line of the page's console, an array of its kind and values; empty if there is none
  /// within that time.
  Optional<String> console(Duration limit) throws InterruptedException {
    return Optional.ofNullable(console.poll(limit.toMillis(), TimeUnit.MILLISECONDS));
  }

  /// Asserts the next line of the page's console.
  void expectConsole(String template) throws InterruptedException {
    Optional<String> line = console(Duration.ofSeconds(30));
    assertThat(line).as("a line of the console like %s", template).isPresent();
    Template.assertMatches(line.orElseThrow(), template);
  }

  private static void answer(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    try (var out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  private void takeConsole(HttpExchange exchange) throws IOException {
    console.add(new String(exchange.getRequestBody().readAllBytes(), UTF_8));
    answer(exchange, 200, "text/plain", "taken");
  }

  private void passOn(HttpExchange exchange) throws IOException {
    var request =
        HttpRequest.newBuilder(URI.create(server.url() + "/messages/poll"))
            .method(
                exchange.getRequestMethod(),
                BodyPublishers.ofByteArray(exchange.getRequestBody().readAllBytes()));
    for (String header : new String[] {"Authorization", "Content-Type"}) {
      String value = exchange.getRequestHeaders().getFirst(header);
      if (value != null) {
        request.header(header, value);
      }
    }
    try {
      HttpResponse<String> answer = Caller.HTTP.send(request.build(), BodyHandlers.ofString());
      answer(exchange, answer.statusCode(), "application/json", answer.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public void close() {
    site.stop(0);
    threads.shutdownNow();
  }
}
