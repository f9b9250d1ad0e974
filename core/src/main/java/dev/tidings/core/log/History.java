// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.SerialExecutor;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What logs retain, and what waits to be appended to them, for callers who look at it page by
/// page, forwards or backwards, and then go away: cursors are for those who stay.
///
/// Everything is read from the store, away from shards and event loops, and nothing above what is
/// durable is shown. At most [#MAX_IN_FLIGHT] questions are under way at once; further ones are
/// refused. Any thread may ask.
public final class History {
  private static final Logger LOG = LoggerFactory.getLogger(History.class);

  private static final long MAX_BYTES = 4L << 20;

  /// Questions under way at once. Each may hold a page of 4 MiB and one message more.
  public static final int MAX_IN_FLIGHT = 32;

  private final Store store;
  private final Logs logs;
  private final Executor blocking;
  private final TimeSource time;
  private final Semaphore inFlight = new Semaphore(MAX_IN_FLIGHT);

  /// Which way a page goes.
  public enum Order {
    /// The oldest message first.
    ASCENDING,
    /// The newest message first.
    DESCENDING
  }

  /// A question for a page.
  ///
  /// @param incarnation the number of the log
  /// @param order which way it goes
  /// @param after the place it begins behind, in the order of the page: the id of a message of this
  ///   log, or one without incarnation, which names the place before everything. Without it the
  ///   page begins at the end of the log its order begins with; so it does with an id this log
  ///   never gave
  /// @param limit how many messages at most, 1 or more
  public record Question(int incarnation, Order order, Optional<MessageId> after, int limit) {
    public Question {
      if (limit < 1) {
        throw new IllegalArgumentException("limit: " + limit + " (expected: 1 or more)");
      }
    }
  }

  /// Retained messages that have not expired, in the order asked for.
  ///
  /// @param messages as many as were asked for, unless the log ends before or the page is full: a
  ///   page holds 4 MiB and looks at some ten thousand messages, expired ones included
  /// @param gaps what is missing between the place it began behind and its last message
  /// @param retained how many messages the log retains, expired ones included
  /// @param next the place to go on behind: the last message, or what has expired behind it, or, in
  ///   a page that had looked at enough, whatever it had come to. Empty if the log ended and no
  ///   message was found
  public record Page(
      List<Message> messages, List<Gap> gaps, long retained, Optional<MessageId> next) {
    public Page {
      messages = List.copyOf(messages);
      gaps = List.copyOf(gaps);
    }
  }

  /// Messages that are gone, or were never there after a lapse.
  ///
  /// @param from the place before them
  /// @param to the place after them, whatever the order of the page
  public record Gap(MessageId from, MessageId to) {}

  /// The history of the logs in `store`, read on `blocking`.
  ///
  /// @param logs those in memory, which know how much of them is durable
  public History(Store store, Logs logs, Executor blocking, TimeSource time) {
    this.store = store;
    this.logs = logs;
    this.blocking = blocking;
    this.time = time;
  }

  /// Reads a page and hands it to `then` on `home`.
  public void page(Question question, SerialExecutor home, Consumer<Outcome<Page>> then) {
    ask(
        question.incarnation(),
        log -> new PageReader(log, question, time.wallMs()).read(),
        home,
        then);
  }

  /// Counts, for each of `sequences`, the retained messages of the log with number `incarnation`
  /// that lie after it, expired ones included, and hands the counts to `then` on `home`. They are
  /// exact: they come from the totals that runs carry, and holes count for nothing; but a damaged
  /// message counts, if there is one before it that is not.
  public void messagesAfter(
      int incarnation,
      List<Long> sequences,
      SerialExecutor home,
      Consumer<Outcome<List<Long>>> then) {
    List<Long> asked = List.copyOf(sequences);
    ask(incarnation, log -> log.countsAfter(asked), home, then);
  }

  /// Finds the first retained message of the log with number `incarnation` that was appended at
  /// `timestamp`, milliseconds since 1970, or later, expired ones included, and hands its sequence
  /// to `then` on `home`: one above the last durable message if there is none.
  public void firstAtOrAfter(
      int incarnation, long timestamp, SerialExecutor home, Consumer<Outcome<Long>> then) {
    ask(incarnation, log -> log.firstAtOrAfter(timestamp), home, then);
  }

  /// Reads messages that wait until they are due and go to the log with number `incarnation`, in
  /// the order of their ids, and hands them to `then` on `home`: 4 MiB at most, but at least one if
  /// there is any.
  ///
  /// @param from the lowest id
  /// @param skip how many from there on are passed over; it takes time in proportion
  /// @param limit how many at most
  public void scheduled(
      int incarnation,
      ScheduledId from,
      int skip,
      int limit,
      SerialExecutor home,
      Consumer<Outcome<List<ScheduledMessage>>> then) {
    ask(
        incarnation,
        () -> store.readScheduledOf(incarnation, from, skip, limit, MAX_BYTES),
        home,
        then);
  }

  private interface Answer<T> {
    T from(RetainedLog log) throws StoreException;
  }

  private interface Reading<T> {
    T read() throws StoreException;
  }

  private <T> void ask(
      int incarnation, Answer<T> answer, SerialExecutor home, Consumer<Outcome<T>> then) {
    ask(incarnation, () -> answer.from(RetainedLog.of(incarnation, store, logs)), home, then);
  }

  private <T> void ask(
      int incarnation, Reading<T> reading, SerialExecutor home, Consumer<Outcome<T>> then) {
    if (!inFlight.tryAcquire()) {
      Outcome<T> busy =
          Outcome.refused(
              Refusal.Code.OVERLOADED,
              MAX_IN_FLIGHT + " reads of retained messages are under way (limit); try again");
      home.execute(() -> then.accept(busy));
      return;
    }
    try {
      blocking.execute(() -> {
        Outcome<T> outcome = read(incarnation, reading);
        home.execute(() -> answered(outcome, then));
      });
    } catch (RejectedExecutionException | Error e) {
      Outcome<T> refused = unreadable(incarnation, e);
      home.execute(() -> answered(refused, then));
    }
  }

  /// Under way until here: what was read is in memory until its caller has made an answer of it.
  private <T> void answered(Outcome<T> outcome, Consumer<Outcome<T>> then) {
    try {
      then.accept(outcome);
    } finally {
      inFlight.release();
    }
  }

  private static <T> Outcome<T> read(int incarnation, Reading<T> reading) {
    try {
      return Outcome.done(reading.read());
    } catch (Throwable e) {
      // Whatever it is, whoever waits must hear of it.
      return unreadable(incarnation, e);
    }
  }

  private static <T> Outcome<T> unreadable(int incarnation, Throwable e) {
    LOG.warn("log {} could not be read", incarnation, e);
    // What the store says may name files of this machine: that stays in the log.
    return Outcome.refused(
        Refusal.Code.STORE_UNAVAILABLE, "the messages cannot be read now; try again");
  }
}
