// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.outbox;

import dev.tidings.core.command.DeliverLeft;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.SerialExecutor;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.Outbox;
import dev.tidings.core.store.OutboxMessage;
import dev.tidings.core.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Brings what applications have left in an [Outbox] into the logs of its topics: each message
/// once, those of one topic in the order of their ids.
///
/// It reads a page, hands in one [DeliverLeft] for each topic in it, and reads again when all are
/// answered. A message that a command took is not in the outbox any more then, and one that no
/// command took still is: nobody has to remember either. Where the outcome of a command stays
/// unknown, nothing is read before the commit lane has learnt it.
///
/// A topic whose messages cannot be delivered, as one that is damaged, is put aside: its messages
/// are left out of what is read until it is tried again, so they do not keep back the others.
///
/// One thread drives it with [#step]; in tests it is cranked by hand.
public final class OutboxPump {
  private static final Logger LOG = LoggerFactory.getLogger(OutboxPump.class);

  /// How often it looks into the outbox if nothing tells it to.
  public static final Duration POLL = Duration.ofMillis(50);

  /// Topics that may be put aside. Beyond that the messages of a further one keep back those that
  /// come after them.
  static final int MAX_ASIDE = 1000;

  static final int PAGE_MESSAGES = 1000;
  static final long PAGE_BYTES = 4L << 20;

  private static final long POLL_NS = POLL.toNanos();
  private static final long RETRY_NS = Duration.ofMillis(50).toNanos();
  private static final long MAX_RETRY_NS = Duration.ofSeconds(2).toNanos();
  // It takes a person, and a new start, to mend it.
  private static final long DAMAGED_RETRY_NS = Duration.ofSeconds(30).toNanos();
  private static final long DROPS_LOGGED_NS = Duration.ofSeconds(10).toNanos();

  private final Node node;
  private final Outbox outbox;
  private final TimeSource time;
  private final SerialExecutor home;

  // Written by the executor that takes the answers, read by the thread that steps.
  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
  private volatile boolean stopping;
  private volatile @Nullable Thread parked;

  // Of the thread that steps.
  private int open;
  private long retryNs = RETRY_NS;
  private long nextReadNs;
  private final Map<String, Aside> aside = new LinkedHashMap<>();
  private boolean cannotRead;
  private boolean cannotAwait;
  private long unloggedDrops;
  private long nextDropLogNs;

  // Written by the thread that steps alone.
  private volatile Figures figures = new Figures(0, 0, 0);

  private record Answer(DeliverLeft command, Outcome<Boolean> outcome) {}

  /// A topic that is tried again later.
  ///
  /// @param dueNs when, by the monotonic clock
  /// @param waitNs how long that is after the last try
  private record Aside(long dueNs, long waitNs) {}

  /// What has become of messages since the start.
  ///
  /// @param delivered messages that left the outbox and are in their logs
  /// @param dropped messages that left it because their topics are gone
  /// @param aside topics whose messages wait because they cannot be delivered
  public record Figures(long delivered, long dropped, int aside) {
    /// Of a store without outbox.
    public static final Figures NONE = new Figures(0, 0, 0);
  }

  /// What [#step] wants next.
  public sealed interface Next {
    /// Another step, at once.
    record Step() implements Next {}

    /// Another step when the commands under way are answered.
    record Answers() implements Next {}

    /// Another step after so long, or earlier if something may have been left.
    ///
    /// @param forNs nanoseconds
    record Messages(long forNs) implements Next {}

    /// Another step after so long: something is in the way.
    ///
    /// @param forNs nanoseconds
    record Pause(long forNs) implements Next {}
  }

  /// A pump from `outbox` into the logs of `node`.
  ///
  /// @param home where its commands are answered
  public OutboxPump(Node node, Outbox outbox, TimeSource time, SerialExecutor home) {
    this.node = node;
    this.outbox = outbox;
    this.time = time;
    this.home = home;
    nextReadNs = time.monotonicNs();
    nextDropLogNs = time.monotonicNs();
  }

  /// What has become of messages. Any thread.
  public Figures figures() {
    return figures;
  }

