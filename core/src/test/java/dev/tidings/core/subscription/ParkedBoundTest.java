// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import static dev.tidings.core.subscription.Subscribers.any;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/// A subscription that may park no more than three messages.
class ParkedBoundTest {
  private static final int BOUND = 3;

  private final Subscribers on;
  private final Subscription s;

  ParkedBoundTest() throws StoreException {
    on = Subscribers.parking(BOUND);
    s = on.subscribe("s");
  }

  /// Somebody who asks again whenever it is called, and keeps what it is given.
  private final class Consumer implements Waiter {
    private final int most;
    private final List<String> given = new ArrayList<>();
    private int called;
    private boolean isCalled;

    private Consumer(int most) {
      this.most = most;
    }

    @Override
    public boolean wake() {
      called++;
      isCalled = true;
      return true;
    }

    /// Asks; and again for as long as it is called.
    private void ask() {
      int rounds = 0;
      do {
        isCalled = false;
        List<String> some =
            Subscribers.payloads(
                on.done(new LeaseMessages(s, most, OptionalLong.empty(), Optional.of(this)))
                    .messages());
        given.addAll(some);
        isCalled |= !some.isEmpty();
        on.tend();
        assertThat(++rounds).as("called again and again").isLessThan(20);
      } while (isCalled);
    }
  }

  private void published(String... keys) {
    for (String key : keys) {
      on.publishOf(key, key + (1 + on.published()));
    }
  }

  private void check(long parked, boolean paused) {
    assertThat(on.counts(s).parked()).isEqualTo(parked);
    assertThat(on.counts(s).paused()).isEqualTo(paused);
  }

  @Test
  void asManyAsTheBound_areParked_andOthersGoOn() throws Exception {
    published("a", "a", "a", "a", "");
    assertThat(on.lease(s, 9)).containsExactly("a1", "5");
    check(BOUND, false);
    assertThat(on.counts(s).available()).isEqualTo(3);
    assertThat(on.counts(s).delivered()).isEqualTo(2);
    published("", "b");
    assertThat(on.lease(s, 9)).containsExactly("6", "b7");
    check(BOUND, false);
  }

  @Test
  void oneMore_pausesWhatWasNeverDelivered_untilTheNumberFalls() throws Exception {
    published("a", "a", "a", "a", "a", "b", "");
    assertThat(on.lease(s, 9)).containsExactly("a1");
    check(BOUND, true);
    assertThat(on.counts(s).available()).isEqualTo(6);
    assertThat(on.lease(s, 9)).isEmpty();
    on.ack(s, any(1));
    // One less is parked, and the fifth takes its place.
    assertThat(on.lease(s, 9)).containsExactly("a2", "b6", "7");
    check(BOUND, false);
    on.ack(s, any(2));
    check(BOUND - 1, false);
  }

  @Test
  void twoMore_pauseAgain() throws Exception {
    published("a", "a", "a", "a", "a", "a", "");
    assertThat(on.lease(s, 9)).containsExactly("a1");
    on.ack(s, any(1));
    assertThat(on.lease(s, 9)).containsExactly("a2");
    check(BOUND, true);
    on.ack(s, any(2));
    assertThat(on.lease(s, 9)).containsExactly("a3", "7");
    check(BOUND, false);
  }

  @Test
  void ackOfOneThatIsParked_endsThePause() throws Exception {
    published("a", "a", "a", "a", "a", "");
    assertThat(on.lease(s, 9)).containsExactly("a1");
    on.ack(s, any(3));
    check(BOUND - 1, false);
    assertThat(on.lease(s, 9)).containsExactly("6");
    check(BOUND, false);
    // It is not waited for any more.
    on.ack(s, any(1));
    assertThat(on.lease(s, 9)).containsExactly("a2");
    on.ack(s, any(2));
    assertThat(on.lease(s, 9)).containsExactly("a4");
  }

