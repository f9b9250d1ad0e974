// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.ReleaseMessages;
import dev.tidings.core.command.StopWaiting;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.Deliveries.Meant;
import dev.tidings.core.subscription.Waiter;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.pubsub.PubsubApi.Services;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import io.vertx.core.http.HttpHeaders;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One call for messages of a subscription, which may wait until there are some.
///
/// It leases; if there is nothing, its waiter is called once when there may be something, and it
/// leases again, until its time is up. Whoever is called takes the place of all others who wait, so
/// it leases even if its client is gone by then, and gives back what it got. So it does with a
/// lease whose answer does not reach the client.
///
/// Touched by its event loop alone, but for its waiter.
final class Consumption {
  private static final Logger LOG = LoggerFactory.getLogger(Consumption.class);
  private static final CharSequence LEASE_ID = HttpHeaders.createOptimized("x-lease-id");

  private final PubsubApi api;
  private final Services services;
  private final Call call;
  private final Subscription subscription;
  private final Wanted wanted;
  private final Consumer<Consumption> finished;
  private final Waiter waiter = this::wake;
  private Authenticator.Caller caller;
  private boolean leasing;
  // Whether the core may still call the waiter; whether it has while a lease was on its way.
  private boolean isAwaited;
  private boolean isCalled;
  private boolean timeIsUp;
  // Whether its rights have become fewer while a lease was on its way.
  private boolean mustRecheck;
  private boolean isOver;
  private long timer = -1;

  /// What a consumer wants.
  ///
  /// @param max messages
  /// @param forMs how long the lease is to last, milliseconds; empty where the subscription says
  /// @param waitMs how long it waits for the first message, milliseconds; 0 not to wait
  record Wanted(int max, OptionalLong forMs, long waitMs) {}

  /// @param finished called once, when it is answered or its client is gone
  Consumption(
      PubsubApi api,
      Services services,
      Call call,
      Authenticator.Caller caller,
      Subscription subscription,
      Wanted wanted,
      Consumer<Consumption> finished) {
    this.api = api;
    this.services = services;
    this.call = call;
    this.caller = caller;
    this.subscription = subscription;
    this.wanted = wanted;
    this.finished = finished;
  }

  void start() {
    call.whenGone(this::finish);
    if (wanted.waitMs() > 0) {
      // It does not outlive its token.
      long waitMs = Math.min(wanted.waitMs(), caller.expiresAt() - services.time().wallMs());
      timer = call.loop().context().setTimer(Math.max(1, waitMs), _ -> guarded(this::timeIsUp));
    }
    lease();
  }

  /// Ends it because the server stops: it is answered with what there is.
  void goAway() {
    guarded(this::timeIsUp);
  }

  private void timeIsUp() {
    timeIsUp = true;
    if (!leasing && !isOver) {
      answerNothing();
    }
  }

  /// Runs a step; after a fault in it the call is over and its client told.
  private void guarded(Runnable step) {
    call.guarded(() -> {
      try {
        step.run();
      } catch (RuntimeException e) {
        finish();
        throw e;
      }
    });
  }

  // ---- leasing ----

  private void lease() {
    boolean waits = !isOver && !timeIsUp && wanted.waitMs() > 0;
    leasing = true;
    isCalled = false;
    isAwaited = waits;
    services
        .node()
        .submit(
            new LeaseMessages(
                subscription,
                wanted.max(),
                wanted.forMs(),
                waits ? Optional.of(waiter) : Optional.empty()),
            call.loop(),
            outcome -> guarded(() -> leased(outcome)));
  }

  private void leased(Outcome<LeaseMessages.Leased> outcome) {
    leasing = false;
    switch (outcome) {
      case Outcome.Done<LeaseMessages.Leased>(LeaseMessages.Leased leased) -> {
        if (leased.messages().isEmpty()) {
          foundNothing();
          return;
        }
        // Who gets something is not called.
        isAwaited = false;
        if (isOver) {
          giveBack(leased);
        } else {
          answer(leased);
        }
      }
      case Outcome.Refused<LeaseMessages.Leased>(Refusal refusal) -> {
        if (isOver) {
          stopWaiting();
        } else {
          finish();
          PubsubApi.refused(call, refusal);
        }
      }
    }
  }

  private void foundNothing() {
    boolean wasChanged = mustRecheck;
    mustRecheck = false;
    if (isOver) {
      stopWaiting();
    } else if (wasChanged && denial().isPresent()) {
      endIfDenied();
    } else if (timeIsUp || wanted.waitMs() == 0) {
      answerNothing();
    } else if (isCalled) {
      leaseAgain();
    }
  }