  /// Does the next thing, and tells what it waits for then.
  public Next step() {
    takeAnswers();
    if (open > 0) {
      return new Next.Answers();
    }
    long waitNs = nextReadNs - time.monotonicNs();
    if (waitNs > 0) {
      return new Next.Pause(waitNs);
    }
    // While it does not accept, the outcome of what was handed in before may still be open, and
    // what is read may be in the log already.
    if (!node.lane().status().accepting()) {
      return pause();
    }
    List<OutboxMessage> page;
    try {
      page = outbox.read(asideNow(), PAGE_MESSAGES, PAGE_BYTES);
    } catch (StoreException | RuntimeException | OutOfMemoryError e) {
      if (!cannotRead) {
        cannotRead = true;
        LOG.warn("the outbox cannot be read; it is tried again", e);
      }
      return pause();
    }
    if (cannotRead) {
      cannotRead = false;
      LOG.info("the outbox can be read again");
    }
    if (page.isEmpty()) {
      retryNs = RETRY_NS;
      forgetDue();
      return new Next.Messages(untilNextAside());
    }
    handIn(page);
    return new Next.Step();
  }

  private Set<String> asideNow() {
    if (aside.isEmpty()) {
      return Set.of();
    }
    long now = time.monotonicNs();
    return aside.entrySet().stream()
        .filter(it -> it.getValue().dueNs() - now > 0)
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
  }

  /// Forgets topics that were tried again and have nothing that waits.
  private void forgetDue() {
    long now = time.monotonicNs();
    if (aside.values().removeIf(it -> it.dueNs() - now <= 0)) {
      figures = new Figures(figures.delivered(), figures.dropped(), aside.size());
    }
  }

  /// Until the next look, which comes earlier if a topic is to be tried again.
  private long untilNextAside() {
    long now = time.monotonicNs();
    long untilNs = POLL_NS;
    for (Aside each : aside.values()) {
      untilNs = Math.min(untilNs, each.dueNs() - now);
    }
    return untilNs;
  }

  private Next pause() {
    long waitNs = retryNs;
    nextReadNs = time.monotonicNs() + waitNs;
    retryNs = Math.min(MAX_RETRY_NS, retryNs * 2);
    return new Next.Pause(waitNs);
  }

  // ---- delivering ----

  private void handIn(List<OutboxMessage> page) {
    Map<String, List<OutboxMessage>> byTopic = new LinkedHashMap<>();
    for (OutboxMessage message : page) {
      byTopic.computeIfAbsent(message.topic(), _ -> new ArrayList<>()).add(message);
    }
    open = byTopic.size();
    byTopic.forEach((topic, messages) -> handIn(new DeliverLeft(topic, messages)));
  }

  private void handIn(DeliverLeft command) {
    try {
      node.submit(
          command,
          home,
          outcome -> {
            answers.add(new Answer(command, outcome));
            wake();
          });
    } catch (RuntimeException e) {
      // An event loop that takes nothing any more: it was not handed in.
      LOG.warn("what was left for topic '{}' could not be handed in", command.topic(), e);
      answers.add(
          new Answer(
              command, Outcome.refused(Refusal.Code.STORE_UNAVAILABLE, "the server is stopping")));
    }
  }

  private void takeAnswers() {
    if (open == 0) {
      return;
    }
    long delivered = 0;
    long dropped = 0;
    boolean mustPause = false;
    for (Answer answer = answers.poll(); answer != null; answer = answers.poll()) {
      open--;
      DeliverLeft command = answer.command();
      int count = command.messages().size();
      switch (answer.outcome()) {
        case Outcome.Done<Boolean>(Boolean isThere) -> {
          aside.remove(command.topic());
          delivered += isThere ? count : 0;
          dropped += isThere ? 0 : count;
          if (!isThere) {
            noteDrop(command.topic(), count);
          }
        }
        case Outcome.Refused<Boolean>(Refusal refusal) ->
            mustPause |= !putAside(command.topic(), refusal);
      }
    }
    Figures now = figures;
    figures = new Figures(now.delivered() + delivered, now.dropped() + dropped, aside.size());
    if (delivered + dropped > 0) {
      retryNs = RETRY_NS;
    }
    if (mustPause) {
      Next _ = pause();
    }
  }

