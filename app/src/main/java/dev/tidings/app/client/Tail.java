// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/// Follows several topics and prints every message as one line.
public final class Tail {
  private final ApiClient api;
  private final LineOutput output;
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final AtomicLong left;

  /// @param count how many messages to print before it ends
  public Tail(ApiClient api, LineOutput output, long count) {
    this.api = api;
    this.output = output;
    this.left = new AtomicLong(count);
  }

  /// Follows the topics until it is stopped or has printed enough.
  ///
  /// @param from `last`, `earliest` or the id of the last message already known
  /// @throws RequestException if the server refuses one of them, or cannot be reached
  public void follow(List<String> topics, String from)
      throws RequestException, InterruptedException {
    api.token(); // A wrong password is told once, not once for each topic.
    List<CompletableFuture<Void>> tails =
        topics.stream()
            .map(topic -> new TopicTail(api, topic, from, output, stopped, this::printed))
            .map(Tail::start)
            .toList();
    try {
      CompletableFuture.anyOf(
              CompletableFuture.anyOf(tails.toArray(CompletableFuture[]::new)), stopped)
          .get();
    } catch (ExecutionException e) {
      Throwable cause =
          e.getCause() instanceof CompletionException wrapped ? wrapped.getCause() : e.getCause();
      switch (cause) {
        case RequestException refused -> throw refused;
        case null, default -> throw new IllegalStateException("a tail failed", cause);
      }
    } finally {
      stop();
    }
  }

  /// Ends it; what has arrived by then is printed.
  public void stop() {
    stopped.complete(null);
  }

  private void printed() {
    if (left.decrementAndGet() == 0) {
      stop();
    }
  }

  private static CompletableFuture<Void> start(TopicTail tail) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("tail")
        .start(() -> {
          try {
            tail.run();
            done.complete(null);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            done.completeExceptionally(e);
          } catch (RequestException | RuntimeException e) {
            done.completeExceptionally(e);
          }
        });
    return done;
  }
}
