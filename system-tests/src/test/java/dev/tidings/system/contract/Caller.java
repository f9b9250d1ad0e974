// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.system.TidingsProcess;
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
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/// Somebody who calls the server with the JDK's HTTP client: paths, JSON and headers are the test's
/// own.
///
/// @param id the user's id, empty for nobody
/// @param name the user's name, empty for nobody
/// @param authorization the value of that header; none is sent if it is empty
record Caller(TidingsProcess server, String id, String name, String authorization) {
  static final String PASSWORD = "a-good-password";

  static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(10))
          .build();

  private static final Duration LIMIT = Duration.ofSeconds(50);
  private static final Map<TidingsProcess, Caller> ADMINS = new ConcurrentHashMap<>();
  private static final AtomicLong NUMBER = new AtomicLong();

  /// A name nobody else uses, of topics and users alike.
  static String unique(String prefix) {
    // Other tests number the names on the shared servers too.
    return prefix + "-c" + NUMBER.incrementAndGet() + "-" + ProcessHandle.current().pid();
  }

  static Caller nobody(TidingsProcess server) {
    return new Caller(server, "", "", "");
  }

  /// The bootstrap admin, who logs in once: checking a password is made to be slow.
  static Caller admin(TidingsProcess server) {
    return ADMINS.computeIfAbsent(
        server,
        _ -> nobody(server).loggedIn(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD));
  }

  /// Registers a user of a new name with these permissions, and logs in.
  static Caller user(TidingsProcess server, String... permissions) {
    String name = unique("user");
    admin(server).register(name, PASSWORD, permissions).expect(201);
    return nobody(server).loggedIn(name, PASSWORD);
  }

  Answer register(String username, String password, String... permissions) {
    String list = Arrays.stream(permissions).map(Template::quoted).collect(Collectors.joining(","));
    return post(
        "/auth/register",
        "{\"username\":%s,\"password\":%s,\"permissions\":[%s]}"
            .formatted(Template.quoted(username), Template.quoted(password), list));
  }

  Answer login(String username, String password) {
    return form("/auth/login", "username", username, "password", password);
  }

  Caller loggedIn(String username, String password) {
    Caller caller =
        withAuthorization("Bearer " + login(username, password).expect(200).text("access_token"));
    String id = caller.get("/auth/me").expect(200).text("user_id");
    return new Caller(server, id, username, caller.authorization);
  }

  Caller withAuthorization(String value) {
    return new Caller(server, id, name, value);
  }

  String token() {
    return authorization.substring("Bearer ".length());
  }

  Answer form(String path, String... namesAndValues) {
    var body = new StringBuilder();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      body.append(i == 0 ? "" : "&")
          .append(URLEncoder.encode(namesAndValues[i], UTF_8))
          .append('=')
          .append(URLEncoder.encode(namesAndValues[i + 1], UTF_8));
    }
    return send("POST", path, "application/x-www-form-urlencoded", body.toString());
  }

  Answer get(String path) {
    return send("GET", path, "", "");
  }

  Answer delete(String path) {
    return send("DELETE", path, "", "");
  }

  Answer post(String path, String json) {
    return send("POST", path, "application/json", json);
  }

  Answer put(String path, String json) {
    return send("PUT", path, "application/json", json);
  }

  Answer patch(String path, String json) {
    return send("PATCH", path, "application/json", json);
  }

  Answer publish(String topic, String payload) {
    return post(
        "/api/v1/messages",
        "{\"topic\":%s,\"payload\":%s}".formatted(Template.quoted(topic), payload));
  }

  Answer createTopic(String topic, boolean isPublic) {
    return post(
        "/api/v1/topics",
        "{\"topic_name\":%s,\"is_public\":%s}".formatted(Template.quoted(topic), isPublic));
  }

  Answer grant(String topic, Caller user) {
    return post(
        "/api/v1/topics/" + topic + "/permissions",
        "{\"user_id\":%s}".formatted(Template.quoted(user.id)));
  }

  Answer poll(String json) {
    return post("/messages/poll", json);
  }

  /// A poll that only asks whether the caller may read.
  Answer mayPoll(String topic) {
    return poll("{\"topics\":[%s],\"timeout\":1}".formatted(Template.quoted(topic)));
  }

  CompletableFuture<Answer> pollLater(String json) {
    return postLater("/messages/poll", json);
  }

  CompletableFuture<Answer> getLater(String path) {
    return later(request("GET", path, "", ""));
  }

  CompletableFuture<Answer> postLater(String path, String json) {
    return later(request("POST", path, "application/json", json));
  }

  private static CompletableFuture<Answer> later(HttpRequest request) {
    return HTTP.sendAsync(request, BodyHandlers.ofString()).thenApply(Caller::answer);
  }

  /// Sends one request; no Content-Type if `contentType` is empty, no body if `body` is.
  Answer send(String method, String path, String contentType, String body) {
    try {
      return answer(HTTP.send(request(method, path, contentType, body), BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new UncheckedIOException(method + " " + path + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private HttpRequest request(String method, String path, String contentType, String body) {
    var request =
        HttpRequest.newBuilder(URI.create(server.url() + path))
            .timeout(LIMIT)
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    if (!contentType.isEmpty()) {
      request.header("Content-Type", contentType);
    }
    if (!authorization.isEmpty()) {
      request.header("Authorization", authorization);
    }
    return request.build();
  }

  private static Answer answer(HttpResponse<String> response) {
    return new Answer(response.statusCode(), response.headers(), response.body());
  }
}