  /// Puts a topic aside if it is its own fault that nothing can be appended; false if it is not, or
  /// there are too many.
  private boolean putAside(String topic, Refusal refusal) {
    boolean isOfTopic =
        switch (refusal.code()) {
          case OVERLOADED, OUTCOME_UNKNOWN, FENCED -> false;
          // Its log cannot be opened, unless it is the lane that takes nothing.
          case STORE_UNAVAILABLE -> node.lane().status().accepting();
          case DAMAGED,
              INTERNAL,
              TOPIC_EXISTS,
              TOPIC_MISSING,
              ALREADY_GRANTED,
              NOT_GRANTED,
              USER_MISSING,
              USER_EXISTS,
              SUBSCRIPTION_EXISTS,
              SUBSCRIPTION_MISSING,
              STREAM_MISSING,
              STREAM_DELETED,
              NO_BUFFER,
              EXCHANGE_EXISTS,
              EXCHANGE_MISSING,
              QUEUE_EXISTS,
              QUEUE_MISSING,
              BINDING_MISSING,
              CLIENT_MISSING,
              LIMIT_REACHED,
              KEY_REUSED,
              TOO_MANY_KEYS,
              STALE_AUTHORITY,
              EXHAUSTED ->
              true;
        };
    if (!isOfTopic) {
      return false;
    }
    Aside before = aside.get(topic);
    if (before == null) {
      if (aside.size() >= MAX_ASIDE) {
        return false;
      }
      LOG.warn(
          "what was left in the outbox for topic '{}' waits there: {}", topic, refusal.detail());
    }
    long waitNs =
        refusal.code() == Refusal.Code.DAMAGED
            ? DAMAGED_RETRY_NS
            : before == null ? RETRY_NS : Math.min(MAX_RETRY_NS, before.waitNs() * 2);
    aside.put(topic, new Aside(time.monotonicNs() + waitNs, waitNs));
    return true;
  }

  /// Tells the operator, every so often: an application may go on for long.
  private void noteDrop(String topic, int count) {
    unloggedDrops += count;
    long now = time.monotonicNs();
    if (now - nextDropLogNs >= 0) {
      LOG.warn(
          "{} messages were dropped from the outbox, as their topics are gone; the last was for"
              + " topic '{}'",
          unloggedDrops,
          topic);
      unloggedDrops = 0;
      nextDropLogNs = now + DROPS_LOGGED_NS;
    }
  }

  // ---- running ----

  /// Steps until [#stop], sleeping when there is nothing to do. Then it closes the outbox; what was
  /// handed in by then is delivered or not, and not waited for.
  public void run() {
    try {
      while (!stopping) {
        await(stepOrPause());
      }
    } catch (InterruptedException e) {
      LOG.warn("interrupted; what is left in the outbox waits for the next start", e);
      Thread.currentThread().interrupt();
    } catch (Error e) {
      LOG.error("nothing is delivered from the outbox until the server is started anew", e);
      throw e;
    } finally {
      outbox.close();
    }
  }

  private Next stepOrPause() {
    try {
      return step();
    } catch (RuntimeException e) {
      // Thrown on, it would end the thread, and nothing would be delivered any more.
      LOG.error("a fault while delivering from the outbox; it is tried again", e);
      return pause();
    }
  }

  private void await(Next next) throws InterruptedException {
    switch (next) {
      case Next.Step() -> {}
      case Next.Answers() -> park(MAX_RETRY_NS);
      case Next.Pause(long forNs) -> park(forNs);
      case Next.Messages(long forNs) -> {
        try {
          outbox.await(Duration.ofNanos(forNs));
          cannotAwait = false;
        } catch (StoreException | RuntimeException e) {
          if (!cannotAwait) {
            cannotAwait = true;
            LOG.warn("nothing tells when something is left in the outbox; it is polled", e);
          }
          park(forNs);
        }
      }
    }
  }

  private void park(long forNs) throws InterruptedException {
    parked = Thread.currentThread();
    if (answers.isEmpty() && !stopping) {
      LockSupport.parkNanos(this, forNs);
    }
    parked = null;
    if (Thread.interrupted()) {
      throw new InterruptedException("while waiting to deliver from the outbox");
    }
  }

  /// Ends [#run], within the time that one call of the outbox takes. Any thread.
  public void stop() {
    stopping = true;
    wake();
  }

  private void wake() {
    Thread sleeper = parked;
    if (sleeper != null) {
      LockSupport.unpark(sleeper);
    }
  }
}
