// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.JsonNode;

/// Speaks the relay API over HTTP as one user, or as nobody.
final class RelayClient {

  /// The body of a request that has none.
  static final BodyPublisher NOTHING = BodyPublishers.noBody();

  static final String PASSWORD = "password-of-a-test-user";

  /// Longer than the longest poll of the tests.
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  private static final AtomicLong NUMBER = new AtomicLong();

  private final TidingsProcess server;
  private final Optional<String> authorization;

  RelayClient(TidingsProcess server) {
    this(server, Optional.empty());
  }

  private RelayClient(TidingsProcess server, Optional<String> authorization) {
    this.server = server;
    this.authorization = authorization;
  }

  static HttpClient http() {
    return HTTP;
  }

  /// A topic or user name nobody else uses.
  static String unique(String prefix) {
    return prefix + "-" + NUMBER.incrementAndGet() + "-" + ProcessHandle.current().pid();
  }

  TidingsProcess server() {
    return server;
  }

  RelayClient withToken(String token) {
    return withAuthorization("Bearer " + token);
  }

  RelayClient withAuthorization(String header) {
    return new RelayClient(server, Optional.of(header));
  }

  Optional<String> authorization() {
    return authorization;
  }

  String token() {
    String header = authorization.orElseThrow(() -> new IllegalStateException("not logged in"));
    return header.substring("Bearer ".length());
  }

  RelayClient loggedIn(String username, String password) {
    return withToken(login(username, password).expect(200).json().get("access_token").asString());
  }

  // Users

  Reply login(String username, String password) {
    return form("/auth/login", "username", username, "password", password);
  }

