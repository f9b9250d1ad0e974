// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogRun;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What the store retains of one log, as far as it was durable when this was made.
final class RetainedLog {
  private static final int READ_MESSAGES = 256;
  private static final long READ_BYTES = 4 * 1024 * 1024;

  private final int incarnation;
  private final Store store;
  private final LogExtent extent;
  private final long last;

  private RetainedLog(int incarnation, Store store, LogExtent extent, long last) {
    this.incarnation = incarnation;
    this.store = store;
    this.extent = extent;
    this.last = last;
  }

  /// The log with number `incarnation`, one of `logs` if it is in memory.
  static RetainedLog of(int incarnation, Store store, Logs logs) throws StoreException {
    LogExtent extent = store.extent(incarnation);
    long last = extent.nextSequence() - 1;
    // The store may already show what may yet be undone; the watermark tells what may not. It is
    // looked up after the store was asked: a log that is not in memory even then had nothing
    // appended to it since this server started.
    long durable = logs.find(incarnation).map(TopicLog::watermark).orElse(last);
    return new RetainedLog(incarnation, store, extent, Math.min(last, durable));
  }

  int incarnation() {
    return incarnation;
  }

  /// The lowest sequence that may be retained.
  long first() {
    return extent.firstRetained();
  }

  /// The highest sequence that may be retained; below [#first] if nothing is.
  long last() {
    return last;
  }

  /// How many messages are retained.
  long count() throws StoreException {
    return countsAfter(List.of(0L)).getFirst();
  }

  /// How many messages are retained after each of `sequences`.
  List<Long> countsAfter(List<Long> sequences) throws StoreException {
    long all = appendedBelow(last + 1);
    List<Long> counts = new ArrayList<>(sequences.size());
    for (long sequence : sequences) {
      long from = Math.max(sequence + 1, first());
      // A trim may come in between.
      counts.add(from > last ? 0 : Math.max(0, all - appendedBelow(from)));
    }
    return List.copyOf(counts);
  }

  /// How many messages were ever appended below `sequence`. Not a difference of sequences, since
  /// lapses leave holes: each run tells how many came before it.
  private long appendedBelow(long sequence) throws StoreException {
    if (sequence >= extent.nextSequence()) {
      return extent.messagesEver();
    }
    return store
        .runAt(incarnation, sequence)
        .map(run -> run.messagesBefore() + Math.max(0, sequence - run.firstSequence()))
        .orElse(extent.messagesEver());
  }

  /// A stretch of messages, in the log's order.
  ///
  /// @param messages sequences rise
  /// @param whole whether these are all there are between its bounds
  record Stretch(List<Message> messages, boolean whole) {}

  /// Messages from `from` on, as [Store#read] gives them.
  List<Message> from(long from, int maxMessages, long maxBytes) throws StoreException {
    return upTo(last + 1, store.read(incarnation, from, maxMessages, maxBytes).messages());
  }

  /// The messages from `from` to below `end`, or fewer, but at least one if there is any, once
  /// `maxBytes` are reached.
  Stretch between(long from, long end, long maxBytes) throws StoreException {
    List<Message> read = store.read(incarnation, from, (int) (end - from), maxBytes).messages();
    List<Message> messages = upTo(end, read);
    // So many messages as there are sequences can only be cut short by their bytes.
    boolean whole =
        messages.size() < read.size()
            || messages.isEmpty()
            || messages.getLast().sequence() == end - 1
            || bytes(messages) < maxBytes;
    return new Stretch(messages, whole);
  }

  private static List<Message> upTo(long end, List<Message> messages) {
    return messages.stream().takeWhile(message -> message.sequence() < end).toList();
  }

  private static long bytes(List<Message> messages) {
    long bytes = 0;
    for (Message message : messages) {
      bytes += message.size();
    }
    return bytes;
  }

  /// One above the last message below `end`, [#first] if there is none: found in some fifty looks
  /// at most for each direction, however large the hole before `end` is.
  long endBelow(long end) throws StoreException {
    long high = end;
    long low = first();
    for (long step = 1; low < high; step *= 2) {
      long probe = Math.max(low, high - step);
      Optional<LogRun> run = runBelow(probe, high);
      if (run.isPresent()) {
        low = run.get().lastSequence() + 1;
        break;
      }
      high = probe;
    }
    // Something lies right below low, or low is the first; nothing lies from high on.
    while (low < high) {
      long middle = low + (high - low) / 2;
      Optional<LogRun> run = runBelow(middle, high);
      if (run.isPresent()) {
        low = run.get().lastSequence() + 1;
      } else {
        high = middle;
      }
    }
    return Math.min(low, end);
  }

  /// The lowest sequence of a message that was appended at `timestamp`, milliseconds since 1970, or
  /// later; one above [#last] if there is none.
  long firstAtOrAfter(long timestamp) throws StoreException {
    long low = first();
    long high = last + 1;
    Optional<LogRun> holding = Optional.empty();
    // Everything below low was appended before; what lies from high on begins with the run found.
    while (low < high) {
      long middle = low + (high - low) / 2;
      Optional<LogRun> run = runBelow(middle, high);
      if (run.isPresent() && run.get().lastTimestamp() < timestamp) {
        low = run.get().lastSequence() + 1;
      } else {
        long begin = run.map(LogRun::firstSequence).orElse(middle);
        high = Math.max(low, Math.min(middle, begin));
        holding = run.isPresent() ? run : holding;
      }
    }
    return holding.isPresent() ? firstWithin(holding.get(), timestamp) : last + 1;
  }

  private long firstWithin(LogRun run, long timestamp) throws StoreException {
    long from = Math.max(run.firstSequence(), first());
    while (from <= Math.min(run.lastSequence(), last)) {
      List<Message> read = from(from, READ_MESSAGES, READ_BYTES);
      for (Message message : read) {
        if (message.timestamp() >= timestamp) {
          return message.sequence();
        }
      }
      if (read.isEmpty()) {
        break;
      }
      from = read.getLast().sequence() + 1;
    }
    return last + 1;
  }

  /// The run that holds `sequence`, or else the next, if it begins below `end`.
  private Optional<LogRun> runBelow(long sequence, long end) throws StoreException {
    return store.runAt(incarnation, sequence).filter(run -> run.firstSequence() < end);
  }
}
