// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.message.Message;
import dev.tidings.core.store.StoreRecord;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A command on its way: who asked, what came of it, and what must be durable before that is said.
///
/// @param <R> what the command yields when done
final class Submission<R> {
  private static final Logger LOG = LoggerFactory.getLogger(Submission.class);

  private final Command<R> command;
  private final Shard shard;
  private final SerialExecutor home;
  private final Consumer<Outcome<R>> reply;
  private final Backlog backlog;
  private final long size;
  // What its answer and its records hold beyond that.
  private long found;
  private List<StoreRecord> records = List.of();
  private Outcome<R> outcome;
  private boolean parked;
  private boolean released;

  Submission(
      Command<R> command,
      Shard shard,
      SerialExecutor home,
      Consumer<Outcome<R>> reply,
      Backlog backlog) {
    this.command = command;
    this.shard = shard;
    this.home = home;
    this.reply = reply;
    this.backlog = backlog;
    this.size = command.size();
    this.outcome = Outcome.refused(Refusal.Code.INTERNAL, "the command was never handled");
  }

  Command<R> command() {
    return command;
  }

  Shard shard() {
    return shard;
  }

  SerialExecutor home() {
    return home;
  }

  long size() {
    return size + found;
  }

  List<StoreRecord> records() {
    return records;
  }

  /// It waits for something to happen, which may take long: until it is answered it does not count
  /// as waiting for the store.
  void park() {
    parked = true;
    backlog.release(size());
  }

  /// Notes the answer, to be released when `records` are durable.
  void answered(Outcome<R> answer, List<StoreRecord> emitted) {
    outcome = answer;
    records = emitted;
    if (parked) {
      return;
    }
    long holds = bytesOf(answer) + bytesOf(emitted);
    backlog.hold(holds - found);
    found = holds;
  }

  /// What it gives may be far larger than what was asked: messages that were found for it.
  private static long bytesOf(Outcome<?> answer) {
    return answer instanceof Outcome.Done<?>(Command.Sized sized) ? sized.bytes() : 0;
  }

  private static long bytesOf(List<StoreRecord> emitted) {
    long bytes = 0;
    for (StoreRecord record : emitted) {
      if (record instanceof StoreRecord.DeadLettersKept kept) {
        for (Message copy : kept.messages()) {
          bytes += copy.size();
        }
      }
    }
    return bytes;
  }

  /// Replaces the answer: what it rests on is not durable.
  void refuse(Refusal refusal) {
    outcome = new Outcome.Refused<>(refusal);
  }

  /// Gives the answer, the first time it is called. Runs on [#home].
  void release() {
    if (released) {
      return;
    }
    released = true;
    if (!parked) {
      backlog.release(size());
    }
    try {
      reply.accept(outcome);
    } catch (Throwable e) {
      // One caller's fault must not keep the others from their answers.
      LOG.error("a caller failed to take its answer", e);
    }
  }
}
