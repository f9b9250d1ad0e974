// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.command.AckMessages;
import dev.tidings.core.command.LeaseMessages;
import dev.tidings.core.command.NackMessages;
import dev.tidings.core.command.ReleaseMessages;
import dev.tidings.core.command.StopWaiting;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.subscription.Deliveries.Meant;
import dev.tidings.core.subscription.Waiter;
import dev.tidings.server.wire.SocketWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes messages of one queue of mode work for one socket: leases as many as may be under way,
/// writes them while the socket takes them, and acks what is written unless the client does.
///
/// While there are none it waits to be called. Whoever is called stands for all others who wait, so
/// if the socket has no room by then, the next is called in its place.
///
/// Touched by its event loop alone, but for its waiter.
final class QueueWorker {
  private static final Logger LOG = LoggerFactory.getLogger(QueueWorker.class);
  private static final int MAX_ACKS = 10_000;

  // A lease for each message would be a command for each when they are nacked or given back.
  private static final int STEPS = 4;
  private static final long NS_PER_MS = 1_000_000;

  private final ExchangeSockets group;
  private final ExchangeSocket socket;
  private final Subscription subscription;
  private final boolean isManual;
  private final int prefetch;
  private final Waiter waiter = this::wake;
  private final Deque<Taken> unwritten = new ArrayDeque<>();
  // Written, or on their way to the socket, and not acked; by sequence.
  private final Map<Long, Taken> held = new LinkedHashMap<>();
  // What was acked since the last command of acks, one of which is under way at a time.
  private final Set<Long> acks = new LinkedHashSet<>();
  private boolean acking;
  private boolean leasing;
  // Whether the core may still call the waiter; whether it has while a lease was on its way.
  private boolean isAwaited;
  private boolean isCalled;
  private boolean wasFull;
  private boolean isOver;
  private boolean isGone;

  /// A message that was leased.
  private static final class Taken {
    private final long sequence;
    private final long lease;
    private final long endNs;
    private boolean isWritten;
    // Until its frame is handed to the socket: what is only waited for needs no bytes.
    private @Nullable Message message;

    private Taken(Message message, long lease, long endNs) {
      this.sequence = message.sequence();
      this.message = message;
      this.lease = lease;
      this.endNs = endNs;
    }

    private long sequence() {
      return sequence;
    }
  }

  QueueWorker(
      ExchangeSockets group, ExchangeSocket socket, Subscription subscription, QueueWish wish) {
    this.group = group;
    this.socket = socket;
    this.subscription = subscription;
    this.isManual = wish.isManual();
    this.prefetch = wish.limit();
  }

  /// The number that the ids of its messages have.
  int incarnation() {
    return subscription.incarnation();
  }

  private <R> void submit(Command<R> command, Consumer<Outcome<R>> then) {
    group.services().node().submit(command, group.loop(), then);
  }

  // ---- leasing ----

  /// Writes what it has and takes more, as far as the socket does.
  void proceed() {
    write();
    if (!isOver && !leasing && !isAwaited && hasRoom()) {
      lease();
    }
  }

  private boolean hasRoom() {
    return unwritten.isEmpty()
        && prefetch - held.size() >= Math.max(1, prefetch / STEPS)
        && acks.size() < MAX_ACKS
        && socket.client().writer().isWritable();
  }

  private void lease() {
    leasing = true;
    isCalled = false;
    isAwaited = true;
    submit(
        new LeaseMessages(
            subscription, prefetch - held.size(), OptionalLong.empty(), Optional.of(waiter)),
        this::leased);
  }

