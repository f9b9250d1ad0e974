// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Endpoint;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Calls with and without a token that are no load, one at a time.
final class ApiCalls implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration PAUSE = Duration.ofMillis(100);

  private final Endpoint endpoint;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
  private Optional<String> token = Optional.empty();

  ApiCalls(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  /// Sends this token from now on, or none.
  void use(Optional<String> given) {
    token = given;
  }

  HttpResponse<String> send(String method, String path, Optional<String> json)
      throws InterruptedException {
    var request =
        HttpRequest.newBuilder(endpoint.url().resolve(path))
            .timeout(TIMEOUT)
            .method(method, json.map(BodyPublishers::ofString).orElseGet(BodyPublishers::noBody));
    json.ifPresent(_ -> request.header("Content-Type", "application/json"));
    token.ifPresent(it -> request.header("Authorization", "Bearer " + it));
    try {
      return http.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new BenchException(
          method + " " + endpoint.url() + path + " failed (expected: a running server there): " + e,
          e);
    }
  }

  /// Asks for something that changes.
  interface Question<T> {
    T ask() throws InterruptedException;
  }

  /// Asks until the answer is the expected one, at most for `patience`.
  ///
  /// @param what for the message, as `GET /queues/q`
  static <T> void await(String what, Question<T> question, T expected, Duration patience)
      throws InterruptedException {
    long endNs = System.nanoTime() + patience.toNanos();
    var never = new CountDownLatch(1);
    T answer = question.ask();
    while (!answer.equals(expected)) {
      if (System.nanoTime() - endNs > 0) {
        throw new BenchException(
            "%s answered %s (expected, within %d ms: %s)"
                .formatted(what, answer, patience.toMillis(), expected));
      }
      var _ = never.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
      answer = question.ask();
    }
  }

  static BenchException refused(HttpResponse<String> answer, String what, String expected) {
    return new BenchException(
        "%s answered %d %s (expected: %s)"
            .formatted(what, answer.statusCode(), answer.body(), expected));
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
