// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/// A client of Server-Sent Events, which reads them as browsers do: by lines, an event at each
/// empty one. It collects events, so that a test can wait for the next one.
final class EventSource implements AutoCloseable {

  /// @param id the id of the stream after it, as a browser would send it back
  /// @param data its lines, joined with LF
  record Event(String name, String id, String data) {
    JsonNode json() {
      return Json.parse(data);
    }
  }

  private final HttpResponse<InputStream> response;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>(1_000_000);
  private final BlockingQueue<String> comments = new LinkedBlockingQueue<>(100_000);
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
  private final CompletableFuture<String> firstId = new CompletableFuture<>();

  private EventSource(HttpResponse<InputStream> response) {
    this.response = response;
    Thread.ofVirtual().start(this::read);
  }

  /// Opens the stream of `topic` with the client's token, if it has one, as a header; it must be
  /// answered with 200.
  static EventSource open(RelayClient client, String topic, String query, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
            URI.create(client.server().url() + "/api/v1/topics/" + topic + "/events" + query));
    client.authorization().ifPresent(value -> request.header("Authorization", value));
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      HttpResponse<InputStream> response =
          Await.result(RelayClient.http().sendAsync(request.build(), BodyHandlers.ofInputStream()));
      if (response.statusCode() != 200) {
        try (InputStream body = response.body()) {
          throw new AssertionError(
              response.statusCode() + " (expected: 200) " + new String(body.readAllBytes(), UTF_8));
        }
      }
      assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
      return new EventSource(response);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read() {
    try (var lines = new BufferedReader(new InputStreamReader(response.body(), UTF_8))) {
      String id = "";
      String name = "message";
      List<String> data = new ArrayList<>();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.isEmpty()) {
          firstId.complete(id);
          if (!data.isEmpty()) {
            events.add(new Event(name, id, String.join("\n", data)));
          }
          name = "message";
          data.clear();
        } else if (line.startsWith(":")) {
          comments.add(line);
        } else {
          String field = line.substring(0, line.indexOf(':'));
          String value = line.substring(line.indexOf(':') + 1).replaceFirst("^ ", "");
          switch (field) {
            case "id" -> id = value;
            case "event" -> name = value;
            case "data" -> data.add(value);
            default -> throw new AssertionError("a field that none expects: " + line);
          }
        }
      }
      ended.complete(true);
    } catch (IOException | RuntimeException | AssertionError e) {
      ended.completeExceptionally(e);
    }
  }

  String header(String name) {
    return response.headers().firstValue(name).orElse("");
  }

  /// The id that the stream begins with, before any event.
  String firstId() {
    return Await.result(firstId);
  }

  Event next() {
    try {
      Event event = events.poll(Await.SOON.toMillis(), TimeUnit.MILLISECONDS);
      if (event == null) {
        throw new AssertionError("no event within " + Await.SOON);
      }
      return event;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// The next event, which must be of this name.
  Event expect(String name) {
    Event event = next();
    assertThat(event.name()).as("name of the event %s", event).isEqualTo(name);
    return event;
  }

  /// The numbers of the next messages, see [RelayClient#publishNumber].
  List<Integer> numbers(int count) {
    var numbers = new ArrayList<Integer>(count);
    for (int i = 0; i < count; i++) {
      numbers.add(expect("message").json().get("payload").get("n").asInt());
    }
    return numbers;
  }

  String nextComment() {
    try {
      String comment = comments.poll(Await.SOON.toMillis(), TimeUnit.MILLISECONDS);
      assertThat(comment).as("a comment within %s", Await.SOON).isNotNull();
      return comment;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// Asserts that the server ends the response, whole, and that no event is left.
  void expectEnd() {
    assertThat(Await.result(ended)).isTrue();
    assertThat(events).isEmpty();
  }

  @Override
  public void close() {
    try {
      response.body().close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