  private void leased(Outcome<LeaseMessages.Leased> outcome) {
    leasing = false;
    switch (outcome) {
      case Outcome.Done<LeaseMessages.Leased>(LeaseMessages.Leased leased) -> {
        if (leased.messages().isEmpty()) {
          foundNothing();
        } else {
          // Who gets something is not called.
          isAwaited = false;
          take(leased);
        }
      }
      case Outcome.Refused<LeaseMessages.Leased>(Refusal refusal) -> {
        stopWaiting();
        boolean isBroken =
            refusal.code() == Refusal.Code.DAMAGED || refusal.code() == Refusal.Code.INTERNAL;
        if (isBroken && !isOver) {
          LOG.warn("queue {} cannot be consumed: {}", subscription.id(), refusal.detail());
          socket.unavailable(subscription.id());
        } else {
          // A queue that is gone is told by the cursor; anything else is tried again at the tick.
          LOG.debug("a queue cannot be consumed now: {}", refusal.detail());
        }
      }
    }
  }

  private void foundNothing() {
    if (isOver) {
      stopWaiting();
    } else if (isCalled) {
      called();
    }
  }

  private void take(LeaseMessages.Leased leased) {
    long forMs =
        leased.subscription().policy().ackDeadlineMs().orElse(group.services().ackDeadlineMs());
    long endNs = group.services().time().monotonicNs() + forMs * NS_PER_MS;
    List<Taken> taken =
        leased.messages().stream()
            .map(it -> new Taken(it.message(), leased.lease(), endNs))
            .toList();
    if (isOver) {
      giveBack(taken);
    } else {
      group.services().leases().delivered(taken.size());
      unwritten.addAll(taken);
      proceed();
    }
  }

  /// Called on the shard's executor.
  private boolean wake() {
    try {
      group.loop().execute(this::called);
      return true;
    } catch (RejectedExecutionException _) {
      // The server stops.
      return false;
    }
  }

  private void called() {
    if (leasing) {
      isCalled = true;
    } else if (!isOver && hasRoom()) {
      lease();
    } else {
      // The next is called in its place, whatever became of its own wait.
      isAwaited = true;
      stopWaiting();
    }
  }

  private void stopWaiting() {
    if (isAwaited) {
      isAwaited = false;
      submit(new StopWaiting(subscription, waiter), _ -> {});
    }
  }

  // ---- writing ----

  private void write() {
    SocketWriter writer = socket.client().writer();
    List<Taken> batch = new ArrayList<>();
    while (!isOver && !unwritten.isEmpty() && writer.isWritable()) {
      Taken next = unwritten.removeFirst();
      Message message = Objects.requireNonNull(next.message);
      next.message = null;
      writer.write(ExchangeFrames.message(message, subscription.incarnation()));
      held.put(next.sequence(), next);
      batch.add(next);
    }
    if (!batch.isEmpty()) {
      group.metrics().delivered(batch.size());
      writer.whenWritten(isWritten -> written(batch, isWritten));
      socket.client().flushAtTurnEnd();
    }
  }

  /// The frames of `batch` are with the operating system, or never will be.
  private void written(List<Taken> batch, boolean isWritten) {
    List<Taken> present = batch.stream().filter(it -> held.get(it.sequence()) == it).toList();
    if (!isWritten) {
      forget(present);
      giveBack(present);
    } else if (!isManual) {
      forget(present);
      ack(batch.stream().map(Taken::sequence).toList());
    } else if (isOver) {
      forget(present);
      settle(present);
    } else {
      present.forEach(it -> it.isWritten = true);
    }
    proceed();
  }

  private void forget(List<Taken> taken) {
    taken.forEach(it -> held.remove(it.sequence(), it));
  }

  // ---- what became of them ----

  /// Acks messages, whether or not this socket was given them.
  void ack(Collection<Long> sequences) {
    acks.addAll(sequences);
    sequences.forEach(held::remove);
    sendAcks();
    if (!isOver) {
      socket.listen();
      proceed();
    }
  }

