// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.runtime.Round;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogRun;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.TransientStore;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets topics go of their oldest messages, by age, count and bytes.
///
/// It looks only at what the store has and finds where to cut by binary search over its runs, so it
/// needs no log in memory and reads no messages. Sequences may jump, so what lies between two of
/// them is never counted by their difference, only by what a run says lies before it. One thread
/// that may block calls it, a few topics at a time; it goes no faster than the store lets go, so
/// that publishers find room beside it.
public final class Retention {
  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  private final Store store;
  private final Directory directory;
  private final TimeSource time;
  private final Limits defaults;
  private final Limits backlog;
  private final LongSupplier transientShare;
  private final Trimmer trimmer;
  private final Round<Topic> round;
  // At the beginning of the sweep.
  private long share;

  /// What a topic may retain; the strictest counts.
  ///
  /// @param maxAgeMs messages older than so many milliseconds go, by whole runs: a run stays while
  ///   its newest message does; 0 is unbounded
  /// @param maxMessages so many of the newest messages stay, exactly; 0 is unbounded
  /// @param maxBytes so many of the newest bytes of payload and metadata stay, and the rest of the
  ///   run they begin in; 0 is unbounded
  public record Limits(long maxAgeMs, long maxMessages, long maxBytes) {
    public Limits {
      check("maxAgeMs", maxAgeMs);
      check("maxMessages", maxMessages);
      check("maxBytes", maxBytes);
    }

    private static void check(String name, long value) {
      if (value < 0) {
        throw new IllegalArgumentException(
            name + ": " + value + " (expected: 1 or more, or 0 for unbounded)");
      }
    }

    private boolean isUnbounded() {
      return maxAgeMs == 0 && maxMessages == 0 && maxBytes == 0;
    }

    /// These limits, but for what `topic` says itself.
    private Limits of(Topic topic) {
      TopicRetention own = topic.retention();
      return own.equals(TopicRetention.DEFAULT)
          ? this
          : new Limits(
              own.maxAgeMs().orElse(maxAgeMs),
              own.maxMessages().orElse(maxMessages),
              own.maxBytes().orElse(maxBytes));
    }
  }

  /// Hands a command to the shard that owns its topic.
  public interface Trimmer {
    /// Trims a log and calls `answered`, from any thread, when the command has its answer. What
    /// that is, also a refusal, needs no attention, since the next sweep looks again.
    void trim(TrimLog command, Runnable answered);
  }

  /// Retention of the topics in `directory`, whose messages are in `store`.
  ///
  /// @param backlog what a topic may retain because its subscriptions need it
  /// @param transientShare tells how many bytes a transient broadcast queue may hold; 0 is
  ///   unbounded
  public Retention(
      Store store,
      Directory directory,
      TimeSource time,
      Limits defaults,
      Limits backlog,
      LongSupplier transientShare,
      Trimmer trimmer) {
    this.store = store;
    this.directory = directory;
    this.time = time;
    this.defaults = defaults;
    this.backlog = backlog;
    this.transientShare = transientShare;
    this.trimmer = trimmer;
    this.round = new Round<>(directory::topicAfter);
  }

  /// Looks at the next `maxTopics` topics in the order of their names, going on where the last
  /// sweep ended and at most once round. A topic whose log cannot be read is passed over until its
  /// turn comes again. An interrupt ends the sweep.
  ///
  /// @return how many topics were passed over because the store could not be read
  public int sweep(int maxTopics) {
    share = transientShare.getAsLong();
    Round.Went went = round.on(Math.min(maxTopics, directory.topics().size()), this::trim);
    if (went.failure().isPresent()) {
      LOG.warn(
          "retention passed over {} topics whose logs could not be read; the next sweeps try again",
          went.unread(),
          went.failure().get());
    }
    return went.unread();
  }

  private void trim(Topic topic) throws StoreException, InterruptedException {
    boolean isDamaged =
        Queue.isReserved(topic.name())
            && directory.damageOfQueue(Queue.ofTopic(topic.name())).isPresent();
    if (isDamaged) {
      // What of it is still needed cannot be known.
      return;
    }
    Optional<Queue> queue = directory.queueOf(topic);
    Limits limits = defaults.of(topic);
    if (queue.isEmpty() && limits.isUnbounded()) {
      return;
    }
    LogExtent extent = store.extent(topic.incarnation());
    // A queue keeps what its subscription needs, and nothing else.
    long cut = queue.isPresent() ? extent.nextSequence() : cut(topic, extent, limits);
    if (cut > extent.firstRetained()) {
      boolean isNeeded = !directory.subscriptionsOf(topic).isEmpty();
      long expired = expired(topic, queue, extent);
      long forced = isNeeded ? Math.min(cut, Math.max(expired, forced(topic, queue, extent))) : cut;
      round.submit(answered -> trimmer.trim(new TrimLog(topic, cut, forced, expired), answered));
    }
  }

