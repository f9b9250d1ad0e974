// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import static dev.tidings.core.subscription.Subscribers.any;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.ChangeUser;
import dev.tidings.core.command.CreateSubscription.From;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.HotTier;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.LogExtent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Subscriptions under uncommon loads: what would make them spin, grow or come to a halt.
class SubscriptionTroubleTest {
  private static final String MATCHING = "{\"k\":1}";

  @Test
  void waiter_isNotCalledForAMatchThatWasAckedAhead() throws Exception {
    // It was called again and again, since the cursor stayed before what there is no need to
    // deliver.
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s", "{\"k\":[1]}", new From.Now());
    on.publish(MATCHING, "{\"k\":2}");
    on.ack(s, any(1));
    int[] woken = {0};
    Waiter waiter =
        () -> {
          woken[0]++;
          return true;
        };
    on.done(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.of(waiter)));
    assertThat(woken[0]).isZero();
    assertThat(on.counts(s).available()).isZero();
    on.restart();
    assertThat(on.lease(s, 9)).isEmpty();
    assertThat(on.counts(s).available()).isZero();
    on.publish(MATCHING);
    assertThat(on.counts(s).available()).isEqualTo(1);
    assertThat(on.lease(s, 9)).containsExactly(MATCHING);
  }

  @Test
  void expiredMessages_moreThanFitIntoMemory_arePassedOver() throws Exception {
    // Each load drove out what the one before had brought, and nothing of it was noted.
    Subscribers on = Subscribers.cold();
    Subscription s = on.subscribe("s");
    String payload = "\"" + "x".repeat(10_000) + "\"";
    for (int i = 0; i < 300; i++) {
      on.publishFor(1000, payload);
    }
    on.publish("301");
    on.time.advance(Duration.ofSeconds(2));
    Reply<LeaseMessages.Leased> reply =
        on.node.submit(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.empty()));
    crank(on, 100);
    assertThat(reply.isAnswered()).isTrue();
    assertThat(Subscribers.payloads(reply.done().messages())).containsExactly("301");
    assertThat(on.counts(s).totals().expired()).isEqualTo(300);
    on.restart();
    assertThat(on.counts(s).totals().expired()).isEqualTo(300);
    assertThat(on.counts(s).delivered()).isEqualTo(1);
  }

  @Test
  void expiredRetries_moreThanFitIntoMemory_arePassedOver() throws Exception {
    Subscribers on = Subscribers.cold();
    Subscription s = on.subscribe("s");
    String payload = "\"" + "x".repeat(10_000) + "\"";
    for (int i = 0; i < 300; i++) {
      on.publishFor(10_000, payload);
    }
    int leased = 0;
    while (leased < 300) {
      leased += on.take(s, 100).messages().size();
    }
    on.nack(s, any(IntStream.rangeClosed(1, 300).asLongStream().toArray()), 0);
    on.publish("301");
    on.time.advance(Duration.ofSeconds(20));
    Reply<LeaseMessages.Leased> reply =
        on.node.submit(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.empty()));
    crank(on, 400);
    assertThat(reply.isAnswered()).isTrue();
    assertThat(Subscribers.payloads(reply.done().messages())).containsExactly("301");
    assertThat(on.counts(s).totals().expired()).isEqualTo(300);
  }

  @Test
  void manyExpiredMessages_arePassedOverByAndBy() throws Exception {
    // Half a million of them held the event loop for a second.
    Subscribers on = Subscribers.hot();
    Subscription s = on.subscribe("s");
    int incarnation =
        on.node.node().directory().topic(Subscribers.TOPIC).orElseThrow().incarnation();
    on.done(
        new Publish(
            Subscribers.TOPIC,
            new Publish.Authority.Existing(incarnation),
            Collections.nCopies(12_000, new NewMessage(Payload.of("1"), Payload.EMPTY, 1000))));
    on.publish("last");
    on.time.advance(Duration.ofSeconds(2));
    Reply<LeaseMessages.Leased> reply =
        on.node.submit(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.empty()));
    on.node.executors().forEach(it -> it.runUntilIdle());
    assertThat(on.node.blocking().pending()).isEqualTo(1);
    on.node.settle();
    assertThat(Subscribers.payloads(reply.done().messages())).containsExactly("last");
    assertThat(on.counts(s).totals().expired()).isEqualTo(12_000);
  }

  private static void crank(Subscribers on, int rounds) {
    for (int i = 0; i < rounds; i++) {
      on.node.executors().forEach(it -> it.runUntilIdle());
      on.node.blocking().runUntilIdle();
      long _ = on.node.node().lane().step();
    }
    on.node.executors().forEach(it -> it.runUntilIdle());
  }

  @Test
  void matchesThatWereDelivered_areForgotten_alsoWhileNoLeaseEnds() throws Exception {
    // They were only when a lease had ended by itself, which under a good consumer none does.
    ManualTime time = new ManualTime();
    TopicLog log = new TopicLog("t", 1, LogExtent.EMPTY, new HotTier(1 << 26));
    Subscription s =
        new Subscription(
            "s",
            2,
            "t",
            1,
            CrankedNode.OWNER,
            Optional.of(Payload.of("{\"k\":[1]}")),
            Subscribers.POLICY,
            log.nextSequence(),
            time.wallMs());
    Subscriptions subscriptions =
        new Subscriptions(time, Deliveries.Limits.DEFAULT, 1 << 20, _ -> {});
    assertThat(subscriptions.open(s, log, Optional.empty(), List.of())).isEmpty();
    Deliveries deliveries = subscriptions.find(2).orElseThrow();
    for (int i = 0; i < 140; i++) {
      List<Message> thousand = new ArrayList<>();
      for (int j = 0; j < 1000; j++) {
        thousand.add(
            log.append(
                new NewMessage(Payload.of(MATCHING), Payload.EMPTY, Message.NEVER), time.wallMs()));
      }
      log.raiseWatermark(thousand.getLast());
      subscriptions.appended(1, thousand);
      write(
          subscriptions,
          s,
          ((Deliveries.Leased)
                  deliveries.lease(
                      log,
                      subscriptions.pages(),
                      1000,
                      OptionalLong.empty(),
                      Subscribers.POLICY,
                      time))
              .change());
      long[] sequences = thousand.stream().mapToLong(Message::sequence).toArray();
      write(
          subscriptions,
          s,
          deliveries.ack(any(sequences), log, Subscribers.POLICY, time).orElseThrow());
    }
    assertThat(deliveries.counts(log, Subscribers.POLICY, time).totals().acked())
        .isEqualTo(140_000);
    assertThat(subscriptions.matchesInMemory(2)).isLessThan(70_000);
  }

  private static void write(Subscriptions subscriptions, Subscription s, Deliveries.Change change) {
    subscriptions.write(s, change);
    subscriptions.committed(s.number(), change.told().orElseThrow().ordinal());
  }

  @Test
  void changeOfRights_isAnsweredAfterALeaseThatNeedsOneThingAfterTheOther() throws Exception {
    // It was answered when the first of them was there, and messages were given away after that.
    Subscribers on = Subscribers.cold();
    Subscription s = on.subscribe("s");
    on.publish("1", "2");
    User user = on.node.createUser("u");
    on.restart();
    Reply<LeaseMessages.Leased> lease =
        on.node.submit(new LeaseMessages(s, 1, OptionalLong.empty(), Optional.empty()));
    Reply<User> change =
        on.node.submit(
            new ChangeUser(
                "u",
                user.id(),
                new ChangeUser.Change(
                    Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(false))));
    for (int i = 0; i < 30; i++) {
      on.node.executors().forEach(it -> it.runUntilIdle());
      long _ = on.node.node().lane().step();
      on.node.executors().forEach(it -> it.runUntilIdle());
      assertThat(change.isAnswered() && !lease.isAnswered()).isFalse();
      // Not before the change waits for nothing but the lease.
      boolean _ = i > 5 && on.node.blocking().runOne();
    }
    assertThat(change.isAnswered()).isTrue();
    assertThat(Subscribers.payloads(lease.done().messages())).containsExactly("1");
  }
}