  @Test
  void ackOfTheOneThatHasNoRoom_endsThePause() throws Exception {
    published("a", "a", "a", "a", "a", "");
    assertThat(on.lease(s, 9)).containsExactly("a1");
    Consumer consumer = new Consumer(9);
    consumer.ask();
    assertThat(consumer.called).isZero();
    on.ack(s, any(5));
    check(BOUND, false);
    assertThat(consumer.called).isEqualTo(1);
    assertThat(on.lease(s, 9)).containsExactly("6");
  }

  @Test
  void whoWaits_isNotCalledWhileItIsPaused_andIsWhenThatEnds() throws Exception {
    published("a", "a", "a", "a", "a", "");
    Consumer consumer = new Consumer(9);
    consumer.ask();
    assertThat(consumer.given).containsExactly("a1");
    assertThat(consumer.called).isZero();
    for (int i = 0; i < 20; i++) {
      on.pass(1);
    }
    published("b", "", "a");
    on.tend();
    assertThat(consumer.called).isZero();
    check(BOUND, true);
    on.ack(s, any(4));
    assertThat(consumer.called).isEqualTo(1);
    consumer.ask();
    assertThat(consumer.given).containsExactly("a1", "6", "b7", "8");
    check(BOUND, true);
    assertThat(consumer.called).isEqualTo(1);
    on.ack(s, any(1));
    assertThat(consumer.called).isEqualTo(2);
    consumer.ask();
    assertThat(consumer.given).endsWith("a2");
    check(BOUND, false);
  }

  @Test
  void delayedHead_isWaitedForWhileItIsPaused() throws Exception {
    published("a", "a", "a", "a", "a", "");
    Consumer consumer = new Consumer(9);
    consumer.ask();
    on.nack(s, any(1), 5_000);
    assertThat(consumer.called).isZero();
    check(BOUND, true);
    on.pass(4);
    assertThat(consumer.called).isZero();
    on.pass(1);
    assertThat(consumer.called).isEqualTo(1);
    consumer.ask();
    assertThat(consumer.given).containsExactly("a1", "a1");
    on.release(s, any(1));
    assertThat(consumer.called).isEqualTo(2);
    check(BOUND, true);
  }

  @Test
  void deadHead_releasesTheNext_andEndsThePause() throws Exception {
    Subscription once =
        on.subscribe("once", new DeliveryPolicy(1, 1_000, 1_000, OptionalLong.empty()));
    published("a", "a", "a", "a", "a", "");
    assertThat(on.lease(once, 9)).containsExactly("a1");
    assertThat(on.counts(once).paused()).isTrue();
    on.pass(61);
    assertThat(on.dead(once)).containsExactly("a1/1");
    assertThat(on.lease(once, 9)).containsExactly("a2", "6");
    assertThat(on.counts(once).parked()).isEqualTo(BOUND);
    // A dead letter that comes back is parked, whatever the bound.
    on.reprocess(once, 1L);
    assertThat(on.counts(once).parked()).isEqualTo(BOUND + 1);
    published("", "a", "");
    assertThat(on.lease(once, 9)).containsExactly("7");
    assertThat(on.counts(once).paused()).isTrue();
    on.ack(once, any(2));
    assertThat(on.lease(once, 9)).containsExactly("a1");
    assertThat(on.counts(once).paused()).isTrue();
    on.ack(once, any(1));
    assertThat(on.lease(once, 9)).containsExactly("a3", "9");
  }

  @Test
  void lossOfWhatIsParked_endsThePause() throws Exception {
    published("a", "a", "a", "a", "a", "");
    assertThat(on.lease(s, 9)).containsExactly("a1");
    Consumer consumer = new Consumer(9);
    consumer.ask();
    on.trim(4, 4);
    assertThat(consumer.called).isEqualTo(1);
    consumer.ask();
    assertThat(consumer.given).containsExactly("a4", "6");
    check(1, false);
    assertThat(on.counts(s).totals().lost()).isEqualTo(3);
  }

