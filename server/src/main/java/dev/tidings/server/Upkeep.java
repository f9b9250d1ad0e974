// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server;

import dev.tidings.core.access.LoginSweep;
import dev.tidings.core.command.ForgetReceipts;
import dev.tidings.core.command.RemoveEntry;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.exchange.BindingSweep;
import dev.tidings.core.log.Retention;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.SerialExecutor;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.stream.StreamSweep;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a server does by itself from time to time, on two threads of its own: it lets go of
/// messages, logins, idempotency keys, consumers, bindings and leases whose time is over. What
/// comes of one command needs no attention, since the next sweep looks again.
final class Upkeep implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);

  /// How late a lease may end.
  private static final Duration LEASE_TICK = Duration.ofMillis(100);

  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /// How long a consumer is remembered that acks nothing.
  private static final Duration CONSUMERS_KEPT = Duration.ofDays(7);

  // How many one sweep looks at, or lets go of.
  private static final int TOPICS = 20_000;
  private static final int LOGINS = 20_000;
  private static final int STREAMS = 20_000;
  private static final int BINDINGS = 100_000;
  private static final int CONSUMERS = 1000;

  private final Node node;
  private final TimeSource time;
  private final SerialExecutor home;
  private final ScheduledExecutorService sweeper =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("upkeep").factory());

  // A thread of its own: a sweep may wait for the store, and whoever waits for a lease to end must
  // not.
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("lease-ends").factory());

  /// Upkeep of `node`.
  ///
  /// @param home where its commands are answered
  Upkeep(Node node, TimeSource time, ServerSettings settings, SerialExecutor home) {
    this.node = node;
    this.time = time;
    this.home = home;
    Retention retention =
        new Retention(
            node.store(),
            node.directory(),
            time,
            settings.retention(),
            settings.backlog(),
            node::transientShare,
            this::submit);
    LoginSweep logins =
        new LoginSweep(node.directory(), time, settings.logins().accessLifetime(), this::submit);
    every(
        settings.sweepInterval(),
        "retention",
        () -> {
          int _ = retention.sweep(TOPICS);
        });
    every(settings.sweepInterval(), "the removal of logins", () -> logins.sweep(LOGINS));
    StreamSweep streams = new StreamSweep(node.store(), node.directory(), time, this::submit);
    every(settings.sweepInterval(), "the expiry of streams", () -> streams.sweep(STREAMS));
    BindingSweep bindings = new BindingSweep(node.directory(), this::submit);
    every(settings.sweepInterval(), "the removal of bindings", () -> bindings.sweep(BINDINGS));
    every(ticker, LEASE_TICK, "ending leases", () -> node.tend(time, home));
    every(SECOND, "freeing keys", () -> node.receipts().makeRoom(time.wallMs()));
    every(MINUTE, "forgetting receipts", this::forgetReceipts);
    every(MINUTE, "forgetting consumers", this::forgetConsumers);
  }

  private void submit(Command<?> command, Runnable answered) {
    node.submit(command, home, _ -> answered.run());
  }

  private void every(Duration interval, String what, Runnable sweep) {
    every(sweeper, interval, what, sweep);
  }

  private static void every(
      ScheduledExecutorService thread, Duration interval, String what, Runnable sweep) {
    Runnable guarded =
        () -> {
          try {
            sweep.run();
          } catch (RuntimeException e) {
            // Thrown on, it would end the schedule.
            LOG.error("{} failed; it is tried again at the next sweep", what, e);
          }
        };
    long ms = interval.toMillis();
    var _ = thread.scheduleWithFixedDelay(guarded, ms, ms, TimeUnit.MILLISECONDS);
  }

  /// One command a slot at most. An expired receipt that stays is found again at the next start.
  private void forgetReceipts() {
    long now = time.wallMs();
    for (int slot : node.receipts().sweep(now)) {
      submit(new ForgetReceipts(slot, now), () -> {});
    }
  }

  private void forgetConsumers() {
    long before = time.wallMs() - CONSUMERS_KEPT.toMillis();
    for (Consumer stale : node.directory().consumersNotHeardOfSince(before, CONSUMERS)) {
      submit(new RemoveEntry(stale), () -> {});
    }
  }

  /// Ends it without waiting for a sweep that is under way.
  @Override
  public void close() {
    sweeper.shutdownNow();
    ticker.shutdownNow();
  }
}
