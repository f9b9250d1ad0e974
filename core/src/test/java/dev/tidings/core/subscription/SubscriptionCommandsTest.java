// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import static dev.tidings.core.subscription.Subscribers.any;
import static dev.tidings.core.subscription.Subscribers.payloads;
import static dev.tidings.core.subscription.Subscribers.under;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.ChangeSubscription;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.DeleteSubscription;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.ListDeadLetters;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.PurgeDeadLetters;
import dev.tidings.core.command.ReprocessDeadLetters;
import dev.tidings.core.command.StopWaiting;
import dev.tidings.core.command.TendSubscriptions;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The rules of subscriptions, one by one.
class SubscriptionCommandsTest {

  private static Subscribers on(boolean cold) throws Exception {
    return cold ? Subscribers.cold() : Subscribers.hot();
  }

  private static Counts counts(long available, long delivered, long acked, long dead) {
    return new Counts(available, delivered, new Totals(acked, 0, 0), dead);
  }

  // ---- leasing ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void freshMessages_comeOnce_inLogOrder(boolean cold) throws Exception {
    Subscribers on = on(cold);
    Subscription s = on.subscribe("s");
    Subscription other = on.subscribe("other");
    on.publish(1, 10);
    assertThat(on.leaseCounting(s, 3)).containsExactly("1/1", "2/1", "3/1");
    assertThat(on.lease(s, 5)).containsExactly("4", "5", "6", "7", "8");
    assertThat(on.counts(s)).isEqualTo(counts(2, 8, 0, 0));
    assertThat(on.lease(s, 100)).containsExactly("9", "10");
    assertThat(on.lease(s, 100)).isEmpty();
    assertThat(on.lease(other, 1)).containsExactly("1");
    assertThat(on.counts(other)).isEqualTo(counts(9, 1, 0, 0));
  }

  @Test
  void subscriptionThatBeginsNow_countsOnlyWhatIsPublishedFromThenOn() throws Exception {
    // What lay before its start was counted as available, until it had caught up.
    Subscribers on = Subscribers.hot();
    on.publish(1, 10);
    Subscription s = on.subscribe("s");
    assertThat(on.counts(s)).isEqualTo(counts(0, 0, 0, 0));
    on.publish(11, 13);
    assertThat(on.counts(s)).isEqualTo(counts(3, 0, 0, 0));
    on.restart();
    assertThat(on.counts(s)).isEqualTo(counts(3, 0, 0, 0));
    assertThat(on.lease(s, 2)).containsExactly("11", "12");
    assertThat(on.counts(s)).isEqualTo(counts(1, 2, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void start_isNow_earliest_orAtASequence(boolean cold) throws Exception {
    Subscribers on = on(cold);
    on.publish(1, 6);
    on.trim(3, 3);
    Subscription earliest =
        on.done(on.subscribing("e", Optional.empty(), Subscribers.POLICY, new From.Earliest()));
    Subscription at =
        on.done(on.subscribing("a", Optional.empty(), Subscribers.POLICY, new From.At(5)));
    Subscription tooLow =
        on.done(on.subscribing("l", Optional.empty(), Subscribers.POLICY, new From.At(1)));
    Subscription tooHigh =
        on.done(on.subscribing("h", Optional.empty(), Subscribers.POLICY, new From.At(1 << 30)));
    on.publish(7, 7);
    assertThat(on.counts(earliest).available()).isEqualTo(5);
    assertThat(on.counts(at).available()).isEqualTo(3);
    assertThat(on.lease(earliest, 9)).containsExactly("3", "4", "5", "6", "7");
    assertThat(on.lease(at, 9)).containsExactly("5", "6", "7");
    assertThat(on.lease(tooLow, 9)).hasSize(5);
    assertThat(on.lease(tooHigh, 9)).containsExactly("7");
  }

  @Test
  void outstandingBound_isKeptExactly_andWhatWaitsComesAllTheSame() throws Exception {
    Subscribers on = Subscribers.bounded(5, 100);
    Subscription s = on.subscribe("s");
    on.publish(1, 20);
    assertThat(on.lease(s, 3)).hasSize(3);
    // It leased 10 more once, since it looked at the bound only before.
    assertThat(on.lease(s, 10)).containsExactly("4", "5");
    assertThat(on.lease(s, 10)).isEmpty();
    on.nack(s, any(2, 4), 0);
    assertThat(on.lease(s, 10)).containsExactly("2", "4");
    on.ack(s, any(1));
    assertThat(on.lease(s, 10)).containsExactly("6");
  }

  @Test
  void leaseEndsByItself_countedFromItsAnswer_andCountsAsAnAttempt() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 2);
    Reply<LeaseMessages.Leased> reply =
        on.node.submit(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.empty()));
    on.node.settleExecutors();
    // Not durable for long.
    on.time.advance(java.time.Duration.ofSeconds(50));
    on.node.settle();
    assertThat(payloads(reply.done().messages())).containsExactly("1");
    on.pass(59);
    assertThat(on.leaseCounting(s, 9)).containsExactly("2/1");
    assertThat(on.counts(s)).isEqualTo(counts(0, 2, 0, 0));
    on.pass(1);
    assertThat(on.counts(s)).isEqualTo(counts(1, 1, 0, 0));
    assertThat(on.leaseCounting(s, 9)).containsExactly("1/2");
    on.pass(60);
    assertThat(on.leaseCounting(s, 9)).containsExactly("2/2", "1/3");
  }

  @Test
  void deadline_isTheLeases_orTheSubscriptions_orTheServers() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(9, 0, 0, OptionalLong.of(10_000)));
    on.publish(1, 2);
    assertThat(on.lease(s, 1)).containsExactly("1");
    on.done(new LeaseMessages(s, 1, OptionalLong.of(2_000), Optional.empty()));
    on.pass(2);
    assertThat(on.counts(s).available()).isEqualTo(1);
    on.pass(7);
    assertThat(on.counts(s).available()).isEqualTo(1);
    on.pass(1);
    assertThat(on.counts(s).available()).isEqualTo(2);
  }

  @Test
  void waitsAndLeases_goOnAfterARestart_forNoLongerThanTheyWereGiven() throws Exception {
    for (long jump : new long[] {0, 3600, -3600}) {
      Subscribers on = Subscribers.hot();
      Subscription s = on.subscribe("s");
      on.publish(1, 3);
      on.take(s, 2);
      on.nack(s, any(2));
      on.time.advance(java.time.Duration.ofSeconds(2));
      on.restart(java.time.Duration.ofSeconds(jump));
      List<String> early = jump > 0 ? List.of("1/2", "2/2", "3/1") : List.of("3/1");
      assertThat(on.leaseAll(s)).isEqualTo(early);
      if (jump <= 0) {
        on.pass(jump == 0 ? 3 : 5);
        assertThat(on.leaseCounting(s, 9)).containsExactly("2/2");
        on.pass(jump == 0 ? 55 : 60);
        assertThat(on.leaseCounting(s, 9)).contains("1/2");
      }
    }
  }

  // ---- acks ----

  @Test
  void ack_countsForAnyLiveMessage_andForNoOther() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(1, 0, 0, OptionalLong.empty()));
    on.publish(1, 6);
    on.take(s, 3);
    assertThat(on.ack(s, any(1, 1, 7, 99, 0, -5))).isEqualTo(1);
    // Its lease has ended; and one that was never leased.
    on.nack(s, any(3));
    on.pass(60);
    assertThat(on.dead(s)).containsExactly("2/1", "3/1");
    assertThat(on.ack(s, any(1, 2, 3))).isZero();
    assertThat(on.ack(s, any(5))).isEqualTo(1);
    assertThat(on.ack(s, any(5))).isZero();
    assertThat(on.counts(s)).isEqualTo(counts(2, 0, 2, 2));
    on.restart();
    assertThat(on.counts(s)).isEqualTo(counts(2, 0, 2, 2));
    assertThat(on.lease(s, 9)).containsExactly("4", "6");
  }

  @Test
  void ackOfAMessageWhoseLeaseHasEnded_orThatWaits_settlesIt() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 2);
    on.take(s, 2);
    on.nack(s, any(2));
    on.pass(61);
    assertThat(on.ack(s, any(1, 2))).isEqualTo(2);
    on.pass(600);
    assertThat(on.lease(s, 9)).isEmpty();
    assertThat(on.counts(s)).isEqualTo(counts(0, 0, 2, 0));
  }

  @Test
  void strictLease_passesOverWhatIsNotLeasedUnderIt() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 4);
    long first = on.take(s, 2).lease();
    long second = on.take(s, 1).lease();
    assertThat(first).isNotEqualTo(second);
    assertThat(on.ack(s, under(second, 1, 2, 4))).isZero();
    assertThat(on.ack(s, under(first, 1, 3, 4))).isEqualTo(1);
    on.nack(s, under(second, 2), 0);
    on.release(s, under(second, 2));
    assertThat(on.counts(s)).isEqualTo(counts(1, 2, 1, 0));
    on.pass(60);
    assertThat(on.ack(s, under(first, 2))).isZero();
    long again = on.take(s, 1).lease();
    assertThat(on.ack(s, under(first, 2))).isZero();
    assertThat(on.ack(s, under(again, 2))).isEqualTo(1);
  }

  // ---- failing ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void nack_waitsByTheBackoff_andTheLastGoesToTheDeadLetters(boolean cold) throws Exception {
    Subscribers on = on(cold);
    Subscription s = on.subscribe("s");
    on.publish(1, 2);
    assertThat(on.leaseCounting(s, 1)).containsExactly("1/1");
    int attempt = 1;
    for (int wait : new int[] {5, 10, 20, 40}) {
      on.nack(s, any(1));
      on.nack(s, any(1));
      on.pass(wait - 1);
      assertThat(on.counts(s)).isEqualTo(counts(2, 0, 0, 0));
      on.pass(1);
      assertThat(on.leaseCounting(s, 1)).containsExactly("1/" + ++attempt);
    }
    on.nack(s, any(1));
    assertThat(on.counts(s)).isEqualTo(counts(1, 0, 0, 1));
    assertThat(on.dead(s)).containsExactly("1/5");
  }

  @Test
  void backoff_isCutAtItsMax_alsoBelowItsMin_andDoesNotOverflow() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(9, 10_000, 4_000, OptionalLong.empty()));
    DeliveryPolicy forever =
        new DeliveryPolicy(9, Long.MAX_VALUE, Long.MAX_VALUE, OptionalLong.empty());
    Subscription endless = on.subscribe("endless", forever);
    on.publish("1");
    on.take(s, 1);
    on.take(endless, 1);
    on.nack(s, any(1));
    on.nack(endless, any(1));
    on.pass(3);
    assertThat(on.lease(s, 1)).isEmpty();
    on.pass(1);
    assertThat(on.lease(s, 1)).containsExactly("1");
    // The wait in nanoseconds overflowed, and was over at once.
    assertThat(on.lease(endless, 1)).isEmpty();
    on.restart();
    assertThat(on.lease(endless, 1)).isEmpty();
  }

  @Test
  void delay_standsInForTheBackoff_andWhatWaitedComesFirst() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 5);
    on.take(s, 3);
    on.nack(s, any(2), 1000);
    on.nack(s, any(3), 500);
    on.nack(s, any(1), 0);
    on.pass(1);
    assertThat(on.leaseCounting(s, 9)).containsExactly("1/2", "3/2", "2/2", "4/1", "5/1");
  }

  @Test
  void release_countsNoAttempt_andKeepsTheOrder() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(2, 0, 0, OptionalLong.empty()));
    on.publish(1, 5);
    on.take(s, 4);
    on.release(s, any(3));
    on.release(s, any(1, 2));
    assertThat(on.leaseCounting(s, 2)).containsExactly("1/1", "2/1");
    on.restart();
    assertThat(on.leaseAll(s)).containsExactly("3/1", "5/1");
    on.nack(s, any(5));
    assertThat(on.leaseCounting(s, 9)).containsExactly("5/2");
    on.release(s, any(5));
    assertThat(on.leaseCounting(s, 9)).containsExactly("5/2");
    // Not leased: nothing.
    on.ack(s, any(4));
    on.release(s, any(4, 99));
    assertThat(on.counts(s)).isEqualTo(counts(0, 4, 1, 0));
  }

  @Test
  void extend_countsFromItsAnswer_andLetsTheLeaseKeepItsNumber() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 3);
    long lease = on.take(s, 3).lease();
    on.pass(50);
    on.extend(s, under(lease, 1), 30_000);
    on.extend(s, any(2), 1_000);
    on.extend(s, under(lease + 100, 3), 900_000);
    on.pass(1);
    assertThat(on.leaseCounting(s, 9)).containsExactly("2/2");
    on.restart();
    on.pass(9);
    assertThat(on.leaseCounting(s, 9)).containsExactly("3/2");
    on.pass(19);
    assertThat(on.lease(s, 9)).isEmpty();
    assertThat(on.ack(s, under(lease, 1, 2, 3))).isEqualTo(1);
  }

  @Test
  void lastAttemptThatEndsByItself_isADeadLetter_alsoAfterARestartBeforeThat() throws Exception {
    // After a change that tells the whole state it was delivered once more than allowed.
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(1, 0, 0, OptionalLong.empty()));
    on.publish(1, 2);
    on.take(s, 1);
    // Whole after a thousand changes.
    for (int i = 0; i < 998; i++) {
      on.node.submit(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.empty()));
      on.node.submit(new dev.tidings.core.command.ReleaseMessages(s, any(2)));
      if (i % 100 == 0) {
        on.node.settle();
      }
    }
    on.node.settle();
    on.time.advance(java.time.Duration.ofSeconds(60));
    // It dies by nobody's doing until it is tended; the state is told meanwhile.
    boolean told = false;
    for (int i = 0; i < 1200 && !told; i++) {
      on.take(s, 1);
      told =
          !new MemoryStore(on.memory).loadDeliveries(s.number()).isEmpty()
              && new MemoryStore(on.memory).loadDeliveries(s.number()).getLast().whole();
      if (!told) {
        on.release(s, any(2));
        told = new MemoryStore(on.memory).loadDeliveries(s.number()).getLast().whole();
      }
    }
    assertThat(told).isTrue();
    on.restart();
    assertThat(on.lease(s, 9)).doesNotContain("1");
    on.tend();
    assertThat(on.dead(s)).contains("1/1");
  }

  // ---- ttl ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void expiredMessages_areNotDelivered_butCounted(boolean cold) throws Exception {
    Subscribers on = on(cold);
    Subscription s = on.subscribe("s", new DeliveryPolicy(2, 0, 0, OptionalLong.empty()));
    on.publishFor(10_000, "\"retried\"");
    on.publishFor(10_000, "\"dying\"");
    on.publishFor(10_000, "\"leased\"");
    on.publishFor(10_000, "\"fresh\"");
    on.publishFor(10_001, "\"last\"");
    on.take(s, 2);
    on.nack(s, any(1, 2), 0);
    on.take(s, 1);
    on.release(s, any(1));
    on.done(new LeaseMessages(s, 1, OptionalLong.of(5_000), Optional.empty()));
    on.release(s, any(1));
    on.done(new LeaseMessages(s, 1, OptionalLong.of(30_000), Optional.empty()));
    assertThat(on.lease(s, 2)).contains("\"leased\"");
    on.time.advance(java.time.Duration.ofSeconds(10));
    assertThat(on.ack(s, any(3))).isEqualTo(1);
    on.time.advance(java.time.Duration.ofSeconds(60));
    on.tend();
    assertThat(on.lease(s, 9)).isEmpty();
    assertThat(on.dead(s)).isEmpty();
    assertThat(on.counts(s)).isEqualTo(new Counts(0, 0, new Totals(1, 4, 0), 0));
  }

  // ---- dead letters ----

  private static Subscription withDeadLetters(Subscribers on, int count) {
    Subscription s = on.subscribe("s", new DeliveryPolicy(1, 0, 0, OptionalLong.empty()));
    on.publish(1, count);
    on.take(s, count);
    // Not in their order.
    for (int i = count; i >= 1; i--) {
      on.nack(s, any(i));
    }
    return s;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void deadLetters_areShownInTheOrderOfPublishing(boolean cold) throws Exception {
    Subscribers on = on(cold);
    Subscription s = withDeadLetters(on, 6);
    assertThat(on.dead(s)).containsExactly("1/1", "2/1", "3/1", "4/1", "5/1", "6/1");
    assertThat(on.dead(s, 2, 3)).containsExactly("3/1", "4/1", "5/1");
    assertThat(on.dead(s, 6, 3)).isEmpty();
    on.restart();
    assertThat(on.dead(s, 4, 9)).containsExactly("5/1", "6/1");
    List<Delivered> one = on.done(new ListDeadLetters(s, new ListDeadLetters.Which.One(3)));
    assertThat(payloads(one)).containsExactly("3");
    assertThat(on.done(new ListDeadLetters(s, new ListDeadLetters.Which.One(7)))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void reprocessed_startAnew_alsoWhenTheirLogWasTrimmed(boolean cold) throws Exception {
    Subscribers on = on(cold);
    Subscription s = withDeadLetters(on, 4);
    on.publish("5");
    assertThat(on.trim(5, 1)).isEqualTo(5);
    on.reprocess(s, 2L, 3L, 99L);
    assertThat(on.counts(s)).isEqualTo(counts(3, 0, 0, 2));
    on.restart();
    assertThat(on.leaseAll(s)).containsExactly("2/1", "3/1", "5/1");
    on.nack(s, any(2));
    assertThat(on.dead(s)).containsExactly("1/1", "2/1", "4/1");
    assertThat(on.ack(s, any(3))).isEqualTo(1);
    // Only what is a dead letter is kept.
    assertThat(new MemoryStore(on.memory).read(s.number(), 0, 9, 1 << 20).messages())
        .extracting(Message::sequence)
        .containsExactly(1L, 2L, 4L);
  }

  @Test
  void purge_dropsSome_orAll() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = withDeadLetters(on, 5);
    on.purge(s, 2L, 4L, 77L);
    assertThat(on.dead(s)).containsExactly("1/1", "3/1", "5/1");
    on.reprocess(s, 2L);
    assertThat(on.counts(s)).isEqualTo(counts(0, 0, 0, 3));
    on.done(new PurgeDeadLetters(s, Optional.empty()));
    assertThat(on.counts(s)).isEqualTo(counts(0, 0, 0, 0));
    on.restart();
    assertThat(on.dead(s)).isEmpty();
    assertThat(new MemoryStore(on.memory).read(s.number(), 0, 9, 1 << 20).messages()).isEmpty();
  }

  @Test
  void atTheBoundOfDeadLetters_theOldestAreLost() throws Exception {
    Subscribers on = Subscribers.bounded(100, 3);
    Subscription s = on.subscribe("s", new DeliveryPolicy(1, 0, 0, OptionalLong.empty()));
    on.publish(1, 6);
    on.take(s, 6);
    on.nack(s, any(2, 3, 4));
    assertThat(on.dead(s)).hasSize(3);
    on.nack(s, any(5));
    assertThat(on.dead(s)).containsExactly("3/1", "4/1", "5/1");
    // It is the oldest itself.
    on.nack(s, any(1));
    assertThat(on.dead(s)).containsExactly("3/1", "4/1", "5/1");
    on.nack(s, any(6));
    on.restart();
    assertThat(on.dead(s)).containsExactly("4/1", "5/1", "6/1");
    assertThat(on.counts(s)).isEqualTo(new Counts(0, 0, new Totals(0, 0, 3), 3));
    assertThat(new MemoryStore(on.memory).read(s.number(), 0, 9, 1 << 20).messages()).hasSize(3);
  }

  @Test
  void deadLetterThatIsNotDurableYet_isNoneThatIsMissing() throws Exception {
    // Whoever looked for it then was told by the store that it is not there, and so was everyone
    // later: it was left out of lists, and lost when it was reprocessed.
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(1, 0, 0, OptionalLong.empty()));
    on.publish(1, 2);
    on.take(s, 2);
    var unused = on.node.submit(new NackMessages(s, any(1, 2), OptionalLong.empty()));
    Reply<List<Delivered>> listed =
        on.node.submit(new ListDeadLetters(s, new ListDeadLetters.Which.Page(0, 9)));
    var reprocessed = on.node.submit(new ReprocessDeadLetters(s, List.of(1L)));
    Reply<LeaseMessages.Leased> leased =
        on.node.submit(new LeaseMessages(s, 9, OptionalLong.empty(), Optional.empty()));
    on.node.settleExecutors();
    on.node.settle();
    assertThat(unused.done()).isEmpty();
    assertThat(reprocessed.done()).isTrue();
    assertThat(payloads(listed.done())).containsExactly("1", "2");
    assertThat(payloads(leased.done().messages())).containsExactly("1");
    assertThat(on.dead(s)).containsExactly("2/1");
    on.reprocess(s, 2L);
    assertThat(on.leaseCounting(s, 9)).containsExactly("2/1");
    assertThat(on.counts(s).totals().lost()).isZero();
  }

  // ---- retention ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void retention_keepsWhatIsNeeded_butForWhatIsBeyondTheBacklog(boolean cold) throws Exception {
    Subscribers on = on(cold);
    Subscription slow = on.subscribe("slow");
    Subscription s = on.subscribe("s");
    on.publish(1, 10);
    on.take(s, 6);
    on.ack(s, any(1, 2, 4, 5));
    on.take(slow, 1);
    on.ack(slow, any(1));
    assertThat(on.trim(9, 1)).isEqualTo(2);
    assertThat(on.trim(9, 5)).isEqualTo(5);
    assertThat(on.counts(slow)).isEqualTo(new Counts(6, 0, new Totals(1, 0, 3), 0));
    assertThat(on.counts(s)).isEqualTo(new Counts(4, 1, new Totals(4, 0, 1), 0));
    assertThat(on.lease(slow, 9)).containsExactly("5", "6", "7", "8", "9", "10");
    on.restart();
    assertThat(on.counts(slow)).isEqualTo(new Counts(0, 6, new Totals(1, 0, 3), 0));
    assertThat(on.trim(11, 11)).isEqualTo(11);
    assertThat(on.counts(slow)).isEqualTo(new Counts(0, 0, new Totals(1, 0, 9), 0));
    assertThat(on.counts(s)).isEqualTo(new Counts(0, 0, new Totals(4, 0, 6), 0));
    assertThat(on.lease(s, 9)).isEmpty();
  }

  @Test
  void trim_doesNotCountAcksAheadAsLost_norWhatAFilterPassesOver() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    Subscription filtered = on.subscribe("f", "{\"k\":[1]}", new From.Now());
    for (int i = 0; i < 4; i++) {
      on.publish("{\"k\":1}", "{\"k\":2}");
    }
    on.ack(s, any(2, 3, 7));
    on.ack(filtered, any(1, 2));
    on.trim(7, 7);
    assertThat(on.counts(s)).isEqualTo(new Counts(1, 0, new Totals(3, 0, 4), 0));
    assertThat(on.counts(filtered)).isEqualTo(new Counts(1, 0, new Totals(1, 0, 2), 0));
  }

  @Test
  void trim_ofWhatAFilterWasNotEvaluatedOn_countsWhatIsLostAllTheSame() throws Exception {
    // It counted only what was known to match by then.
    Subscribers on = Subscribers.cold();
    on.publish("{\"k\":1}", "{\"k\":2}", "{\"k\":1}", "{\"k\":1}");
    on.restart();
    Subscription s = on.subscribe("s", "{\"k\":[1]}", new From.Earliest());
    assertThat(on.trim(4, 4)).isEqualTo(4);
    assertThat(on.counts(s)).isEqualTo(new Counts(1, 0, new Totals(0, 0, 2), 0));
  }

  @Test
  void hole_afterALapse_isPassedOver() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    Subscription filtered = on.subscribe("f", "{\"k\":[1]}", new From.Now());
    on.publish("{\"k\":1}", "{\"k\":2}");
    TopicLog log = on.node.log(Subscribers.TOPIC);
    long next = log.nextSequence() + LogExtent.LAPSE_STEP;
    MemoryStore store = new MemoryStore(on.memory);
    long epoch = store.openSlots(dev.tidings.core.slot.SlotSet.ALL);
    Message late =
        new Message(next, on.time.wallMs(), Message.NEVER, Payload.of("{\"k\":1}"), Payload.EMPTY);
    store.commit(
        new Batch(
            0,
            epoch,
            1,
            List.of(
                new MessagesAppended(
                    s.slot(),
                    log.incarnation(),
                    log.messagesEver(),
                    log.bytesEver(),
                    List.of(late)))));
    on.restart();
    on.publish("{\"k\":2,\"x\":1}");
    assertThat(on.counts(s).available()).isEqualTo(4);
    assertThat(on.lease(s, 3)).containsExactly("{\"k\":1}", "{\"k\":2}", "{\"k\":1}");
    assertThat(on.counts(s)).isEqualTo(counts(1, 3, 0, 0));
    assertThat(on.lease(s, 3)).containsExactly("{\"k\":2,\"x\":1}");
    assertThat(on.lease(filtered, 9)).hasSize(2);
    assertThat(on.counts(filtered)).isEqualTo(counts(0, 2, 0, 0));
  }

  // ---- filters ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void filter_deliversWhatMatches_alsoWhatWasPublishedBefore_andAfterARestart(boolean cold)
      throws Exception {
    Subscribers on = on(cold);
    for (int i = 1; i <= 3; i++) {
      on.publish("{\"k\":1,\"n\":%d}".formatted(i), "{\"k\":2,\"n\":%d}".formatted(i));
    }
    Subscription early = on.subscribe("e", "{\"k\":[1]}", new From.Earliest());
    Subscription late = on.subscribe("l", "{ \"k\": [1.0] }", new From.Now());
    Subscription none = on.subscribe("n", "{\"k\":[]}", new From.Earliest());
    Subscription all = on.subscribe("a", "{}", new From.Earliest());
    assertThat(on.lease(early, 2)).containsExactly("{\"k\":1,\"n\":1}", "{\"k\":1,\"n\":2}");
    on.publish("{\"k\":1,\"n\":4}");
    on.publish("{\"k\":2,\"n\":4}");
    on.restart();
    on.publish("{\"k\":1,\"n\":5}");
    on.publish("{\"n\":5}");
    assertThat(on.lease(early, 9))
        .containsExactly("{\"k\":1,\"n\":3}", "{\"k\":1,\"n\":4}", "{\"k\":1,\"n\":5}");
    assertThat(on.lease(late, 9)).containsExactly("{\"k\":1,\"n\":4}", "{\"k\":1,\"n\":5}");
    assertThat(on.lease(none, 9)).isEmpty();
    assertThat(on.lease(all, 99)).hasSize(10);
    assertThat(on.counts(late)).isEqualTo(counts(0, 2, 0, 0));
    assertThat(on.ack(late, any(1, 2, 8))).isZero();
    assertThat(on.ack(late, any(7))).isEqualTo(1);
  }

  @Test
  void equalFilter_ofASubscriptionThatBeginsEarlier_findsWhatTheOtherHasForgotten()
      throws Exception {
    // It shared what the other knew, of which that had forgotten what it had delivered.
    Subscribers on = Subscribers.hot();
    Subscription first = on.subscribe("first", "{\"k\":[1]}", new From.Now());
    on.publish("{\"k\":1}", "{\"k\":1}", "{\"k\":1}");
    on.take(first, 2);
    on.pass(60);
    on.ack(first, any(1, 2));
    on.take(first, 1);
    on.pass(60);
    Subscription second = on.subscribe("second", "{\"k\":[1]}", new From.Earliest());
    assertThat(payloadCount(on, second)).isEqualTo(3);
    on.done(new DeleteSubscription(first));
    on.publish("{\"k\":1}");
    assertThat(payloadCount(on, second)).isEqualTo(1);
  }

  private static int payloadCount(Subscribers on, Subscription subscription) {
    return on.lease(subscription, 9).size();
  }

  // ---- the entries ----

  @Test
  void name_isUniqueAmongAllShards_andFreeAgainWhenItsCreationComesToNothing() throws Exception {
    Subscribers on = Subscribers.hot();
    Topic other = on.node.createTopic("other");
    Topic topic = on.node.node().directory().topic(Subscribers.TOPIC).orElseThrow();
    assertThat(other.slot() % 2).isNotEqualTo(topic.slot() % 2);
    var elsewhere =
        new dev.tidings.core.command.CreateSubscription(
            "s",
            "other",
            other.incarnation(),
            "o",
            Optional.empty(),
            Subscribers.POLICY,
            new From.Now());
    var here = on.subscribing("s", Optional.empty(), Subscribers.POLICY, new From.Now());
    Reply<Subscription> first = on.node.submit(here);
    Reply<Subscription> second = on.node.submit(elsewhere);
    on.node.settle();
    Reply<Subscription> refused =
        first.outcome().orElseThrow() instanceof Outcome.Done ? second : first;
    Subscription created = (refused == first ? second : first).done();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.SUBSCRIPTION_EXISTS);
    assertThat(on.node.submit(elsewhere))
        .satisfies(reply -> {
          on.node.settle();
          assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.SUBSCRIPTION_EXISTS);
        });
    on.done(new DeleteSubscription(created));
    // Created and deleted again in a batch that fails: the name stayed taken for ever.
    Reply<Subscription> undone = on.node.submit(here);
    on.node.settleExecutors();
    Reply<Topic> gone = on.node.submit(new DeleteTopic(Subscribers.TOPIC, topic.incarnation()));
    on.store.strikeNext(Method.COMMIT, Moment.BEFORE);
    on.node.settle();
    assertThat(undone.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(gone.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(on.done(elsewhere).topic()).isEqualTo("other");
  }

  @Test
  void deletedSubscription_isGone_andTheNextOfItsNameIsAnother() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = withDeadLetters(on, 3);
    on.publish("4");
    List<String> woken = new ArrayList<>();
    on.done(new LeaseMessages(s, 9, OptionalLong.of(1_000), Optional.empty()));
    on.done(new LeaseMessages(s, 9, OptionalLong.empty(), Optional.of(() -> woken.add("w"))));
    on.time.advance(java.time.Duration.ofSeconds(2));
    // The deadline has passed: what the old one would tell of it is not told of the new one.
    Reply<Subscription> deleted = on.node.submit(new DeleteSubscription(s));
    Reply<Subscription> created =
        on.node.submit(
            on.subscribing("s", Optional.empty(), Subscribers.POLICY, new From.Earliest()));
    Reply<Boolean> tended = on.node.submit(new TendSubscriptions(s.slot(), /* inMemory= */ false));
    on.node.settle();
    assertThat(deleted.done()).isEqualTo(s);
    assertThat(tended.done()).isTrue();
    assertThat(woken).containsExactly("w");
    Subscription next = created.done();
    assertThat(on.counts(next)).isEqualTo(counts(4, 0, 0, 0));
    on.restart();
    assertThat(on.counts(next)).isEqualTo(counts(4, 0, 0, 0));
    assertThat(on.dead(next)).isEmpty();
    assertThat(new MemoryStore(on.memory).read(s.number(), 0, 9, 1 << 20).messages()).isEmpty();
    Reply<Counts> stale = on.node.submit(new CountMessages(s));
    on.node.settle();
    assertThat(stale.refusal().code()).isEqualTo(Refusal.Code.SUBSCRIPTION_MISSING);
  }

  @Test
  void deletedTopic_takesItsSubscriptionsAlong() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = withDeadLetters(on, 2);
    List<String> woken = new ArrayList<>();
    on.done(new LeaseMessages(s, 9, OptionalLong.empty(), Optional.of(() -> woken.add("w"))));
    on.done(new DeleteTopic(Subscribers.TOPIC, s.incarnation()));
    assertThat(woken).containsExactly("w");
    assertThat(on.node.node().directory().subscription("s")).isEmpty();
    MemoryStore store = new MemoryStore(on.memory);
    assertThat(store.loadDeliveries(s.number())).isEmpty();
    assertThat(store.read(s.number(), 0, 9, 1 << 20).messages()).isEmpty();
    on.node.createTopic(Subscribers.TOPIC);
    assertThat(on.counts(on.subscribe("s"))).isEqualTo(counts(0, 0, 0, 0));
  }

  @Test
  void changedPolicy_countsFromThenOn() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 2);
    on.take(s, 1);
    Subscription changed =
        on.done(new ChangeSubscription(s, new DeliveryPolicy(1, 0, 0, OptionalLong.of(1_000))));
    assertThat(changed.policy().maxAttempts()).isEqualTo(1);
    on.nack(s, any(1));
    assertThat(on.dead(s)).containsExactly("1/1");
    on.restart();
    on.take(s, 1);
    on.pass(1);
    assertThat(on.dead(s)).containsExactly("1/1", "2/1");
  }

  // ---- waiting ----

  /// Notes that it was woken, and whether it is still there.
  private static final class Sleeper implements Waiter {
    final Subscribers on;
    final Subscription subscription;
    boolean here = true;
    int woken;
    final List<String> got = new ArrayList<>();

    Sleeper(Subscribers on, Subscription subscription) {
      this.on = on;
      this.subscription = subscription;
    }

    @Override
    public boolean wake() {
      woken++;
      return here;
    }

    Sleeper asks() {
      LeaseMessages.Leased leased =
          on.done(new LeaseMessages(subscription, 1, OptionalLong.empty(), Optional.of(this)));
      got.addAll(payloads(leased.messages()));
      return this;
    }
  }

  @Test
  void waiters_areWokenByTurns_andWhoeverLeasesCallsTheNext() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    Sleeper a = new Sleeper(on, s).asks();
    Sleeper b = new Sleeper(on, s).asks();
    Sleeper c = new Sleeper(on, s).asks();
    on.publish("1", "2");
    assertThat(List.of(a.woken, b.woken, c.woken)).containsExactly(1, 0, 0);
    a.asks();
    assertThat(b.woken).isEqualTo(1);
    // The commit of what the first leased may call one more, who finds nothing left.
    b.asks();
    if (c.woken > 0) {
      c.woken = 0;
      c.asks();
    }
    assertThat(c.got).isEmpty();
    assertThat(a.got).containsExactly("1");
    assertThat(b.got).containsExactly("2");
    on.release(s, any(1));
    assertThat(c.woken).isEqualTo(1);
  }

  @Test
  void waitersThatHaveGone_arePassedOver() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    Sleeper gone = new Sleeper(on, s).asks();
    Sleeper left = new Sleeper(on, s).asks();
    Sleeper here = new Sleeper(on, s).asks();
    gone.here = false;
    on.done(new StopWaiting(s, left));
    on.publish("1");
    assertThat(List.of(gone.woken, left.woken, here.woken)).containsExactly(1, 0, 1);
  }

  @Test
  void waiterThatWasWoken_andTakesNothing_passesItsCallOn() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    Sleeper busy = new Sleeper(on, s).asks();
    Sleeper next = new Sleeper(on, s).asks();
    on.publish("1");
    assertThat(List.of(busy.woken, next.woken)).containsExactly(1, 0);
    on.done(new StopWaiting(s, busy));
    assertThat(List.of(busy.woken, next.woken)).containsExactly(1, 1);
  }

  @Test
  void waiters_areWokenByLeasesThatEnd_waitsThatAreOver_andReprocessing() throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", new DeliveryPolicy(2, 3_000, 3_000, OptionalLong.empty()));
    on.publish("1");
    on.take(s, 1);
    Sleeper a = new Sleeper(on, s).asks();
    on.pass(59);
    assertThat(a.woken).isZero();
    on.pass(1);
    assertThat(a.woken).isEqualTo(1);
    assertThat(a.asks().got).containsExactly("1");
    on.nack(s, any(1));
    Sleeper b = new Sleeper(on, s).asks();
    on.reprocess(s, 1L);
    assertThat(b.woken).isEqualTo(1);
    assertThat(b.asks().got).containsExactly("1");
    on.nack(s, any(1));
    Sleeper c = new Sleeper(on, s).asks();
    on.pass(2);
    assertThat(c.woken).isZero();
    on.pass(1);
    assertThat(c.woken).isEqualTo(1);
  }

  @Test
  void waiterOfAFilteredSubscription_isWokenByWhatMatchesAlone() throws Exception {
    Subscribers on = Subscribers.cold();
    Subscription s = on.subscribe("s", "{\"k\":[1]}", new From.Now());
    Sleeper a = new Sleeper(on, s).asks();
    on.publish("{\"k\":2}");
    on.publish("{\"k\":3}");
    assertThat(a.woken).isZero();
    on.publish("{\"k\":1}");
    assertThat(a.woken).isEqualTo(1);
    assertThat(a.asks().got).containsExactly("{\"k\":1}");
  }

  // ---- commits that fail ----

  @ParameterizedTest
  @EnumSource(Moment.class)
  void failedCommit_losesNothing_andShowsNothing(Moment moment) throws Exception {
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    on.publish(1, 3);
    on.take(s, 1);
    Sleeper waiter = new Sleeper(on, s);
    on.store.strikeNext(Method.COMMIT, moment);
    Reply<LeaseMessages.Leased> leased =
        on.node.submit(new LeaseMessages(s, 2, OptionalLong.empty(), Optional.empty()));
    Reply<Long> acked = on.node.submit(new AckMessages(s, any(1)));
    Reply<LeaseMessages.Leased> waiting =
        on.node.submit(new LeaseMessages(s, 2, OptionalLong.empty(), Optional.of(waiter)));
    on.node.settle();
    if (moment == Moment.AFTER) {
      assertThat(payloads(leased.done().messages())).containsExactly("2", "3");
      assertThat(acked.done()).isEqualTo(1);
      assertThat(waiting.done().messages()).isEmpty();
      assertThat(on.counts(s)).isEqualTo(counts(0, 2, 1, 0));
    } else {
      assertThat(leased.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
      assertThat(acked.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
      assertThat(waiting.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
      // Nobody may be left to wait for what is undone.
      assertThat(waiter.woken).isEqualTo(1);
      assertThat(on.counts(s)).isEqualTo(counts(2, 1, 0, 0));
      assertThat(on.leaseCounting(s, 9)).containsExactly("2/1", "3/1");
    }
    on.pass(60);
    assertThat(on.lease(s, 9)).hasSize(moment == Moment.AFTER ? 2 : 3);
  }
}
