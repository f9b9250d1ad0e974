// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Starting, stopping and being killed.
@SystemTest
final class ProcessTest {

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @Test
  void sigterm_closesSocketsWith1001AndExitsWith0() {
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      RelayClient admin = server.admin();
      String topic = RelayClient.unique("stop");
      admin.publishNumber(topic, 1);
      CompletableFuture<Reply> poll = admin.pollAsync("topics", List.of(topic), "timeout", 60);
      try (RelaySocket first = admin.subscribe(topic);
          RelaySocket second = admin.subscribeFrom("earliest", topic);
          RawWebSocket stalled = RawWebSocket.open(admin)) {
        stalled.subscribe(topic);
        server.requestStop();

        assertThat(first.expectClosed().code()).isEqualTo(1001);
        assertThat(second.expectClosed().code()).isEqualTo(1001);
        // The third neither answers the close frame nor reads it; nor does the poll end by itself.
        assertThat(server.awaitExit(Duration.ofSeconds(10))).isZero();
      }
      assertThat(poll.handle((_, _) -> true).join()).as("the poll has ended").isTrue();
      assertThat(server.output().lines().toList())
          .as("standard output is for the one line that tells the address")
          .hasSize(1);
    }
  }

  @Test
  void sigterm_whilePublishing_keepsEverythingThatWasAnswered() {
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      RelayClient admin = server.admin();
      String topic = RelayClient.unique("stopping");
      var answered = new ConcurrentLinkedQueue<Integer>();
      var next = new AtomicInteger();
      try (var publishers = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 8; i++) {
          publishers.execute(() -> publishUntilRefused(admin, topic, next, answered));
        }
        Await.until("publishing is under way", () -> answered.size() > 500);

        assertThat(server.terminate()).isZero();
      }
      server.restart();

      List<Integer> stored = server.admin().readAll(topic).numbers();
      assertThat(stored).doesNotHaveDuplicates().containsAll(answered);
    }
  }

  private static void publishUntilRefused(
      RelayClient client,
      String topic,
      AtomicInteger next,
      ConcurrentLinkedQueue<Integer> answered) {
    while (true) {
      int number = next.getAndIncrement();
      try {
        if (client.publish(topic, Map.of("n", number)).status() != 201) {
          return;
        }
      } catch (UncheckedIOException _) {
        return; // The server has gone; whether this one was stored, nobody has said.
      }
      answered.add(number);
    }
  }

  @Test
  void killed_andStartedAgain_hasEverythingThatWasAnswered() {
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      RelayClient admin = server.admin();
      User owner = admin.newUser("read", "write");
      User reader = admin.newUser("read");
      String topic = RelayClient.unique("survives");
      owner
          .client()
          .createTopic("topic_name", topic, "is_public", false, "description", "kept")
          .expect(201);
      owner.client().grant(topic, "username", reader.name()).expect(201);
      List<String> ids = owner.client().publishNumbers(topic, 0, 150);
      String payload = "{\"n\":150,\"big\":123456789012345678901234567890,\"e\":1e400}";
      owner
          .client()
          .postRaw(
              "/api/v1/messages",
              "{\"topic\":\"%s\",\"payload\":%s,\"metadata\":{\"k\":\"v\"}}"
                  .formatted(topic, payload))
          .expect(201);
      Poll before = owner.client().readAll(topic);

      server.kill9();
      server.restart();

      RelayClient again = server.anonymous().loggedIn(owner.name(), owner.password());
      Poll after = again.readAll(topic);
      assertThat(after.messages()).isEqualTo(before.messages());
      assertThat(after.ids().subList(0, 150)).isEqualTo(ids);
      assertThat(after.messages().getLast().get("payload")).isEqualTo(Json.parse(payload));
      assertThat(Json.texts(again.me().expect(200).json().get("owned_topics")))
          .containsExactly(topic);
      assertThat(again.me().json().get("user_id").asString()).isEqualTo(owner.id());
      RelayClient granted = server.anonymous().loggedIn(reader.name(), reader.password());
      assertThat(granted.readFrom(topic, ids.get(148)).numbers()).containsExactly(149, 150);
      // Goes on where it ended: a cursor from before still counts.
      try (RelaySocket socket = granted.subscribeFrom(after.ids().getLast(), topic)) {
        String id = again.publishNumber(topic, 151);
        assertThat(after.ids()).doesNotContain(id);
        assertThat(socket.numbers(1)).containsExactly(151);
      }
      assertThat(again.readAll(topic).numbers()).isEqualTo(range(0, 152));
    }
  }

  @Test
  void restartedInOrder_servesSocketsFromBefore() {
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      String topic = RelayClient.unique("restart");
      server.admin().publishNumbers(topic, 0, 3);
      assertThat(server.terminate()).isZero();
      server.restart();

      try (RelaySocket socket = server.admin().subscribeFrom("earliest", topic)) {
        assertThat(socket.numbers(3)).containsExactly(0, 1, 2);
      }
    }
  }

  @Test
  void secondServer_onTheSameData_refusesAndLeavesTheFirstAlone() {
    try (TidingsProcess first = TidingsProcess.startDev(Map.of());
        TidingsProcess second = TidingsProcess.launchDev(first.dataDir(), Map.of())) {
      assertThat(second.awaitExit(Duration.ofSeconds(20))).isEqualTo(1);
      assertThat(second.errors())
          .contains(first.dataDir().getFileName().toString())
          .doesNotContain("\tat ");
      assertThat(second.output()).doesNotContain("tidings ready");
      String topic = RelayClient.unique("first");
      first.admin().publishNumber(topic, 1);
      assertThat(first.admin().readAll(topic).numbers()).containsExactly(1);
    }
  }

  /// Asserts that the server refuses to start and names the setting, as a key or as a variable.
  private static void expectRefusal(Map<String, String> environment, String setting) {
    try (TidingsProcess server =
        TidingsProcess.launchServe("refusing", TidingsProcess.newDataDir(), environment)) {
      assertThat(server.awaitExit(Duration.ofSeconds(20))).isIn(1, 2);
      assertThat(server.output()).doesNotContain("tidings ready");
      assertThat(server.errors().replace('_', '-')).containsIgnoringCase(setting);
      assertThat(server.errors()).doesNotContain("\tat ");
    }
  }

  @Test
  void serve_withoutASecret_refusesAndSaysWhatToSet() {
    var environment = new HashMap<>(TidingsProcess.SECURED_ENVIRONMENT);
    environment.remove("TIDINGS_AUTH_SECRET_KEY");
    expectRefusal(environment, "secret-key");
  }

  @Test
  void serve_withAShortSecret_refusesWithoutShowingIt() {
    var environment = new HashMap<>(TidingsProcess.SECURED_ENVIRONMENT);
    environment.put("TIDINGS_AUTH_SECRET_KEY", "too-short-to-be-safe");
    try (TidingsProcess server =
        TidingsProcess.launchServe("refusing", TidingsProcess.newDataDir(), environment)) {
      assertThat(server.awaitExit(Duration.ofSeconds(20))).isIn(1, 2);
      assertThat(server.errors()).contains("32").doesNotContain("\tat ", "too-short-to-be-safe");
    }
  }

  @Test
  void serve_withoutAnAdmin_refusesAndSaysWhatToSet() {
    expectRefusal(Map.of("TIDINGS_AUTH_SECRET_KEY", TidingsProcess.SECRET_KEY), "admin");
  }
}