  @Test
  void pause_outlivesARestart() throws Exception {
    published("a", "a", "a", "a", "a", "", "a");
    assertThat(on.lease(s, 9)).containsExactly("a1");
    check(BOUND, true);
    on.restart();
    assertThat(on.lease(s, 9)).isEmpty();
    check(BOUND, true);
    assertThat(on.counts(s).available()).isEqualTo(6);
    on.ack(s, any(1));
    on.restart(Duration.ofSeconds(3));
    assertThat(on.leaseAll(s)).containsExactly("a2/1", "6/1");
    check(BOUND, true);
    on.ack(s, any(2, 3, 4, 5));
    assertThat(on.leaseAll(s)).containsExactly("a7/1");
    check(0, false);
  }

  @Test
  void whatTheFilterLeavesOut_isNotParked() throws Exception {
    Subscription filtered = on.subscribe("f", "{\"n\":[1]}", new From.Now());
    for (int i = 0; i < 10; i++) {
      on.publishOf("a", "{\"n\":%d,\"i\":%d}".formatted(i % 3, i));
    }
    assertThat(on.lease(filtered, 9)).containsExactly("{\"n\":1,\"i\":1}");
    assertThat(on.counts(filtered).parked()).isEqualTo(2);
    assertThat(on.counts(filtered).paused()).isFalse();
    on.publishOf("a", "{\"n\":2}");
    on.publishOf("", "{\"n\":1,\"i\":10}");
    assertThat(on.lease(filtered, 9)).containsExactly("{\"n\":1,\"i\":10}");
  }

  @Test
  void theParked_doNotCountAsOutstanding() throws Exception {
    Subscribers few = Subscribers.bounded(3, 100);
    Subscription of = few.subscribe("s");
    for (int i = 0; i < 50; i++) {
      few.publishOf("a", "a" + i);
    }
    for (int i = 0; i < 5; i++) {
      few.publishOf("", "x" + i);
    }
    assertThat(few.leaseAll(of)).containsExactly("a0/1", "x0/1", "x1/1");
    assertThat(few.counts(of).parked()).isEqualTo(49);
    few.ack(of, any(1));
    // The next of the key takes the place of the one before.
    assertThat(few.leaseAll(of)).containsExactly("a1/1");
  }

  @Test
  void aLongLine_isGoneThrough_oneByOne() throws Exception {
    Subscribers many = Subscribers.hot();
    Subscription of = many.subscribe("s");
    int length = 5_000;
    many.publishAll("a", length);
    for (long i = 1; i <= length; i++) {
      LeaseMessages.Leased leased = many.take(of, 9);
      assertThat(leased.messages()).hasSize(1);
      assertThat(leased.messages().getFirst().message().sequence()).isEqualTo(i);
      if (i == 1) {
        // What one lease parks is bounded; the others do the rest.
        assertThat(many.take(of, 9).messages()).isEmpty();
        assertThat(many.counts(of).parked()).isEqualTo(length - 1);
      }
      assertThat(many.ack(of, any(i))).isEqualTo(1);
    }
    assertThat(many.counts(of).available()).isZero();
    assertThat(many.counts(of).parked()).isZero();
    many.restart();
    assertThat(many.lease(of, 9)).isEmpty();
  }

  @Test
  void manyParked_areAckedAtOnce() throws Exception {
    Subscribers many = Subscribers.hot();
    Subscription of = many.subscribe("s");
    many.publishAll("a", 5_000);
    assertThat(many.leaseAll(of)).hasSize(1);
    assertThat(many.ack(of, any(LongStream.rangeClosed(2, 4_999).toArray()))).isEqualTo(4_998);
    assertThat(many.counts(of).parked()).isEqualTo(1);
    many.restart();
    assertThat(many.counts(of).parked()).isEqualTo(1);
    many.ack(of, any(1));
    assertThat(many.take(of, 9).messages().getFirst().message().sequence()).isEqualTo(5_000);
  }
}