  Reply form(String path, String... namesAndValues) {
    var body = new StringBuilder();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      body.append(i == 0 ? "" : "&")
          .append(URLEncoder.encode(namesAndValues[i], UTF_8))
          .append('=')
          .append(URLEncoder.encode(namesAndValues[i + 1], UTF_8));
    }
    return send(
        "POST",
        path,
        BodyPublishers.ofString(body.toString()),
        "Content-Type",
        "application/x-www-form-urlencoded");
  }

  Reply me() {
    return get("/auth/me");
  }

  Reply register(Object body) {
    return postJson("/auth/register", body);
  }

  /// Registers a user with these permissions, as this admin, and logs them in.
  User newUser(String... permissions) {
    String name = unique("user");
    String id =
        register(
                Json.object(
                    "username",
                    name,
                    "password",
                    PASSWORD,
                    "permissions",
                    Arrays.asList(permissions)))
            .expect(201)
            .json()
            .get("user_id")
            .asString();
    return new User(id, name, PASSWORD, new RelayClient(server).loggedIn(name, PASSWORD));
  }

  // Topics

  Reply createTopic(Object... keysAndValues) {
    return postJson("/api/v1/topics", Json.object(keysAndValues));
  }

  Reply grant(String topic, Object... keysAndValues) {
    return postJson("/api/v1/topics/" + topic + "/permissions", Json.object(keysAndValues));
  }

  // Messages

  Reply publish(String topic, Object payload, Object... moreKeysAndValues) {
    var body = Json.object(moreKeysAndValues);
    body.put("topic", topic);
    body.put("payload", payload);
    return postJson("/api/v1/messages", body);
  }

  /// Publishes `{"n": number}`, which must succeed, and answers the message id.
  String publishNumber(String topic, int number) {
    return publish(topic, Map.of("n", number)).expect(201).messageId();
  }

  /// Publishes `{"n": from}` and so on up to (not with) `{"n": to}`, in bulks.
  List<String> publishNumbers(String topic, int from, int to) {
    return publishNumbers(topic, from, to, "");
  }

  /// As above, with a filler that makes the messages larger.
  List<String> publishNumbers(String topic, int from, int to, String filler) {
    var ids = new ArrayList<String>();
    for (int start = from; start < to; start += 100) {
      var messages = new ArrayList<Object>();
      for (int n = start; n < Math.min(to, start + 100); n++) {
        messages.add(
            Map.of(
                "topic",
                topic,
                "payload",
                filler.isEmpty() ? Map.of("n", n) : Json.object("n", n, "filler", filler)));
      }
      bulk(messages)
          .expect(207)
          .json()
          .get("results")
          .forEach(result -> ids.add(result.get("message_id").asString()));
    }
    return ids;
  }

  Reply bulk(List<?> messages) {
    return postJson("/api/v1/messages/bulk", Json.object("messages", messages));
  }

  Reply poll(Object... keysAndValues) {
    return postJson("/messages/poll", Json.object(keysAndValues));
  }

  /// Everything stored in a topic, page by page. A topic without messages costs the shortest
  /// timeout.
  Poll readAll(String topic) {
    var messages = new ArrayList<JsonNode>();
    Poll page = readFrom(topic, "start");
    messages.addAll(page.messages());
    while (page.hasMore()) {
      page = readFrom(topic, page.messages().getLast().get("message_id").asString());
      messages.addAll(page.messages());
    }
    return new Poll(List.copyOf(messages), false, page.cursors());
  }

  /// One catch-up poll of one topic. An id the server does not know means from the start.
  Poll readFrom(String topic, String since) {
    return Poll.of(poll("topics", List.of(topic), "since", Map.of(topic, since), "timeout", 1));
  }

  CompletableFuture<Reply> pollAsync(Object... keysAndValues) {
    return sendAsync(
        "POST",
        "/messages/poll",
        BodyPublishers.ofString(Json.write(Json.object(keysAndValues))),
        "Content-Type",
        "application/json");
  }

  // HTTP

  Reply get(String path) {
    return send("GET", path, BodyPublishers.noBody());
  }

  Reply request(String method, String path) {
    return send(method, path, BodyPublishers.noBody());
  }

  Reply postJson(String path, Object body) {
    return postRaw(path, Json.write(body));
  }

  /// Posts text that need not be JSON, as JSON.
  Reply postRaw(String path, String body) {
    return postRaw(path, body.getBytes(UTF_8));
  }

  Reply postRaw(String path, byte[] body) {
    return send("POST", path, BodyPublishers.ofByteArray(body), "Content-Type", "application/json");
  }

  Reply send(String method, String path, BodyPublisher body, String... headers) {
    try {
      return reply(HTTP.send(build(method, path, body, headers), BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new UncheckedIOException(method + " " + path + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  CompletableFuture<Reply> sendAsync(
      String method, String path, BodyPublisher body, String... headers) {
    return HTTP.sendAsync(build(method, path, body, headers), BodyHandlers.ofString())
        .thenApply(RelayClient::reply);
  }

  private HttpRequest build(String method, String path, BodyPublisher body, String... headers) {
    var request =
        HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(LIMIT).method(method, body);
    authorization.ifPresent(value -> request.header("Authorization", value));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return request.build();
  }

  private static Reply reply(HttpResponse<String> response) {
    var headers = new TreeMap<String, List<String>>();
    response
        .headers()
        .map()
        .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values));
    return new Reply(response.statusCode(), headers, response.body());
  }

  // WebSocket

  /// Opens a socket with the token in the query, as the documents show it.
  RelaySocket open() {
    return RelaySocket.open(
        URI.create(server.webSocketUrl() + authorization.map(_ -> "?token=" + token()).orElse("")));
  }

  /// Opens a socket and subscribes; the `subscribed` frame has been read.
  RelaySocket subscribe(String... topics) {
    return subscribeFrom("last", topics);
  }

  RelaySocket subscribeFrom(String offset, String... topics) {
    RelaySocket socket = open();
    socket.send(
        Json.object(
            "type",
            "subscribe",
            "topics",
            List.of(topics),
            "client_id",
            "system-test",
            "offset",
            offset));
    socket.expect("subscribed");
    return socket;
  }
}