  /// One above what goes whether subscriptions need it or not.
  private long forced(Topic topic, Optional<Queue> queue, LogExtent extent) throws StoreException {
    long forced = cut(topic, extent, backlog);
    // Where nobody has to ack and memory is what is scarce.
    if (queue.isPresent() && !queue.get().durable() && queue.get().mode() == Queue.Mode.BROADCAST) {
      forced = Math.max(forced, cutByShare(topic, extent));
    }
    return forced;
  }

  /// One above what goes so that a log in memory takes no more than its share.
  private long cutByShare(Topic topic, LogExtent extent) throws StoreException {
    long dropped = heap(extent.bytesEver(), extent.messagesEver()) - share;
    if (share == 0 || dropped <= 0) {
      return extent.firstRetained();
    }
    return firstKept(
            topic,
            extent,
            run ->
                heap(run.bytesBefore() + run.bytes(), run.messagesBefore() + messagesIn(run))
                    > dropped)
        .sequence();
  }

  private static long heap(long bytes, long messages) {
    return bytes + messages * TransientStore.OVERHEAD;
  }

  /// One above what has expired by the ttl of the queue; 0 if it has none.
  private long expired(Topic topic, Optional<Queue> queue, LogExtent extent) throws StoreException {
    OptionalLong ttlMs = queue.map(it -> it.bounds().messageTtlMs()).orElse(OptionalLong.empty());
    return ttlMs.isPresent() ? cutByAge(topic, extent, new Limits(ttlMs.getAsLong(), 0, 0)) : 0;
  }

  private long cut(Topic topic, LogExtent extent, Limits limits) throws StoreException {
    return Math.max(
        cutByAge(topic, extent, limits),
        Math.max(cutByCount(topic, extent, limits), cutByBytes(topic, extent, limits)));
  }

  private long cutByAge(Topic topic, LogExtent extent, Limits limits) throws StoreException {
    if (limits.maxAgeMs() == 0) {
      return extent.firstRetained();
    }
    long oldest = time.wallMs() - limits.maxAgeMs();
    return firstKept(topic, extent, run -> run.lastTimestamp() >= oldest).sequence();
  }

  private long cutByCount(Topic topic, LogExtent extent, Limits limits) throws StoreException {
    long dropped = extent.messagesEver() - limits.maxMessages();
    if (limits.maxMessages() == 0 || dropped <= 0) {
      return extent.firstRetained();
    }
    Kept kept = firstKept(topic, extent, run -> run.messagesBefore() + messagesIn(run) > dropped);
    // Within one run sequences are consecutive.
    return kept.run()
        .map(run -> Math.max(kept.sequence(), run.firstSequence() + dropped - run.messagesBefore()))
        .orElse(kept.sequence());
  }

  private long cutByBytes(Topic topic, LogExtent extent, Limits limits) throws StoreException {
    long dropped = extent.bytesEver() - limits.maxBytes();
    if (limits.maxBytes() == 0 || dropped <= 0) {
      return extent.firstRetained();
    }
    return firstKept(topic, extent, run -> run.bytesBefore() + run.bytes() > dropped).sequence();
  }

  private static long messagesIn(LogRun run) {
    return run.lastSequence() - run.firstSequence() + 1;
  }

  /// Where what is kept begins.
  ///
  /// @param sequence one above the last sequence that goes
  /// @param run the first run that is kept; empty if nothing is
  private record Kept(long sequence, Optional<LogRun> run) {}

  /// The first run that is to be kept, given that all runs after one that is kept are kept too.
  private Kept firstKept(Topic topic, LogExtent extent, Predicate<LogRun> isKept)
      throws StoreException {
    Kept kept = new Kept(extent.firstRetained(), Optional.empty());
    long low = extent.firstRetained();
    long high = extent.nextSequence();
    while (low < high) {
      // The first look is at the oldest run: mostly there is nothing to trim.
      long middle = low == extent.firstRetained() ? low : low + (high - low) / 2;
      Optional<LogRun> run = store.runAt(topic.incarnation(), middle);
      if (run.isPresent() && !isKept.test(run.get())) {
        low = run.get().lastSequence() + 1;
        kept = new Kept(low, kept.run());
      } else {
        high = Math.max(low, Math.min(middle, run.map(LogRun::firstSequence).orElse(middle)));
        kept = new Kept(kept.sequence(), run.or(kept::run));
      }
    }
    return kept;
  }
}
