// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The relay API of the server at one address, as one user.
final class Relay {
  static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final Duration LIMIT = Duration.ofSeconds(70);

  private final URI url;
  private final String token;

  private Relay(URI url, String token) {
    this.url = url;
    this.token = token;
  }

  /// An answer, read completely.
  record Answer(int status, Optional<String> retryAfter, String text) {
    JsonNode json() {
      return parse(text);
    }

    Answer expect(int expected) {
      assertThat(status).as("status; the body was: %s", text).isEqualTo(expected);
      return this;
    }

    /// Asserts a refusal that asks to come back later.
    Answer expectUnavailable() {
      expect(503);
      assertThat(retryAfter)
          .as("Retry-After")
          .hasValueSatisfying(value -> assertThat(Integer.parseInt(value)).isPositive());
      assertThat(json().get("detail").asString()).isNotBlank();
      return this;
    }
  }

  /// A message as a poll or a socket gave it; `publisher` and `number` are from its payload.
  record Stored(String id, int publisher, int number) {
    static Stored of(JsonNode message) {
      JsonNode payload = message.get("payload");
      return new Stored(
          message.get("message_id").asString(), payload.get("p").asInt(), payload.get("n").asInt());
    }
  }

  static JsonNode parse(String text) {
    return JSON.readTree(text);
  }

  static String write(Object value) {
    return JSON.writeValueAsString(value);
  }

  static Relay login(URI url, String username, String password) {
    String form =
        "username="
            + URLEncoder.encode(username, UTF_8)
            + "&password="
            + URLEncoder.encode(password, UTF_8);
    HttpRequest request =
        HttpRequest.newBuilder(url.resolve("/auth/login"))
            .timeout(LIMIT)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(BodyPublishers.ofString(form))
            .build();
    return new Relay(url, send(request).expect(200).json().get("access_token").asString());
  }

  URI url() {
    return url;
  }

  String token() {
    return token;
  }

  /// Where its WebSocket is, with the token.
  URI socket() {
    return URI.create("ws://" + url.getAuthority() + "/ws?token=" + token);
  }

  Answer publish(String topic, Map<String, ?> payload) {
    return post("/api/v1/messages", Map.of("topic", topic, "payload", payload));
  }

  /// Publishes `{"p": 0, "n": number}`, which must succeed, and answers the message id.
  String publishNumber(String topic, int number) {
    return publish(topic, Map.of("p", 0, "n", number))
        .expect(201)
        .json()
        .get("message_id")
        .asString();
  }

  Answer bulk(List<? extends Map<String, ?>> messages) {
    return post("/api/v1/messages/bulk", Map.of("messages", messages));
  }

  Answer poll(Map<String, ?> body) {
    return post("/messages/poll", body);
  }

  /// One poll of one topic after the message `since`.
  JsonNode pollAfter(String topic, String since) {
    return poll(Map.of("topics", List.of(topic), "since", Map.of(topic, since), "timeout", 1))
        .expect(200)
        .json();
  }

  /// Everything stored in `topics`, in pages, each poll going on from the cursors of the last.
  Map<String, List<Stored>> readAll(List<String> topics) {
    Map<String, List<Stored>> stored = new HashMap<>();
    topics.forEach(topic -> stored.put(topic, new ArrayList<>()));
    Map<String, String> since = new HashMap<>();
    topics.forEach(topic -> since.put(topic, "start"));
    while (true) {
      JsonNode page =
          poll(Map.of("topics", topics, "since", since, "timeout", 1)).expect(200).json();
      page.get("messages")
          .forEach(message -> stored.get(message.get("topic").asString()).add(Stored.of(message)));
      page.get("cursors")
          .properties()
          .forEach(cursor -> since.put(cursor.getKey(), cursor.getValue().asString()));
      if (!page.get("has_more").asBoolean()) {
        return stored;
      }
    }
  }

  Answer get(String path) {
    return send(request(path).GET().build());
  }

  Answer delete(String path) {
    return send(request(path).DELETE().build());
  }

  Answer deleteWith(String path, Object body) {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .method("DELETE", BodyPublishers.ofString(write(body)))
            .build());
  }

  /// Whether `/ready` says so.
  boolean isReady() {
    return get("/ready").status() == 200;
  }

  Answer post(String path, Object body) {
    return send(postRequest(path, body));
  }

  /// Posts this text under an idempotency key.
  Answer postOnce(String path, String key, String json) {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(BodyPublishers.ofString(json))
            .build());
  }

  CompletableFuture<Answer> postAsync(String path, Object body) {
    return HTTP.sendAsync(postRequest(path, body), BodyHandlers.ofString())
        .thenApply(Relay::answer);
  }

  private HttpRequest postRequest(String path, Object body) {
    return request(path)
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString(write(body)))
        .build();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(url.resolve(path))
        .timeout(LIMIT)
        .header("Authorization", "Bearer " + token);
  }

  private static Answer send(HttpRequest request) {
    try {
      return answer(HTTP.send(request, BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private static Answer answer(HttpResponse<String> response) {
    return new Answer(
        response.statusCode(), response.headers().firstValue("retry-after"), response.body());
  }
}
