// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.server.auth.Authenticator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// One socket's subscription to one queue, also to one that is yet to be created or created anew.
///
/// It has a cursor on the queue's log, by which it learns that the queue comes and goes. Of a queue
/// of mode broadcast the cursor gives the messages too; of one of mode work a [QueueWorker] does.
final class QueueReader implements Reader {
  private final ExchangeSockets group;
  private final ExchangeSocket socket;
  private final String queue;
  private final QueueWish wish;
  private @Nullable Cursor cursor;
  private @Nullable Cursor endedEarly;
  // Of the queue that is read; empty while there is none.
  private Optional<Queue.Mode> mode = Optional.empty();
  private @Nullable QueueWorker worker;
  private boolean isOpened;
  private boolean isOver;

  QueueReader(ExchangeSockets group, ExchangeSocket socket, String queue, QueueWish wish) {
    this.group = group;
    this.socket = socket;
    this.queue = queue;
    this.wish = wish;
  }

  /// The queue's name.
  String queue() {
    return queue;
  }

  /// What it was asked for.
  QueueWish wish() {
    return wish;
  }

  /// Begins at `start`, or with the first message of a queue that is yet to be created.
  void open(Start start) {
    Cursor asked = group.loop().core().readers().open(Queue.topicOf(queue), start, this);
    if (isOver) {
      asked.close();
    } else if (asked != endedEarly) {
      cursor = asked;
    }
    endedEarly = null;
  }

  // ---- the queue comes and goes ----

  @Override
  public boolean mayRead(Topic topic) {
    // A topic is known a moment before its queue, at which it is looked again.
    return socket.client().callerNow() instanceof Authenticator.Caller now
        && group
            .directory()
            .queueOf(topic)
            .map(it -> AccessPolicy.mayConsumeQueue(now.principal(), it))
            .orElse(true);
  }

  @Override
  public void opened(Cursor of) {
    if (isOver) {
      return;
    }
    cursor = of;
    meet(of);
    if (!isOver && !isOpened) {
      // Before the first message, which comes once it is ready.
      isOpened = true;
      socket.subscribed(queue, mode);
    }
  }

  /// Tells again that it is effective, if it is.
  void confirm() {
    if (isOpened) {
      socket.subscribed(queue, mode);
    }
  }

  @Override
  public void ready(Cursor of) {
    if (isOver) {
      return;
    }
    if (mode.isEmpty()) {
      meet(of);
    }
    if (!isOver) {
      proceed();
      socket.client().flushAtTurnEnd();
    }
  }

  /// Finds out what the queue is, if it is there.
  private void meet(Cursor of) {
    Optional<Queue> present =
        of.log()
            .map(TopicLog::incarnation)
            .flatMap(
                number -> group.directory().queue(queue).filter(it -> it.incarnation() == number));
    if (present.isEmpty()) {
      return;
    }
    if (!(socket.client().callerNow() instanceof Authenticator.Caller now)
        || !AccessPolicy.mayConsumeQueue(now.principal(), present.get())) {
      socket.denied(queue);
      return;
    }
    Optional<String> fault = wish.fault(present.get().mode());
    if (fault.isPresent()) {
      socket.unfit(queue, fault.get());
      return;
    }
    mode = Optional.of(present.get().mode());
    if (present.get().mode() == Queue.Mode.WORK) {
      group
          .directory()
          .subscription(queue)
          .filter(it -> it.incarnation() == present.get().incarnation())
          .ifPresent(it -> worker = new QueueWorker(group, socket, it, wish));
    }
  }

  @Override
  public void ended(Cursor of, End end) {
    if (cursor == of) {
      cursor = null;
    } else {
      endedEarly = of;
    }
    if (isOver) {
      return;
    }
    switch (end) {
      case DENIED -> socket.denied(queue);
      case UNAVAILABLE -> socket.unavailable(queue);
      case DELETED -> {
        stopWorker(/* isGone= */ false);
        mode = Optional.empty();
        // Of the next queue of the name it misses nothing.
        group
            .loop()
            .execute(() -> {
              if (!isOver) {
                open(new Start.Earliest());
              }
            });
      }
    }
  }

  // ---- delivery ----

  /// Gives what there is, as far as the socket takes it.
  void proceed() {
    Cursor of = cursor;
    if (mode.isPresent() && of != null) {
      switch (mode.get()) {
        case BROADCAST -> deliver(of);
        case WORK -> {
          if (worker != null) {
            worker.proceed();
          }
        }
      }
    }
  }

  private void deliver(Cursor of) {
    boolean isRead =
        group
            .delivery()
            .deliver(
                of, socket.client().writer(), (behind, next) -> socket.gap(queue, behind, next));
    if (!isRead) {
      socket.unavailable(queue);
    }
  }

  // ---- work ----

  /// Whether it gives messages whose ids have this incarnation.
  boolean gives(int incarnation) {
    return worker != null && worker.incarnation() == incarnation;
  }

  void ack(List<Long> sequences) {
    if (worker != null) {
      worker.ack(sequences);
    }
  }

  void nack(List<Long> sequences, OptionalLong delayMs) {
    if (worker != null) {
      worker.nack(sequences, delayMs);
    }
  }

  /// Whether more was acked than has been noted yet.
  boolean isBusy() {
    return worker != null && worker.isBusy();
  }

  void tick(long nowNs) {
    if (worker != null) {
      worker.tick(nowNs);
    }
  }

  // ---- ending ----

  /// Ends it.
  ///
  /// @param isGone whether its client is gone, so that what it has been given and has not acked has
  ///   failed; otherwise that is given back
  void close(boolean isGone) {
    if (!isOver) {
      isOver = true;
      stopWorker(isGone);
      Cursor of = cursor;
      if (of != null) {
        cursor = null;
        of.close();
      }
    }
  }

  private void stopWorker(boolean isGone) {
    QueueWorker of = worker;
    if (of != null) {
      worker = null;
      of.stop(isGone);
      // It may have been what the socket was not read for.
      socket.listen();
    }
  }
}
