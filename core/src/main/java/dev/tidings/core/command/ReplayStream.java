// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.ShardState;
import dev.tidings.core.stream.Position;
import dev.tidings.core.stream.Replayed;
import dev.tidings.core.stream.Replaying;
import dev.tidings.core.subscription.MessageLoad;
import dev.tidings.core.subscription.SequenceRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Reads what a stream has stored and is not expired, without consuming it; waits at the end.
///
/// A place whose message has expired since the place was told, or is gone otherwise, is
/// [gone][Replayed.Gone]. What expires further on is passed over: it is not to be delivered any
/// more.
///
/// @param replaying what is wanted; by it the call can be [called off][LeaveStream]
public record ReplayStream(Replaying replaying) implements StreamCommand<Replayed> {
  private static final int PAGE = 256;
  private static final long MAX_BYTES = 4 * 1024 * 1024;

  // Looked at in one go.
  private static final int MAX_PAGES = 16;

  @Override
  public String stream() {
    return replaying.stream();
  }

  @Override
  public Step<Replayed> handle(ShardState state) {
    Optional<Step<Replayed>> damaged = damaged(state);
    if (damaged.isPresent()) {
      return damaged.get();
    }
    if (replaying.isOver()) {
      return Step.done(new Replayed.Nothing());
    }
    long now = state.time().wallMs();
    Position from = replaying.from().orElseGet(() -> Position.beginning(now));
    Optional<DurableStream> entry = state.stream(stream());
    boolean isAtBeginning = from.number() == 0;
    if (!isAtBeginning && entry.filter(it -> it.number() == from.number()).isEmpty()) {
      return Step.done(new Replayed.Gone(Position.beginning(now)));
    }
    if (entry.isEmpty()) {
      return state.streams().await(replaying);
    }
    Optional<Load> missing = missing(state);
    if (missing.isPresent()) {
      return new Step.Needs<>(missing.get());
    }
    TopicLog log = state.log(entry.get().number()).orElseThrow();
    return new Reading(state, log, now).from(from, isAtBeginning);
  }

  /// One pass over the log.
  private final class Reading {
    private final ShardState state;
    private final TopicLog log;
    private final long now;
    private final List<Message> found = new ArrayList<>();
    private long bytes;
    // The first sequence that was neither found nor is known to be gone.
    private long place;

    private Reading(ShardState state, TopicLog log, long now) {
      this.state = state;
      this.log = log;
      this.now = now;
    }

    private Step<Replayed> from(Position from, boolean isAtBeginning) {
      place =
          replaying.reached(
              log.incarnation(), isAtBeginning ? log.firstRetained() : from.sequence());
      if (place < log.firstRetained()) {
        if (!isAtBeginning) {
          return gone(log.firstRetained());
        }
        place = log.firstRetained();
      }
      long next = place;
      for (int pages = 0; next <= log.watermark(); pages++) {
        if (pages == MAX_PAGES) {
          // Others are to have their turn too.
          return found.isEmpty() ? goOn() : found();
        }
        Optional<Page> page = page(next);
        if (page.isEmpty()) {
          return found.isEmpty() ? load(next) : found();
        }
        for (Message message : page.get().messages()) {
          boolean isAfterHole = message.sequence() > place && !isAtBeginning;
          boolean isExpired = message.expiredAt(now);
          if (found.isEmpty()) {
            boolean isNews = isExpired && !message.expiredAt(from.knownAt()) && !isAtBeginning;
            if (isAfterHole || isNews) {
              return gone(message.sequence());
            }
          } else if ((isFull() && !isExpired) || message.sequence() > place) {
            // A hole is told before what follows it.
            return found();
          }
          if (!isExpired) {
            found.add(message);
            bytes += message.size();
          }
          place = message.sequence() + 1;
        }
        next = page.get().through() + 1;
      }
      if (!found.isEmpty()) {
        return found();
      }
      replaying.pass(log.incarnation(), place);
      return state.streams().await(replaying);
    }

    private Step<Replayed> goOn() {
      replaying.pass(log.incarnation(), place);
      return state.streams().goOn(replaying);
    }

    private boolean isFull() {
      return found.size() >= replaying.max() || bytes >= MAX_BYTES;
    }

    /// What the log has from `next` on, if it is in memory.
    private Optional<Page> page(long next) {
      Optional<List<Message>> recent = log.readRecent(next, PAGE, MAX_BYTES);
      if (recent.isPresent()) {
        return Optional.of(new Page(recent.get(), recent.get().getLast().sequence()));
      }
      return state
          .subscriptions()
          .pages()
          .find(log.incarnation(), next)
          .map(page ->
              new Page(
                  page.messages().stream().filter(it -> it.sequence() >= next).toList(),
                  page.through()));
    }

    private Step<Replayed> load(long next) {
      replaying.pass(log.incarnation(), place);
      return new Step.Needs<>(
          MessageLoad.ofLog(
              log, List.of(new SequenceRange(next, Math.min(next + PAGE, log.watermark())))));
    }

    private Step<Replayed> found() {
      state.streams().replayed(stream(), found.size());
      return Step.done(new Replayed.Found(found, new Position(log.incarnation(), place, now)));
    }

    private Step<Replayed> gone(long rest) {
      return Step.done(new Replayed.Gone(new Position(log.incarnation(), rest, now)));
    }
  }

  /// Messages in order, and how far these are all there are.
  private record Page(List<Message> messages, long through) {}
}
