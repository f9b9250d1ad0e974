// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.Enqueue;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Queue.Bounds;
import dev.tidings.core.directory.Queue.Mode;
import dev.tidings.core.directory.Queue.Overflow;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// In which order work queues give out messages of several priorities.
class PrioritiesTest {
  private final Queues on;

  PrioritiesTest() throws StoreException {
    on = Queues.create();
  }

  private Enqueue.Enqueued put(Queue queue, int priority, String payload) {
    return on.done(
        new Enqueue(
            List.of(new Target(queue.name(), queue.incarnation())),
            queue.durable(),
            Payload.of(payload),
            Ordering.ofPriority(priority),
            true));
  }

  /// Payloads that begin with their priority.
  private void put(Queue queue, String... payloads) {
    for (String payload : payloads) {
      put(queue, payload.charAt(0) - '0', payload);
    }
  }

  private List<String> oneByOne(Queue queue, int count) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Delivered> one = on.take(queue, 1);
      all.addAll(Queues.payloads(one));
      on.ack(queue, one);
    }
    return all;
  }

  @Test
  void higherPriorities_comeFirst_andInOneOfThemPublishOrder() {
    for (boolean durable : List.of(true, false)) {
      Queue q = on.queue("q" + durable, durable);
      put(q, "00", "50", "91", "01", "52", "93");
      assertThat(on.lease(q, 3)).containsExactly("91", "93", "50");
      put(q, "94");
      assertThat(on.lease(q, 2)).containsExactly("94", "52");
      assertThat(on.lease(q, 9)).containsExactly("00", "01");
    }
  }

  @Test
  void retriesThatAreDue_comeBeforeOthersOfTheirPriority_butNotOfHigherOnes() {
    Queue q = on.queue("q", true);
    put(q, "30", "31", "32");
    List<Delivered> two = on.take(q, 2);
    on.done(
        new NackMessages(on.subscription(q), Queues.any(two.subList(0, 1)), OptionalLong.of(0)));
    on.done(
        new NackMessages(on.subscription(q), Queues.any(two.subList(1, 2)), OptionalLong.of(500)));
    put(q, "40");
    assertThat(on.lease(q, 9)).containsExactly("40", "30", "32");
    assertThat(on.lease(q, 9)).isEmpty();
    on.pass(500);
    assertThat(on.lease(q, 9)).containsExactly("31");
  }

  @Test
  void eighth_isTheOldest_andTheSixteenthTheOldestRetry_orTheOtherWayRound() {
    Queue q = on.queue("q", true);
    put(q, "0r", "0s");
    on.nack(q, on.take(q, 2));
    for (int i = 0; i < 10; i++) {
      put(q, "0" + i);
    }
    for (int i = 0; i < 40; i++) {
      put(q, "9" + i);
    }
    List<String> order = oneByOne(q, 32);
    List<String> fair = IntStream.of(7, 15, 23, 31).mapToObj(order::get).toList();
    assertThat(fair).isIn(List.of("00", "0r", "01", "0s"), List.of("0r", "00", "0s", "01"));
    List<String> others = new ArrayList<>(order);
    others.removeAll(fair);
    assertThat(others).isEqualTo(IntStream.range(0, 28).mapToObj(i -> "9" + i).toList());
  }

  @Test
  void turns_areCountedOverManyLeases_alsoOfSeveralConsumers() {
    Queue q = on.queue("q", false);
    for (int i = 0; i < 10; i++) {
      put(q, "0" + i);
    }
    for (int i = 0; i < 60; i++) {
      put(q, "1" + i);
    }
    List<String> order = new ArrayList<>();
    for (int size : new int[] {1, 5, 3, 2, 7, 11, 4, 15}) {
      order.addAll(on.lease(q, size));
    }
    assertThat(order).hasSize(48);
    // Nothing is delivered again, so each of the turns is the oldest's.
    assertThat(order.stream().filter(it -> it.startsWith("0")).toList())
        .containsExactly("00", "01", "02", "03", "04", "05");
  }

  @Test
  void backlogThatIsNotInMemory_isGivenOutOnce_byTheSameRules() throws Exception {
    // A turn of the oldest that had to be loaded gave out another, and to nobody.
    Queue q = on.queue("q", true);
    put(q, "00");
    for (int i = 1; i < 40; i++) {
      put(q, "1" + i);
    }
    on.restart();
    List<String> order = oneByOne(q, 40);
    assertThat(order).doesNotHaveDuplicates().hasSize(40);
    assertThat(order.subList(0, 16)).contains("00");
    assertThat(on.counts(q).delivered()).isZero();
  }

  @Test
  void backlogThatIsNotInMemory_isReadForManyAtOnce() throws Exception {
    Queue q = on.queue("q", true);
    for (int i = 0; i < 30; i++) {
      put(q, i % 10 + "-" + i);
    }
    on.restart();
    assertThat(on.lease(q, 30)).hasSizeGreaterThan(20);
  }

  @Test
  void oldOnes_doNotStarve_thoughNothingStaysInMemory() throws Exception {
    // More than the memory for pages holds, and new ones of a higher priority all the time.
    Queue q = on.queue("q", true);
    String filler = "x".repeat(20_000);
    for (int i = 0; i < 100; i++) {
      put(q, 0, "\"0" + filler + i + "\"");
    }
    for (int i = 0; i < 200; i++) {
      put(q, 5, "\"5" + filler + i + "\"");
    }
    on.restart();
    int low = 0;
    for (int i = 0; i < 160; i++) {
      low += (int) oneByOne(q, 1).stream().filter(it -> it.startsWith("\"0")).count();
    }
    assertThat(low).isGreaterThanOrEqualTo(160 / 16 - 1);
  }

  @Test
  void priorities_outliveARestart_ofDurableQueues() throws Exception {
    Queue durable = on.queue("durable", true);
    Queue transientQueue = on.queue("transient", false);
    put(durable, "00", "71", "02");
    put(transientQueue, "00", "71");
    List<Delivered> first = on.take(durable, 1);
    assertThat(Queues.payloads(first)).containsExactly("71");
    on.nack(durable, first);
    on.restart();
    put(durable, "33", "84");
    put(transientQueue, "02", "13");
    assertThat(all(durable)).containsExactly("84", "71", "33", "00", "02");
    assertThat(all(transientQueue)).containsExactly("13", "02");
    on.restart();
    on.pass(60_000);
    on.restart();
    // Leases have ended, and what was given out before keeps its priority.
    assertThat(all(durable)).containsExactly("84", "33", "00", "02");
    on.pass(1);
    assertThat(on.dead(durable)).containsExactly("71");
    on.reprocess(durable);
    put(durable, "65", "76");
    assertThat(all(durable)).containsExactly("71", "76", "65");
  }

  /// Leases until nothing comes: what has to be loaded comes by itself.
  private List<String> all(Queue queue) {
    List<String> all = new ArrayList<>();
    List<String> some;
    do {
      some = on.lease(queue, 9);
      all.addAll(some);
    } while (!some.isEmpty());
    return all;
  }

  @Test
  void broadcastQueues_keepPublishOrder() throws Exception {
    Queue q = on.queue("q", true, Mode.BROADCAST, Bounds.NONE);
    put(q, "00", "91", "52");
    assertThat(on.lease(q, 2)).containsExactly("00", "91");
    on.restart();
    put(q, "93");
    assertThat(all(q)).containsExactly("52", "93");
  }

  @Test
  void fullQueue_dropsTheOldest_whateverItsPriority() throws Exception {
    Queue q = on.queue("q", true, Mode.WORK, Queues.bounds(3, Overflow.DROP_OLDEST));
    put(q, "90", "01", "52");
    assertThat(put(q, 0, "03").dropped()).isEqualTo(1);
    assertThat(on.counts(q).available()).isEqualTo(3);
    assertThat(on.firstRetained(q)).isEqualTo(2);
    assertThat(on.lease(q, 1)).containsExactly("52");
    // One that is leased is dropped like others.
    assertThat(put(q, 9, "94").dropped()).isEqualTo(1);
    assertThat(put(q, 9, "95").dropped()).isEqualTo(1);
    assertThat(on.counts(q).delivered()).isZero();
    assertThat(all(q)).containsExactly("94", "95", "03");
    assertThat(on.counts(q).totals().lost()).isEqualTo(3);
  }

  @Test
  void fullQueue_refuses_andHasRoomForEachThatWasAcked() {
    Queue q = on.queue("q", false, Mode.WORK, Queues.bounds(3, Overflow.REJECT));
    put(q, "00", "91", "02");
    assertThat(put(q, 9, "93").full()).containsExactly("q");
    assertThat(oneByOne(q, 1)).containsExactly("91");
    assertThat(put(q, 9, "94").full()).isEmpty();
    assertThat(put(q, 9, "95").full()).containsExactly("q");
    assertThat(all(q)).containsExactly("94", "00", "02");
    assertThat(put(q, 9, "96").full()).containsExactly("q");
  }

  @Test
  void oldest_isWhatTheLogIsKeptFor() throws Exception {
    Queue q = on.queue("q", true);
    put(q, "00", "91", "92", "03", "94");
    assertThat(oneByOne(q, 3)).containsExactly("91", "92", "94");
    on.sweep(Queues.NO_BACKLOG);
    assertThat(on.firstRetained(q)).isEqualTo(1);
    assertThat(oneByOne(q, 1)).containsExactly("00");
    List<Delivered> last = on.take(q, 9);
    assertThat(Queues.payloads(last)).containsExactly("03");
    on.sweep(Queues.NO_BACKLOG);
    assertThat(on.firstRetained(q)).isEqualTo(4);
    on.nack(q, last);
    on.restart();
    assertThat(all(q)).containsExactly("03");
    assertThat(on.counts(q).delivered()).isEqualTo(1);
    assertThat(on.counts(q).available()).isZero();
  }

  @Test
  void ackOfOneThatWasNeverGivenOut_countsOnce() throws Exception {
    Queue q = on.queue("q", true);
    put(q, "00", "91", "02", "93");
    List<Long> sequences = List.of(2L, 3L);
    long acked =
        on.done(new AckMessages(on.subscription(q), new Meant(sequences, OptionalLong.empty())));
    assertThat(acked).isEqualTo(2);
    assertThat(on.counts(q).available()).isEqualTo(2);
    on.restart();
    assertThat(on.counts(q).available()).isEqualTo(2);
    assertThat(all(q)).containsExactly("93", "00");
    assertThat(all(q)).isEmpty();
  }
}
