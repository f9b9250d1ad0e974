// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import static dev.tidings.core.exchange.Queues.NO_BACKLOG;
import static dev.tidings.core.exchange.Queues.bounds;
import static dev.tidings.core.exchange.Queues.enqueuing;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.ChangeSubscription;
import dev.tidings.core.command.CreateSubscription;
import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.DeleteQueue;
import dev.tidings.core.command.Enqueue;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.PurgeQueue;
import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Queue.Bounds;
import dev.tidings.core.directory.Queue.Mode;
import dev.tidings.core.directory.Queue.Overflow;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.log.Retention;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.RecordingReader;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.subscription.Deliveries.Delivered;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Queues of both kinds: what they keep, refuse and drop, and what is left after restarts and
/// failures of the store.
class QueuesTest {
  private static final String TEN_KB = "\"" + "x".repeat(9_998) + "\"";

  private static long length(Queues on, Queue queue) {
    var counts = on.counts(queue);
    return counts.available() + counts.delivered();
  }

  // ---- bounds ----

  @ParameterizedTest
  @CsvSource({"true,WORK", "true,BROADCAST", "false,WORK", "false,BROADCAST"})
  void reject_takesUpToTheBound_andNoMore(boolean durable, Mode mode) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", durable, mode, bounds(3, Overflow.REJECT));
    for (int i = 1; i <= 3; i++) {
      assertThat(on.put(q, "" + i)).isEqualTo(new Enqueue.Enqueued(1, 0, List.of()));
    }
    assertThat(on.put(q, "4")).isEqualTo(new Enqueue.Enqueued(0, 0, List.of("q")));
    List<Delivered> taken = on.take(q, 2);
    // Leased is not acked.
    assertThat(on.put(q, "5").full()).containsExactly("q");
    on.ack(q, taken.subList(1, 2));
    assertThat(on.put(q, "6").copies()).isEqualTo(1);
    assertThat(on.put(q, "7").full()).containsExactly("q");
    on.nack(q, taken);
    assertThat(on.put(q, "8").full()).containsExactly("q");
    assertThat(on.lease(q, 9)).containsExactly("1", "3", "6");
    assertThat(on.counts(q).totals().lost()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"true,WORK", "true,BROADCAST", "false,WORK", "false,BROADCAST"})
  void dropOldest_keepsTheNewest_leasedOrNot(boolean durable, Mode mode) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", durable, mode, bounds(3, Overflow.DROP_OLDEST));
    on.put(q, 1, 3);
    assertThat(length(on, q)).isEqualTo(3);
    List<Delivered> taken = on.take(q, 2);
    assertThat(on.put(q, "4")).isEqualTo(new Enqueue.Enqueued(1, 1, List.of()));
    assertThat(length(on, q)).isEqualTo(3);
    // The first went though it was leased; acking it has no effect any more.
    assertThat(on.ack(q, taken)).isEqualTo(1);
    assertThat(on.put(q, "5").dropped()).isZero();
    assertThat(on.put(q, "6").dropped()).isEqualTo(1);
    assertThat(on.lease(q, 9)).containsExactly("4", "5", "6");
    assertThat(on.counts(q).totals().lost()).isEqualTo(2);
    assertThat(on.firstRetained(q)).isEqualTo(4);
  }

  @ParameterizedTest
  @EnumSource(Overflow.class)
  void appendsOnTheirWayToTheStore_countAgainstTheBound(Overflow overflow) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", true, Mode.WORK, bounds(2, overflow));
    List<Reply<Enqueue.Enqueued>> replies = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      replies.add(on.ask(enqueuing(q, "" + i)));
    }
    on.node.settleExecutors();
    assertThat(replies).noneMatch(Reply::isAnswered);
    on.node.settle();
    assertThat(replies.stream().map(it -> it.done().copies()).toList())
        .isEqualTo(overflow == Overflow.REJECT ? List.of(1, 1, 0, 0, 0) : List.of(1, 1, 1, 1, 1));
    assertThat(length(on, q)).isEqualTo(2);
    assertThat(on.lease(q, 9))
        .isEqualTo(overflow == Overflow.REJECT ? List.of("1", "2") : List.of("4", "5"));
    on.restart();
    assertThat(length(on, q)).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource(Overflow.class)
  void appendsThatFailed_doNotCount(Overflow overflow) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", true, Mode.WORK, bounds(2, overflow));
    on.put(q, 1, 2);
    List<Delivered> taken = on.take(q, 1);
    on.ack(q, taken);
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    List<Reply<Enqueue.Enqueued>> lost = new ArrayList<>();
    for (int i = 3; i <= 6; i++) {
      lost.add(on.ask(enqueuing(q, "" + i)));
    }
    on.heal();
    assertThat(lost).allMatch(it -> it.refusal().code() == Refusal.Code.STORE_UNAVAILABLE);
    assertThat(length(on, q)).isEqualTo(1);
    assertThat(on.put(q, "7")).isEqualTo(new Enqueue.Enqueued(1, 0, List.of()));
    assertThat(on.lease(q, 9)).containsExactly("2", "7");
    assertThat(on.counts(q).totals().lost()).isZero();
  }

  @Test
  void boundOfOne_keepsTheNewest_alsoWhatIsNotDurableYet() throws Exception {
    Queues on = Queues.create();
    for (boolean durable : List.of(true, false)) {
      Queue q = on.queue("q" + durable, durable, Mode.BROADCAST, bounds(1, Overflow.DROP_OLDEST));
      for (int i = 1; i <= 20; i++) {
        var _ = on.ask(enqueuing(q, "" + i));
      }
      on.node.settle();
      assertThat(length(on, q)).isEqualTo(1);
      assertThat(on.lease(q, 9)).containsExactly("20");
    }
  }

  @ParameterizedTest
  @EnumSource(Overflow.class)
  void bound_countsMessages_notHolesOfTheLog(Overflow overflow) throws Exception {
    // Sequences jump at a start that may have lost something: a bound that counted sequences would
    // not hold again until as many messages had come.
    for (int before = 0; before <= 3; before++) {
      for (int leased = Math.min(1, before); leased <= before; leased++) {
        Queues on = Queues.create();
        Queue q = on.queue("q", true, Mode.WORK, bounds(3, overflow));
        on.put(q, 1, before);
        assertThat(on.take(q, leased)).hasSize(leased);
        jump(on, q, before);
        List<String> expected = new ArrayList<>();
        for (int i = 1; i <= before; i++) {
          expected.add("" + i);
        }
        expected.add("jumped");
        for (int i = 11; i <= 18; i++) {
          Enqueue.Enqueued put = on.put(q, "" + i);
          if (overflow == Overflow.DROP_OLDEST) {
            expected.add("" + i);
            assertThat(put.dropped()).isEqualTo(Math.max(0, expected.size() - 3));
            expected.subList(0, Math.max(0, expected.size() - 3)).clear();
          } else {
            assertThat(put.full()).hasSize(expected.size() >= 3 ? 1 : 0);
            if (expected.size() < 3) {
              expected.add("" + i);
            }
          }
          assertThat(length(on, q)).as("%s before, %s", before, i).isEqualTo(expected.size());
        }
        assertThat(on.purge(q)).isEqualTo(expected.size());
        assertThat(length(on, q)).isZero();
        on.put(q, 21, 25);
        assertThat(length(on, q)).isEqualTo(3);
        assertThat(on.lease(q, 9))
            .isEqualTo(
                overflow == Overflow.REJECT
                    ? List.of("21", "22", "23")
                    : List.of("23", "24", "25"));
      }
    }
  }

  /// Ends the process and lets the log go on far above where it was.
  private static void jump(Queues on, Queue q, long ever) throws Exception {
    Store store = new MemoryStore(on.memory);
    long epoch = store.openSlots(SlotSet.ALL);
    Message message =
        new Message(5000, on.time.wallMs(), Message.NEVER, Payload.of("jumped"), Payload.EMPTY);
    SlotSet refused =
        store.commit(
            new Batch(
                0,
                epoch,
                1,
                List.of(
                    new StoreRecord.MessagesAppended(
                        q.slot(), q.incarnation(), ever, ever, List.of(message)))));
    assertThat(refused.isEmpty()).isTrue();
    on.restart();
  }

  // ---- time ----

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void messageTtl_isCountedAsExpired_notAsLost(boolean durable) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", durable, Mode.WORK, Queues.ttl(10_000));
    on.put(q, 1, 3);
    on.pass(5_000);
    on.put(q, 4, 5);
    on.pass(5_000);
    assertThat(on.sweep(NO_BACKLOG)).isZero();
    on.pass(1);
    assertThat(on.sweep(NO_BACKLOG)).isZero();
    assertThat(on.counts(q).totals().expired()).isEqualTo(3);
    assertThat(on.counts(q).totals().lost()).isZero();
    assertThat(on.firstRetained(q)).isEqualTo(4);
    assertThat(on.lease(q, 9)).containsExactly("4", "5");
    // What is leased goes too.
    on.pass(5_001);
    assertThat(on.sweep(NO_BACKLOG)).isZero();
    assertThat(length(on, q)).isZero();
    assertThat(on.counts(q).totals().expired()).isEqualTo(5);
    assertThat(on.counts(q).totals().lost()).isZero();
    assertThat(on.bytes()).isZero();
  }

  @Test
  void expiredMessages_areNotLeased_alsoBeforeTheSweep() throws Exception {
    Queues on = Queues.create();
    for (boolean durable : List.of(true, false)) {
      Queue q = on.queue("q" + durable, durable, Mode.WORK, Queues.ttl(1_000));
      on.put(q, 1, 2);
      on.pass(999);
      on.put(q, 3, 3);
      on.pass(1);
      assertThat(on.lease(q, 9)).containsExactly("3");
    }
  }

  @Test
  void retention_leavesWhatIsNotAcked_andTakesTheRest() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", true);
    on.put(q, 1, 10);
    List<Delivered> taken = on.take(q, 5);
    on.ack(q, taken.subList(0, 2));
    on.ack(q, taken.subList(3, 5));
    // The bound on topics is 1 message here: it is none of a queue's.
    assertThat(on.sweep(NO_BACKLOG)).isZero();
    assertThat(on.firstRetained(q)).isEqualTo(3);
    on.ack(q, taken);
    assertThat(on.sweep(NO_BACKLOG)).isZero();
    assertThat(on.firstRetained(q)).isEqualTo(6);
    // But the bound on what subscriptions hold back is.
    assertThat(on.sweep(new Retention.Limits(0, 2, 0))).isZero();
    assertThat(on.firstRetained(q)).isEqualTo(9);
    assertThat(on.counts(q).totals().lost()).isEqualTo(3);
    on.restart();
    assertThat(on.lease(q, 9)).containsExactly("9", "10");
  }

  @Test
  void leaseWhileDropsAreNotDurable_losesNothingThatComesAfter() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", true, Mode.WORK, bounds(1, Overflow.DROP_OLDEST));
    for (int i = 1; i <= 3; i++) {
      var _ = on.ask(enqueuing(q, "" + i));
    }
    int _ = on.node.settleExecutors();
    var _ =
        on.ask(new LeaseMessages(on.subscription(q), 1, OptionalLong.empty(), Optional.empty()));
    int _ = on.node.settleExecutors();
    var put = on.ask(enqueuing(q, "4"));
    on.node.settle();
    assertThat(put.done().copies()).isEqualTo(1);
    assertThat(length(on, q)).isEqualTo(1);
    assertThat(on.lease(q, 9)).containsExactly("4");
  }

  // ---- memory of transient queues ----

  @Test
  void memory_dropOldestDropsItsOwn_rejectIsRefused() throws Exception {
    Queues on = Queues.withMemory(200_000);
    Queue rejecting = on.queue("r", false, Mode.WORK, bounds(1000, Overflow.REJECT));
    Queue dropping = on.queue("d", false, Mode.WORK, Bounds.NONE);
    int taken = 0;
    Reply<Enqueue.Enqueued> reply;
    do {
      reply = on.settled(enqueuing(rejecting, TEN_KB));
      taken++;
      assertThat(taken).isLessThan(100);
    } while (reply.outcome().orElseThrow() instanceof dev.tidings.core.runtime.Outcome.Done<?>);
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(reply.refusal().detail()).contains("memory.transient-queues-size");
    assertThat(on.bytes()).isLessThanOrEqualTo(200_000);
    long held = length(on, rejecting);
    // The other still takes what comes, and pays for it by itself.
    for (int i = 0; i < 50; i++) {
      assertThat(on.put(dropping, TEN_KB).copies()).isEqualTo(1);
      assertThat(on.bytes()).isLessThanOrEqualTo(220_000);
      assertThat(length(on, dropping)).isPositive();
    }
    assertThat(length(on, rejecting)).isEqualTo(held);
    assertThat(on.counts(dropping).totals().lost()).isPositive();
    assertThat(on.settled(enqueuing(rejecting, "1")).refusal().code())
        .isEqualTo(Refusal.Code.OVERLOADED);
    on.ack(rejecting, on.take(rejecting, 10));
    assertThat(on.put(rejecting, "1").copies()).isEqualTo(1);
    // Durable queues have nothing to do with it.
    Queue durable = on.queue("x", true);
    assertThat(on.put(durable, TEN_KB).copies()).isEqualTo(1);
  }

  @Test
  void memory_queueThatDrops_holdsAsMuchAsThereIs() throws Exception {
    Queues on = Queues.withMemory(200_000);
    Queue q = on.queue("q", false, Mode.BROADCAST, Bounds.NONE);
    for (int i = 0; i < 200; i++) {
      assertThat(on.put(q, TEN_KB).copies()).isEqualTo(1);
      assertThat(on.bytes()).isLessThanOrEqualTo(220_000);
    }
    assertThat(length(on, q)).isBetween(14L, 20L);
    // Broadcast queues are trimmed to their share of half of it, whether somebody acks or not.
    assertThat(on.sweep(NO_BACKLOG)).isZero();
    assertThat(on.bytes()).isBetween(90_000L, 120_000L);
    on.delete(q);
    assertThat(on.bytes()).isZero();
  }

  @Test
  void memory_comesBack_whateverBecomesOfMessages() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", false);
    on.put(q, 1, 20);
    assertThat(on.bytes()).isPositive();
    List<Delivered> taken = on.take(q, 20);
    // Out of order, so that the oldest holds the others back for a while.
    on.ack(q, taken.subList(1, 20));
    assertThat(on.firstRetained(q)).isEqualTo(1);
    on.ack(q, taken.subList(0, 1));
    assertThat(on.bytes()).isZero();
    assertThat(on.firstRetained(q)).isEqualTo(21);
    on.put(q, 21, 25);
    on.kill(q);
    assertThat(on.dead(q)).containsExactly("21", "22", "23", "24", "25");
    // Only the copies of the dead letters are left.
    assertThat(on.firstRetained(q)).isEqualTo(26);
    assertThat(on.bytes()).isPositive();
    on.reprocess(q);
    assertThat(on.lease(q, 2)).containsExactly("21", "22");
    on.ack(q, on.take(q, 3));
    assertThat(on.bytes()).isPositive();
    assertThat(on.purge(q)).isEqualTo(2);
    assertThat(on.bytes()).isZero();
    on.put(q, 31, 33);
    on.kill(q);
    on.purgeDead(q);
    assertThat(on.bytes()).isZero();
    on.put(q, 41, 43);
    on.kill(q);
    on.put(q, 44, 45);
    on.delete(q);
    assertThat(on.bytes()).isZero();
  }

  @Test
  void thousandsOfAcks_leaveNothingInMemory() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", false);
    int number = on.subscription(q).number();
    for (int i = 0; i < 1500; i++) {
      var _ = on.put(q, "1");
      on.ack(q, on.take(q, 1));
    }
    assertThat(on.bytes()).isZero();
    assertThat(on.node.node().store().loadDeliveries(number)).isEmpty();
    assertThat(on.counts(q).totals().acked()).isEqualTo(1500);
  }

  // ---- purging and deleting ----

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void purge_takesEverythingNotAcked_andLeavesDeadLetters(boolean durable) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", durable);
    assertThat(on.purge(q)).isZero();
    on.put(q, 1, 2);
    on.kill(q);
    on.put(q, 3, 9);
    List<Delivered> taken = on.take(q, 4);
    on.ack(q, taken.subList(1, 2));
    assertThat(on.purge(q)).isEqualTo(6);
    assertThat(length(on, q)).isZero();
    assertThat(on.dead(q)).containsExactly("1", "2");
    assertThat(on.ack(q, taken)).isZero();
    assertThat(on.lease(q, 9)).isEmpty();
    assertThat(on.counts(q).totals().lost()).isZero();
    assertThat(on.counts(q).totals().expired()).isZero();
    // Dead letters that were made available again are not dead letters.
    on.reprocess(q);
    on.put(q, 10, 10);
    assertThat(on.purge(q)).isEqualTo(3);
    assertThat(length(on, q)).isZero();
    assertThat(on.dead(q)).isEmpty();
    assertThat(on.bytes()).isZero();
    on.put(q, 11, 11);
    if (durable) {
      on.restart();
    }
    assertThat(on.lease(q, 9)).containsExactly("11");
    assertThat(on.counts(q).dead()).isZero();
  }

  @Test
  void purge_thatFails_leavesTheQueueAsItWas() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", true);
    on.put(q, 1, 3);
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    Reply<Long> purged = on.ask(new PurgeQueue(q));
    on.heal();
    assertThat(purged.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.lease(q, 9)).containsExactly("1", "2", "3");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void delete_whilePublishingAndWaiting_leavesNothing(boolean durable) throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    Queue q = on.queue("q", durable);
    Binding binding = on.bind(q, x, "");
    Subscription s = on.subscription(q);
    int[] woken = {0};
    var empty =
        on.done(
            new LeaseMessages(
                s,
                1,
                OptionalLong.empty(),
                Optional.of(() -> {
                  woken[0]++;
                  return true;
                })));
    assertThat(empty.messages()).isEmpty();
    var before = on.publish(x, "", "1");
    Reply<Queue> deleted = on.ask(new DeleteQueue(q));
    var after = on.publish(x, "", "2");
    on.node.settle();
    assertThat(before.done().copies() + after.done().copies()).isLessThanOrEqualTo(1);
    assertThat(deleted.done()).isEqualTo(q);
    assertThat(woken[0]).isPositive();
    assertThat(on.publish(x, "", "3").done()).isEqualTo(ExchangePublisher.Routed.NOWHERE);
    var directory = on.node.node().directory();
    assertThat(directory.topics()).isEmpty();
    assertThat(directory.subscriptions()).isEmpty();
    assertThat(directory.bindings()).isEmpty();
    assertThat(directory.queues()).isEmpty();
    assertThat(on.settled(Queues.leasing(s, 1)).refusal().code())
        .isEqualTo(Refusal.Code.SUBSCRIPTION_MISSING);
    assertThat(on.settled(new PurgeQueue(q)).refusal().code())
        .isEqualTo(Refusal.Code.QUEUE_MISSING);
    assertThat(on.put(q, "4")).isEqualTo(new Enqueue.Enqueued(0, 0, List.of()));
    assertThat(on.bytes()).isZero();
    // The next of the name is another.
    Queue next = on.queue("q", durable);
    assertThat(next.incarnation()).isGreaterThan(q.incarnation());
    assertThat(on.lease(next, 9)).isEmpty();
    assertThat(on.put(q, "5").copies()).isZero();
    assertThat(binding.incarnation()).isEqualTo(q.incarnation());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void deletion_thatFails_bringsTheQueueBack(boolean durable) throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.DIRECT);
    Queue q = on.queue("q", durable);
    on.bind(q, x, "k");
    on.put(q, 1, 3);
    List<Delivered> taken = on.take(q, 1);
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    Reply<Queue> deleted = on.ask(new DeleteQueue(q));
    Reply<Queue> created = on.ask(Queues.creating("q", !durable, Mode.WORK, Bounds.NONE));
    on.heal();
    assertThat(deleted.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(created.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.node.node().directory().queue("q")).contains(q);
    assertThat(on.publish(x, "k", "4")).isNotNull();
    on.node.settle();
    assertThat(on.ack(q, taken)).isEqualTo(1);
    assertThat(on.lease(q, 9)).containsExactly("2", "3", "4");
    assertThat(on.settled(Queues.creating("q", durable, Mode.WORK, Bounds.NONE)).refusal().code())
        .isEqualTo(Refusal.Code.QUEUE_EXISTS);
  }

  @Test
  void creationThatFails_leavesNothing_andTheNameFree() throws Exception {
    Queues on = Queues.create();
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    Reply<Queue> failed = on.ask(Queues.creating("q", false, Mode.WORK, Bounds.NONE));
    on.heal();
    assertThat(failed.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.node.node().directory().queues()).isEmpty();
    Queue q = on.queue("q", false);
    on.put(q, 1, 1);
    assertThat(on.lease(q, 1)).containsExactly("1");
  }

  // ---- names ----

  @Test
  void queuesAndSubscriptions_shareTheirNames() throws Exception {
    Queues on = Queues.create();
    var topic = on.node.createTopic("t");
    CreateSubscription subscribing =
        new CreateSubscription(
            "s",
            "t",
            topic.incarnation(),
            CrankedNode.OWNER,
            Optional.empty(),
            Queues.POLICY,
            new From.Now());
    var _ = on.done(subscribing);
    assertThat(on.settled(Queues.creating("s", true, Mode.WORK, Bounds.NONE)).refusal().code())
        .isEqualTo(Refusal.Code.QUEUE_EXISTS);
    // Also both at once.
    Reply<Queue> one = on.ask(Queues.creating("q", true, Mode.WORK, Bounds.NONE));
    Reply<Queue> other = on.ask(Queues.creating("q", false, Mode.WORK, Bounds.NONE));
    on.node.settle();
    assertThat(one.done().durable()).isTrue();
    assertThat(other.refusal().code()).isEqualTo(Refusal.Code.QUEUE_EXISTS);
    assertThat(on.node.node().directory().topicCount()).isEqualTo(1);
  }

  @Test
  void topicOfAnOlderServer_isNotTakenForThatOfAQueue() throws Exception {
    Queues on = Queues.create();
    var topic = on.node.createTopic("$queue/q");
    var _ = on.node.publish("$queue/q", "1");
    on.node.settle();
    assertThat(on.settled(Queues.creating("q", true, Mode.WORK, Bounds.NONE)).refusal().code())
        .isEqualTo(Refusal.Code.QUEUE_EXISTS);
    assertThat(on.node.node().directory().topic("$queue/q")).contains(topic);
  }

  @Test
  void queuesDoNotCountAsTopics() throws Exception {
    Queues on = Queues.create();
    for (int i = 0; i < 99; i++) {
      var _ = on.queue("q" + i, true);
    }
    for (int i = 0; i < 50; i++) {
      var _ = on.node.createTopic("t" + i);
    }
    assertThat(on.node.node().directory().topicCount()).isEqualTo(50);
    var _ = on.queue("q99", true);
    assertThat(on.settled(Queues.creating("q100", true, Mode.WORK, Bounds.NONE)).refusal().code())
        .isEqualTo(Refusal.Code.LIMIT_REACHED);
  }

  // ---- publishing ----

  @Test
  void publish_putsOneCopyIntoEachQueue_ofBothKinds() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    List<Queue> queues = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Queue q = on.queue("q" + i, i % 2 == 0);
      on.bind(q, x, "");
      on.bind(q, x, "again");
      queues.add(q);
    }
    var routed = on.publish(x, "whatever", "{\"n\":12345678901234567890}");
    on.node.settle();
    assertThat(routed.done()).isEqualTo(new ExchangePublisher.Routed(20, 0, List.of()));
    for (Queue q : queues) {
      assertThat(on.lease(q, 9)).containsExactly("{\"n\":12345678901234567890}");
    }
  }

  @Test
  void publish_namesTheFullOnes_andTheOthersGetIt() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    for (String name : List.of("c", "a", "b")) {
      Queue q = on.queue(name, name.equals("b"), Mode.WORK, bounds(1, Overflow.REJECT));
      on.bind(q, x, "");
      if (!name.equals("c")) {
        on.put(q, 0, 0);
      }
    }
    var routed = on.publish(x, "", "1");
    on.node.settle();
    assertThat(routed.done()).isEqualTo(new ExchangePublisher.Routed(1, 0, List.of("a", "b")));
  }

  @Test
  void publish_ofManyMessages_keepsTheirOrderInEveryQueue() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.TOPIC);
    List<Queue> queues = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Queue q = on.queue("q" + i, i % 2 == 0);
      on.bind(q, x, i < 3 ? "#" : "a.#");
      queues.add(q);
    }
    List<String> all = new ArrayList<>();
    List<RecordingReader> readers = new ArrayList<>();
    for (Queue q : queues) {
      readers.add(on.node.open(1, q.topic(), new Start.Last()));
    }
    on.node.settle();
    for (int i = 0; i < 50; i++) {
      all.add("" + i);
      var _ = on.publish(x, "a.b", "" + i);
    }
    on.node.settle();
    for (int i = 0; i < queues.size(); i++) {
      assertThat(on.lease(queues.get(i), 100)).isEqualTo(all);
      // Subscribers of a broadcast queue read so.
      assertThat(readers.get(i).sequences()).hasSize(50).isSorted();
      assertThat(readers.get(i).gapsBefore()).isEmpty();
    }
  }

  @Test
  void exchangeThatIsGone_routesNowhere_andItsBindingsAreSwept() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    Queue q = on.queue("q", true);
    on.bind(q, x, "");
    Exchange other = on.exchange("y", Exchange.Type.FANOUT);
    on.bind(q, other, "");
    var _ = on.done(new dev.tidings.core.command.DeleteExchange(x));
    assertThat(on.publish(x, "", "1").done()).isEqualTo(ExchangePublisher.Routed.NOWHERE);
    Exchange again = on.exchange("x", Exchange.Type.FANOUT);
    assertThat(on.publish(again, "", "2").done()).isEqualTo(ExchangePublisher.Routed.NOWHERE);
    assertThat(on.node.node().directory().bindings()).hasSize(2);
    sweepBindings(on);
    assertThat(on.node.node().directory().bindings().values())
        .singleElement()
        .matches(it -> it.exchange().equals("y"));
  }

  private static void sweepBindings(Queues on) {
    new BindingSweep(
            on.node.node().directory(),
            (command, answered) -> {
              var _ = on.ask(command);
              answered.run();
            })
        .sweep(100);
    on.node.settle();
  }

  // ---- the store fails ----

  @Test
  void storeDown_transientQueuesGoOn_durableOnesRefuse() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.DIRECT);
    Queue kept = on.queue("kept", true);
    Queue q = on.queue("q", false);
    on.bind(kept, x, "both");
    on.bind(q, x, "both");
    on.bind(q, x, "q");
    on.put(kept, 1, 1);
    on.put(q, 1, 3);
    List<Delivered> leasedBefore = on.take(q, 1);
    on.fail(kept);
    assertThat(on.settled(enqueuing(kept, "2")).refusal().code().fault())
        .isEqualTo(Refusal.Fault.SERVER);
    var routed = on.publish(x, "q", "4");
    on.node.settle();
    assertThat(routed.done().copies()).isEqualTo(1);
    var both = on.publish(x, "both", "5");
    on.node.settle();
    assertThat(both.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.ack(q, leasedBefore)).isEqualTo(1);
    List<Delivered> taken = on.take(q, 9);
    assertThat(Queues.payloads(taken)).containsExactly("2", "3", "4", "5");
    on.ack(q, taken.subList(2, 4));
    on.kill(q);
    on.nack(q, taken.subList(0, 2));
    on.kill(q);
    assertThat(on.dead(q)).containsExactly("2", "3");
    on.reprocess(q);
    assertThat(on.purge(q)).isEqualTo(2);
    // A cursor can be opened, and somebody who waits is called.
    on.put(q, 6, 7);
    RecordingReader reader = on.node.open(1, q.topic(), new Start.Earliest());
    on.node.settle();
    assertThat(reader.sequences()).hasSize(2);
    // What changes an entry has to be stored.
    DeliveryPolicy policy = new DeliveryPolicy(7, 1, 1, OptionalLong.empty());
    assertThat(on.settled(new ChangeSubscription(on.subscription(q), policy)).refusal().code())
        .isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.settled(new DeleteQueue(q)).refusal().code())
        .isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    on.heal();
    assertThat(on.lease(q, 9)).containsExactly("6", "7");
    on.put(kept, 8, 8);
    assertThat(on.lease(kept, 9)).containsExactly("1", "8");
    assertThat(on.done(new ChangeSubscription(on.subscription(q), policy)).policy())
        .isEqualTo(policy);
  }

  @Test
  void storeDown_leasesOfTransientQueuesEndByThemselves() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", false);
    on.put(q, 1, 1);
    on.fail(on.queue("kept", true));
    on.put(q, 2, 2);
    int[] woken = {0};
    assertThat(on.take(q, 9)).hasSize(2);
    var empty =
        on.done(
            new LeaseMessages(
                on.subscription(q),
                1,
                OptionalLong.empty(),
                Optional.of(() -> {
                  woken[0]++;
                  return true;
                })));
    assertThat(empty.messages()).isEmpty();
    on.pass(60_001);
    assertThat(woken[0]).isEqualTo(1);
    assertThat(on.take(q, 9)).hasSize(2);
    on.pass(60_001);
    // Each had two attempts.
    assertThat(on.dead(q)).containsExactly("1", "2");
    assertThat(on.counts(q).available()).isZero();
  }

  @Test
  void revert_inTheMiddle_leavesTransientDeliveriesUntouched() throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", false);
    Queue kept = on.queue("kept", true);
    on.put(q, 1, 4);
    on.put(kept, 1, 2);
    List<Delivered> taken = on.take(q, 2);
    List<Delivered> takenOfKept = on.take(kept, 2);
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    Reply<Long> ofKept = on.ask(new AckMessages(on.subscription(kept), Queues.any(takenOfKept)));
    Reply<Long> acked =
        on.ask(new AckMessages(on.subscription(q), Queues.any(taken.subList(0, 1))));
    on.node.settleExecutors();
    // What is in memory waits for no commit.
    assertThat(acked.done()).isEqualTo(1);
    assertThat(ofKept.isAnswered()).isFalse();
    on.node.settle();
    on.heal();
    assertThat(ofKept.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(length(on, q)).isEqualTo(3);
    assertThat(on.counts(q).delivered()).isEqualTo(1);
    assertThat(on.counts(q).totals().acked()).isEqualTo(1);
    assertThat(on.lease(q, 9)).containsExactly("3", "4");
    assertThat(on.ack(q, taken)).isEqualTo(1);
    assertThat(on.ack(kept, takenOfKept)).isEqualTo(2);
  }

  @Test
  void restart_transientQueuesAreEmptyWithHigherIds_durableOnesHaveEverything() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    Queue q = on.queue("q", false, Mode.WORK, bounds(5, Overflow.REJECT));
    Queue kept = on.queue("kept", true, Mode.WORK, bounds(5, Overflow.REJECT));
    on.bind(q, x, "");
    on.bind(kept, x, "");
    long last = 0;
    for (int run = 0; run < 4; run++) {
      var routed = on.publish(x, "", "" + run);
      on.node.settle();
      assertThat(routed.done().copies()).isEqualTo(2);
      List<Delivered> taken = on.take(q, 9);
      assertThat(Queues.payloads(taken)).containsExactly("" + run);
      assertThat(taken.getFirst().attempts()).isEqualTo(1);
      assertThat(taken.getFirst().message().sequence()).isGreaterThan(last);
      last = taken.getFirst().message().sequence();
      on.kill(q);
      on.restart();
      assertThat(on.bytes()).isZero();
      assertThat(length(on, q)).isZero();
      assertThat(on.counts(q).totals().lost()).isZero();
      assertThat(on.dead(q)).isEmpty();
      assertThat(on.node.node().directory().queue("q")).contains(q);
      assertThat(length(on, kept)).isEqualTo(run + 1);
    }
    assertThat(on.lease(kept, 9)).containsExactly("0", "1", "2", "3");
    on.put(q, 1, 5);
    assertThat(on.put(q, "6").full()).containsExactly("q");
    on.delete(q);
    on.restart();
    assertThat(on.node.node().directory().queues()).containsOnlyKeys("kept");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void waitersAreCalled_oneForAMessage_inTheirOrder(boolean durable) throws Exception {
    Queues on = Queues.create();
    Queue q = on.queue("q", durable);
    List<Integer> woken = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int number = i;
      var _ =
          on.done(
              new LeaseMessages(
                  on.subscription(q),
                  1,
                  OptionalLong.empty(),
                  Optional.of(() -> woken.add(number))));
    }
    on.put(q, 1, 1);
    assertThat(woken).containsExactly(0);
    assertThat(on.lease(q, 1)).containsExactly("1");
    on.put(q, 2, 3);
    assertThat(woken.subList(0, 2)).containsExactly(0, 1);
    assertThat(on.lease(q, 1)).containsExactly("2");
    assertThat(woken).containsExactly(0, 1, 2);
  }

  // ---- damage ----

  @ParameterizedTest
  @CsvSource({"SUBSCRIPTION,q", "QUEUE,q", "TOPIC,$queue/q"})
  void damagedQueue_isRefused_andNothingOfItGoes(Entry.Kind kind, String key) throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    Queue q = on.queue("q", true);
    Queue other = on.queue("other", true);
    on.bind(q, x, "");
    on.bind(other, x, "");
    on.put(q, 1, 3);
    Queues after = Queues.on(new Damaged(new MemoryStore(on.memory), kind, key), on.memory);
    var routed = after.publish(x, "", "4");
    after.node.settle();
    assertThat(routed.refusal().code()).isEqualTo(Refusal.Code.DAMAGED);
    assertThat(after.lease(other, 9)).containsExactly("4");
    assertThat(after.settled(Queues.creating("q", true, Mode.WORK, Bounds.NONE)).refusal().code())
        .isEqualTo(Refusal.Code.DAMAGED);
    if (kind != Entry.Kind.QUEUE) {
      assertThat(after.settled(new PurgeQueue(q)).refusal().code()).isEqualTo(Refusal.Code.DAMAGED);
    }
    assertThat(after.sweep(NO_BACKLOG)).isZero();
    assertThat(after.sweep(new Retention.Limits(0, 1, 0))).isZero();
    assertThat(after.firstRetained(q)).isEqualTo(1);
  }

  @Test
  void damagedExchange_keepsItsBindings() throws Exception {
    Queues on = Queues.create();
    Exchange x = on.exchange("x", Exchange.Type.FANOUT);
    on.bind(on.queue("q", true), x, "");
    Queues after =
        Queues.on(new Damaged(new MemoryStore(on.memory), Entry.Kind.EXCHANGE, "x"), on.memory);
    assertThat(after.node.node().directory().exchanges()).isEmpty();
    sweepBindings(after);
    assertThat(after.node.node().directory().bindings()).hasSize(1);
  }
}