  private void sendAcks() {
    if (acking || acks.isEmpty()) {
      return;
    }
    acking = true;
    List<Long> sent = List.copyOf(acks);
    acks.clear();
    submit(
        new AckMessages(subscription, new Meant(sent, OptionalLong.empty())),
        outcome -> {
          acking = false;
          boolean isLater =
              outcome instanceof Outcome.Refused<Long>(Refusal refusal)
                  && refusal.code().fault() == Refusal.Fault.SERVER
                  && refusal.code().retryable();
          if (!isLater) {
            sendAcks();
          } else if (!isOver) {
            // At the next tick.
            acks.addAll(sent);
          }
          if (!isOver) {
            socket.listen();
            proceed();
          }
        });
  }

  /// Whether as much was acked as may wait to be noted.
  boolean isBusy() {
    return acks.size() >= MAX_ACKS;
  }

  /// Nacks those of these messages that this socket has been given.
  void nack(Collection<Long> sequences, OptionalLong delayMs) {
    List<Taken> meant = new ArrayList<>();
    for (Long sequence : sequences) {
      Taken taken = held.remove(sequence);
      if (taken != null) {
        meant.add(taken);
      }
    }
    nackTaken(meant, delayMs);
    proceed();
  }

  private void nackTaken(List<Taken> taken, OptionalLong delayMs) {
    group.services().leases().nacked(taken.size());
    byLease(taken)
        .forEach((lease, sequences) ->
            submitNack(new Meant(sequences, OptionalLong.of(lease)), delayMs));
  }

  /// Those that become dead letters are handled as many at a time as their copies allow.
  private void submitNack(Meant meant, OptionalLong delayMs) {
    submit(
        new NackMessages(subscription, meant, delayMs),
        outcome -> {
          switch (outcome) {
            case Outcome.Done<List<Long>>(List<Long> rest) -> {
              if (!rest.isEmpty()) {
                submitNack(new Meant(rest, meant.lease()), delayMs);
              }
            }
            // Their lease ends by itself.
            case Outcome.Refused<List<Long>>(Refusal refusal) ->
                LOG.debug("messages could not be nacked: {}", refusal.detail());
          }
        });
  }

  /// As if they had not been delivered.
  private void giveBack(Collection<Taken> taken) {
    byLease(taken)
        .forEach((lease, sequences) ->
            submit(
                new ReleaseMessages(subscription, new Meant(sequences, OptionalLong.of(lease))),
                outcome -> {
                  if (outcome instanceof Outcome.Refused<Boolean>(Refusal refusal)) {
                    // Their lease ends by itself.
                    LOG.debug("messages could not be given back: {}", refusal.detail());
                  }
                }));
  }

  private static Map<Long, List<Long>> byLease(Collection<Taken> taken) {
    Map<Long, List<Long>> byLease = new HashMap<>();
    taken.forEach(
        it -> byLease.computeIfAbsent(it.lease, _ -> new ArrayList<>()).add(it.sequence()));
    return byLease;
  }

  // ---- time and end ----

  /// Looks after the time: called about once a second.
  void tick(long nowNs) {
    held.values().removeIf(it -> it.isWritten && nowNs - it.endNs > 0);
    boolean isFull = !socket.client().writer().isWritable();
    if (isFull && wasFull && !unwritten.isEmpty()) {
      // Others may take them.
      giveBack(unwritten);
      unwritten.clear();
    }
    wasFull = isFull;
    sendAcks();
    proceed();
  }

  /// Ends it: what was not written is given back, and what is not acked, too, or has failed if the
  /// client is gone.
  void stop(boolean clientIsGone) {
    isOver = true;
    isGone = clientIsGone;
    giveBack(unwritten);
    unwritten.clear();
    // Those that are on their way to the socket are settled when that is over.
    List<Taken> given = held.values().stream().filter(it -> it.isWritten).toList();
    forget(given);
    settle(given);
    if (!leasing) {
      stopWaiting();
    }
  }

  private void settle(List<Taken> given) {
    if (given.isEmpty()) {
      return;
    }
    if (isGone) {
      nackTaken(given, OptionalLong.empty());
    } else {
      giveBack(given);
    }
  }
}
