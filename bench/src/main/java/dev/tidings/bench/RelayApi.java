// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Endpoint;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/// The few calls of the relay API that are no load.
final class RelayApi {
  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  private final Endpoint endpoint;

  RelayApi(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  /// Logs in and returns the access token.
  String login(String user, String password) throws InterruptedException {
    String form = "username=" + encode(user) + "&password=" + encode(password);
    HttpResponse<String> answer =
        send(
            request("/auth/login")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form))
                .build());
    if (answer.statusCode() != 200) {
      throw new BenchException(
          "POST /auth/login answered %d %s (expected: 200; give --user and --password of a user who may read and write)"
              .formatted(answer.statusCode(), answer.body()));
    }
    return new JsonMapper().readTree(answer.body()).path("access_token").asString();
  }

  /// Deletes a topic; true if that was done.
  boolean deleteTopic(String topic, Optional<String> token) throws InterruptedException {
    var request = request("/api/v1/topics/" + topic).DELETE();
    token.ifPresent(it -> request.header("Authorization", "Bearer " + it));
    return send(request.build()).statusCode() == 204;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(endpoint.url().resolve(path)).timeout(TIMEOUT);
  }

  private HttpResponse<String> send(HttpRequest request) throws InterruptedException {
    try (HttpClient client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build()) {
      return client.send(request, BodyHandlers.ofString());
    } catch (IOException e) {
      throw new BenchException(
          request.method()
              + " "
              + request.uri()
              + " failed (expected: a running server there): "
              + e,
          e);
    }
  }

  private static String encode(String value) {
    return URLEncoder.encode(value, UTF_8);
  }
}