  /// Called on the shard's executor.
  private boolean wake() {
    try {
      call.loop().execute(() -> guarded(this::called));
      return true;
    } catch (RejectedExecutionException _) {
      // The server stops.
      return false;
    }
  }

  private void called() {
    isAwaited = false;
    if (leasing) {
      isCalled = true;
    } else if (isOver) {
      lease();
    } else {
      leaseAgain();
    }
  }

  /// Its rights are those of now: they may have been taken from it while it waited.
  private void leaseAgain() {
    // If it is over it leases all the same: somebody else who waits may have what it was called
    // for.
    denial().ifPresent(this::end);
    lease();
  }

  /// How it is answered if it may not go on by now; empty if it may.
  private Optional<Runnable> denial() {
    return switch (services.authenticator().now(caller)) {
      case Authenticator.Caller now -> {
        caller = now;
        yield denialOf(now.principal());
      }
      case Authenticator.Unknown(Authenticator.Reason reason) ->
          Optional.of(() -> PubsubApi.unknown(call, reason));
      case Authenticator.Barred(Authenticator.Reason reason) ->
          Optional.of(() -> PubsubApi.unknown(call, reason));
    };
  }

  private Optional<Runnable> denialOf(Principal principal) {
    Optional<Subscription> present =
        services
            .directory()
            .subscription(subscription.id())
            .filter(it -> it.number() == subscription.number());
    Optional<Topic> topic = present.flatMap(api::topicOf);
    if (present.isEmpty() || topic.isEmpty()) {
      return Optional.of(() -> call.detail(404, "Subscription not found"));
    }
    return AccessPolicy.mayConsume(principal, present.get(), topic.get())
        ? Optional.empty()
        : Optional.of(() -> PubsubApi.denied(call));
  }

  /// Looks at its rights again, since those of `principalId` have become fewer.
  void recheck(String principalId) {
    if (caller.principal().id().equals(principalId)) {
      guarded(this::endIfDenied);
    }
  }

  private void endIfDenied() {
    if (leasing) {
      // What it gets, it was authorised for; if that is nothing, it must not go on waiting.
      mustRecheck = true;
    } else if (!isOver) {
      denial().ifPresent(this::end);
    }
  }

  // ---- answering ----

  private void end(Runnable answer) {
    finish();
    answer.run();
  }

  private void answerNothing() {
    boolean isExpired = services.time().wallMs() >= caller.expiresAt();
    finish();
    if (isExpired) {
      PubsubApi.unknown(call, Authenticator.Reason.BAD_TOKEN);
    } else {
      call.json(200, PubsubJson.data(List.of(), _ -> new JsonOut(0)));
    }
  }

  private void answer(LeaseMessages.Leased leased) {
    // Nothing that comes from here on may give the messages to nobody.
    try {
      JsonOut body =
          PubsubJson.data(
              leased.messages(),
              it -> PubsubJson.message(leased.subscription(), it, call.loop().timestamps()));
      finish();
      services.metrics().delivered(leased.messages().size());
      call.with(LEASE_ID, new LeaseId(subscription.number(), leased.lease()).toString())
          .json(200, body, () -> giveBack(leased));
    } catch (RuntimeException e) {
      giveBack(leased);
      throw e;
    }
  }

  /// As if they had not been delivered.
  private void giveBack(LeaseMessages.Leased leased) {
    List<Long> sequences =
        leased.messages().stream().map(Delivered::message).map(it -> it.sequence()).toList();
    services
        .node()
        .submit(
            new ReleaseMessages(
                subscription, new Meant(sequences, OptionalLong.of(leased.lease()))),
            call.loop(),
            outcome -> {
              if (outcome instanceof Outcome.Refused<Boolean>(Refusal refusal)) {
                // Their lease ends by itself.
                LOG.debug("messages could not be given back: {}", refusal.detail());
              }
            });
  }

  private void finish() {
    if (!isOver) {
      isOver = true;
      if (timer >= 0) {
        boolean _ = call.loop().context().owner().cancelTimer(timer);
      }
      finished.accept(this);
      if (!leasing) {
        stopWaiting();
      }
    }
  }

  private void stopWaiting() {
    if (isAwaited) {
      isAwaited = false;
      services.node().submit(new StopWaiting(subscription, waiter), call.loop(), _ -> {});
    }
  }
}
