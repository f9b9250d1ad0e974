// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.MessageId;
import dev.tidings.core.store.LogExtent;
import dev.tidings.system.crash.Relay.Stored;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/// `durability=memory` after an end that was not clean: acknowledged messages may be lost, so every
/// log goes on higher, no id is given twice, and whoever reads across that place is told a gap;
/// nobody else is.
@Tag("embedded")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(60)
final class UncleanMemoryTest {
  private static final String TOPIC = "lapsed";

  private final ServerProcess server =
      new ServerProcess(
          Launch.serve(ServerProcess.newDirectory()).with("STORE_DURABILITY", "memory"));
  private final List<String> ids = new ArrayList<>();
  private Relay relay;

  /// Five messages, a kill, and after the restart nothing yet.
  @BeforeAll
  void killAndStartAgain() {
    relay = server.start();
    for (int n = 0; n < 5; n++) {
      ids.add(relay.publishNumber(TOPIC, n));
    }
    server.kill9();
    relay = server.start();
  }

  @AfterAll
  void end() {
    server.close();
  }

  private static long sequence(String id) {
    return MessageId.parse(id).orElseThrow().sequence();
  }

  private static List<Integer> numbers(JsonNode poll) {
    return poll.get("messages").valueStream().map(message -> Stored.of(message).number()).toList();
  }

  /// The gaps of a poll, each as `from` and `to`.
  private static List<List<String>> gaps(JsonNode poll) {
    return poll.path("gaps")
        .valueStream()
        .map(gap -> List.of(gap.get("from").asString(), gap.get("to").asString()))
        .toList();
  }

  @Test
  void readersAcrossTheLapse_missNothingAndAreToldOneGap() {
    // A poll that ends empty stands at the lapse; its cursor must not jump over the gap in silence.
    JsonNode empty = relay.pollAfter(TOPIC, ids.getLast());
    assertThat(numbers(empty)).isEmpty();
    String waited = empty.get("cursors").get(TOPIC).asString();

    try (Follower earliest = Follower.start(() -> relay, TOPIC)) {
      String sixth = relay.publishNumber(TOPIC, 5);
      String seventh = relay.publishNumber(TOPIC, 6);
      assertThat(sequence(sixth)).isEqualTo(sequence(ids.getLast()) + 1 + LogExtent.LAPSE_STEP);
      assertThat(sequence(seventh)).isEqualTo(sequence(sixth) + 1);
      assertThat(sixth).isGreaterThan(ids.getLast());

      List<String> gap = List.of(ids.getLast(), sixth);
      JsonNode fromLast = relay.pollAfter(TOPIC, ids.getLast());
      assertThat(numbers(fromLast)).containsExactly(5, 6);
      assertThat(gaps(fromLast)).containsExactly(gap);

      JsonNode fromWaited = relay.pollAfter(TOPIC, waited);
      assertThat(numbers(fromWaited)).containsExactly(5, 6);
      assertThat(gaps(fromWaited)).as("gaps told to who polled on").containsExactly(gap);

      // Behind the lapse there is nothing to tell.
      JsonNode fromSixth = relay.pollAfter(TOPIC, sixth);
      assertThat(numbers(fromSixth)).containsExactly(6);
      assertThat(gaps(fromSixth)).isEmpty();

      assertThat(readAllOf()).isEqualTo(IntStream.range(0, 7).boxed().toList());

      Waiting.until(
          "all on the socket", Duration.ofSeconds(10), () -> earliest.received().size() >= 7);
      assertThat(earliest.received().stream().map(Stored::number))
          .containsExactly(0, 1, 2, 3, 4, 5, 6);
      assertThat(earliest.gaps()).hasSize(1);
      JsonNode told = earliest.gaps().getFirst();
      assertThat(told.get("topic").asString()).isEqualTo(TOPIC);
      assertThat(told.get("from").asString()).isEqualTo(ids.getLast());
      assertThat(told.get("to").asString()).isEqualTo(sixth);
    }
  }

  private List<Integer> readAllOf() {
    return relay.readAll(List.of(TOPIC)).get(TOPIC).stream().map(Stored::number).toList();
  }

  @Test
  void topicsMadeAfterIt_tellNoGap() {
    String topic = "made-later";
    try (Follower waiting = Follower.start(() -> relay, topic)) {
      String first = relay.publishNumber(topic, 0);
      relay.publishNumber(topic, 1);

      Waiting.until(
          "both on the socket", Duration.ofSeconds(10), () -> waiting.received().size() >= 2);
      assertThat(waiting.gaps()).isEmpty();
      JsonNode poll =
          relay
              .poll(Map.of("topics", List.of(topic), "since", Map.of(topic, "start")))
              .expect(200)
              .json();
      assertThat(numbers(poll)).containsExactly(0, 1);
      assertThat(gaps(poll)).isEmpty();
      assertThat(gaps(relay.pollAfter(topic, first))).isEmpty();
    }
  }

  @Test
  void cleanRestart_jumpsNot() {
    var own =
        new ServerProcess(
            Launch.serve(ServerProcess.newDirectory()).with("STORE_DURABILITY", "memory"));
    try (own) {
      String before = own.start().publishNumber(TOPIC, 0);
      assertThat(own.terminate()).isZero();
      Relay again = own.start();
      String after = again.publishNumber(TOPIC, 1);
      assertThat(sequence(after)).isEqualTo(sequence(before) + 1);
      assertThat(gaps(again.pollAfter(TOPIC, before))).isEmpty();
    }
  }
}
