// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.command.ForgetStream;
import dev.tidings.core.command.TrimStream;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Round;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets the store go of the messages of streams that have expired, up to the first that has not,
/// and of the entries of streams that have stored nothing for [#FORGOTTEN_AFTER] and have nothing
/// left.
///
/// It looks only at what the store has. One thread that may block calls it, a few streams at a
/// time; it goes no faster than the store lets go.
public final class StreamSweep {
  private static final Logger LOG = LoggerFactory.getLogger(StreamSweep.class);

  /// How long the entry of a stream stays at least after the last message: each new entry takes a
  /// number that is never given again.
  public static final Duration FORGOTTEN_AFTER = Duration.ofDays(1);

  private static final int PAGE = 256;
  private static final long PAGE_BYTES = 1024 * 1024;

  private final Store store;
  private final Directory directory;
  private final TimeSource time;
  private final Submitter submitter;
  private final Round<DurableStream> round;

  /// Hands commands to the shards.
  public interface Submitter {
    /// Hands in `command` and calls `answered`, from any thread, when it has its answer. What that
    /// is needs no attention, since the next sweep looks again.
    void submit(Command<?> command, Runnable answered);
  }

  /// A sweep over the streams in `directory`, whose messages are in `store`.
  public StreamSweep(Store store, Directory directory, TimeSource time, Submitter submitter) {
    this.store = store;
    this.directory = directory;
    this.time = time;
    this.submitter = submitter;
    this.round = new Round<>(directory::streamAfter);
  }

  /// Looks at the next `max` streams in the order of their ids, going on where the last sweep ended
  /// and at most once round. One that cannot be read is passed over until its turn comes again. An
  /// interrupt ends the sweep.
  public void sweep(int max) {
    Round.Went went = round.on(Math.min(max, directory.streams().size()), this::sweep);
    if (went.failure().isPresent()) {
      LOG.warn(
          "{} streams that could not be read were passed over; the next sweeps try again",
          went.unread(),
          went.failure().get());
    }
  }

  private void sweep(DurableStream stream) throws StoreException, InterruptedException {
    LogExtent extent = store.extent(stream.number());
    if (extent.firstRetained() < extent.nextSequence()) {
      long cut = firstLive(stream, extent);
      if (cut > extent.firstRetained()) {
        submit(new TrimStream(stream, cut));
      }
    } else if (Math.max(stream.createdAt(), extent.lastTimestamp())
        < time.wallMs() - FORGOTTEN_AFTER.toMillis()) {
      submit(new ForgetStream(stream, extent.nextSequence()));
    }
  }

  /// The sequence of the first message that has not expired.
  private long firstLive(DurableStream stream, LogExtent extent) throws StoreException {
    long now = time.wallMs();
    long next = extent.firstRetained();
    // Mostly the first has not expired, and no other need be read.
    int ask = 1;
    while (next < extent.nextSequence()) {
      List<Message> page = store.read(stream.number(), next, ask, PAGE_BYTES).messages();
      for (Message message : page) {
        if (!message.expiredAt(now)) {
          return message.sequence();
        }
        next = message.sequence() + 1;
      }
      if (page.isEmpty()) {
        return next;
      }
      ask = PAGE;
    }
    return next;
  }

  private void submit(Command<?> command) throws InterruptedException {
    round.submit(answered -> submitter.submit(command, answered));
  }
}
