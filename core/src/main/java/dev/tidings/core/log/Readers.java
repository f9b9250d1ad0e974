// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.SerialExecutor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The cursors of one event loop: who reads which log, and who waits for which topic to be created.
///
/// Everything runs on the event loop except [#cursors], and [#isAwaitingTopics], by which the
/// commit lane decides whom to tell of new topics.
public final class Readers {
  private static final Logger LOG = LoggerFactory.getLogger(Readers.class);

  private final int loop;
  private final SerialExecutor executor;
  private final Directory directory;
  private final LogOpener opener;
  private final PageCache pages;
  private final Map<TopicLog, Attached> attached = new HashMap<>();
  private final Map<Integer, TopicLog> attachedLogs = new HashMap<>();
  private final Map<String, List<Cursor>> awaiting = new HashMap<>();
  private final List<Consumer<String>> principalListeners = new ArrayList<>();
  private final List<Runnable> atTurnEnd = new ArrayList<>();
  private boolean inTurn;
  private volatile boolean awaitingTopics;
  // Changed by the event loop alone.
  private final AtomicInteger cursors = new AtomicInteger();

  /// Brings the log of a topic into memory.
  public interface LogOpener {
    /// Opens the log of `topic` and hands it to `then` on `home`; nothing if the store cannot be
    /// read.
    void open(Topic topic, SerialExecutor home, Consumer<Optional<TopicLog>> then);
  }

  /// The cursors on one log. One that closes during a walk leaves a hole until the walk ends, so
  /// that nobody is passed over.
  private static final class Attached {
    private final ArrayList<@Nullable Cursor> cursors = new ArrayList<>();
    private boolean walking;
    private boolean holes;
  }

  /// The readers of the event loop with number `loop`, 0 to 63, which runs on `executor`.
  public Readers(
      int loop, SerialExecutor executor, Directory directory, LogOpener opener, PageCache pages) {
    this.loop = loop;
    this.executor = executor;
    this.directory = directory;
    this.opener = opener;
    this.pages = pages;
  }

  /// Opens a cursor on `topic`, if `reader` may read it. If it does not exist, the cursor waits for
  /// it to be created and then begins with its first message.
  ///
  /// The reader is asked here, whatever its session has checked before: meanwhile another topic may
  /// have got the name.
  public Cursor open(String topic, Start start, Reader reader) {
    executor.checkCurrent();
    Cursor cursor = new Cursor(this, topic, start, reader);
    cursors.incrementAndGet();
    Optional<Topic> entry = directory.topic(topic);
    if (entry.isEmpty()) {
      await(cursor);
      // Looked up again after the flag is up: the commit lane shows a topic first and reads the
      // flag
      // afterwards, so at least one of the two notices.
      entry = directory.topic(topic);
      if (entry.isEmpty()) {
        reader.opened(cursor);
        return cursor;
      }
      stopAwaiting(cursor);
    }
    if (!mayRead(cursor, entry.get())) {
      // As if the topic had been created just after the opening.
      reader.opened(cursor);
      executor.execute(() -> {
        if (!cursor.isClosed()) {
          end(cursor, Reader.End.DENIED);
        }
      });
      return cursor;
    }
    openLog(
        entry.get(),
        cursor,
        log -> {
          cursor.place(log);
          reader.opened(cursor);
        });
    return cursor;
  }

  private void openLog(Topic topic, Cursor cursor, Consumer<TopicLog> place) {
    opener.open(
        topic,
        executor,
        log -> {
          if (cursor.isClosed()) {
            return;
          }
          if (!isCurrent(topic)) {
            end(cursor, Reader.End.DELETED);
            return;
          }
          if (log.isEmpty()) {
            end(cursor, Reader.End.UNAVAILABLE);
            return;
          }
          if (!mayRead(cursor)) {
            // Who may read it was narrowed while the log was being opened.
            end(cursor, Reader.End.DENIED);
            return;
          }
          // Attached before it is placed: what becomes durable from now on wakes it.
          attach(cursor, log.get());
          place.accept(log.get());
          cursor.wake();
        });
  }

  private boolean isCurrent(Topic topic) {
    return directory
        .topic(topic.name())
        .filter(entry -> entry.incarnation() == topic.incarnation())
        .isPresent();
  }

  private boolean mayRead(Cursor cursor) {
    return directory.topic(cursor.topic()).filter(topic -> mayRead(cursor, topic)).isPresent();
  }

  /// Ends a cursor and tells its reader.
  private static void end(Cursor cursor, Reader.End end) {
    cursor.close();
    try {
      cursor.reader().ended(cursor, end);
    } catch (Throwable e) {
      LOG.error("a reader of topic {} failed at its end", cursor.topic(), e);
    }
  }

  private static boolean mayRead(Cursor cursor, Topic topic) {
    try {
      return cursor.reader().mayRead(topic);
    } catch (Throwable e) {
      LOG.error("a reader of topic {} could not be authorised", topic.name(), e);
      return false;
    }
  }

  private void attach(Cursor cursor, TopicLog log) {
    Attached group = attached.get(log);
    if (group == null) {
      group = new Attached();
      attached.put(log, group);
      attachedLogs.put(log.incarnation(), log);
      log.setReadOn(loop, true);
    }
    cursor.index = group.cursors.size();
    group.cursors.add(cursor);
  }

  private void await(Cursor cursor) {
    awaiting.computeIfAbsent(cursor.topic(), _ -> new ArrayList<>()).add(cursor);
    awaitingTopics = true;
  }

  private void stopAwaiting(Cursor cursor) {
    List<Cursor> waiting = awaiting.get(cursor.topic());
    if (waiting != null && waiting.remove(cursor) && waiting.isEmpty()) {
      awaiting.remove(cursor.topic());
    }
    awaitingTopics = !awaiting.isEmpty();
  }

  /// How many cursors are open. Any thread.
  public int cursors() {
    return cursors.get();
  }

  /// Whether some cursor waits for a topic to be created. Any thread.
  public boolean isAwaitingTopics() {
    return awaitingTopics;
  }

  private void topicsCreated(List<Topic> topics) {
    for (Topic created : topics) {
      // As it is now: it may have been granted, or be gone, since it was created.
      Optional<Topic> now =
          directory.topic(created.name()).filter(it -> it.incarnation() == created.incarnation());
      if (now.isEmpty()) {
        continue;
      }
      Topic topic = now.get();
      List<Cursor> waiting = awaiting.remove(topic.name());
      if (waiting == null) {
        continue;
      }
      for (Cursor cursor : waiting) {
        // An earlier one's end may have closed it.
        if (cursor.isClosed()) {
          continue;
        }
        if (mayRead(cursor, topic)) {
          openLog(topic, cursor, cursor::placeAtBeginning);
        } else {
          end(cursor, Reader.End.DENIED);
        }
      }
    }
    awaitingTopics = !awaiting.isEmpty();
  }

  /// Ends the cursors on topics that are gone.
  private void topicsDeleted(List<Topic> topics) {
    for (Topic topic : topics) {
      cursorsOf(topic).forEach(cursor -> end(cursor, Reader.End.DELETED));
    }
  }

  /// Ends the cursors of readers who may not read a topic any more.
  private void topicsNarrowed(List<Topic> topics) {
    for (Topic topic : topics) {
      for (Cursor cursor : cursorsOf(topic)) {
        if (!cursor.isClosed() && !mayRead(cursor)) {
          end(cursor, Reader.End.DENIED);
        }
      }
    }
  }

  /// The cursors on the log of `topic`, as they are now.
  private List<Cursor> cursorsOf(Topic topic) {
    TopicLog log = attachedLogs.get(topic.incarnation());
    Attached group = log == null ? null : attached.get(log);
    return group == null ? List.of() : group.cursors.stream().filter(Objects::nonNull).toList();
  }

  private void principalsChanged(Set<String> principals) {
    for (String principal : principals) {
      for (Consumer<String> listener : principalListeners) {
        try {
          listener.accept(principal);
        } catch (Throwable e) {
          LOG.error("sessions of user or client {} could not be looked through", principal, e);
        }
      }
    }
  }

  /// Calls `listener` on this event loop with the id of every user and client who may do less than
  /// before, is gone or has ended a login, so that its sessions can be ended.
  public void onPrincipalChange(Consumer<String> listener) {
    executor.checkCurrent();
    principalListeners.add(listener);
  }

  private void advanced(List<TopicLog> logs) {
    for (TopicLog log : logs) {
      Attached group = attached.get(log);
      if (group != null) {
        walk(log, group);
      }
    }
  }

  private void walk(TopicLog log, Attached group) {
    if (group.walking) {
      // A reader's call came back here. The commit lane's own call for a newer watermark follows.
      return;
    }
    group.walking = true;
    try {
      int size = group.cursors.size();
      for (int i = 0; i < size; i++) {
        Cursor cursor = group.cursors.get(i);
        if (cursor != null) {
          cursor.wake();
        }
      }
    } finally {
      group.walking = false;
    }
    if (group.holes) {
      fillHoles(log, group);
    }
  }

  private void fillHoles(TopicLog log, Attached group) {
    group.holes = false;
    int kept = 0;
    for (int i = 0; i < group.cursors.size(); i++) {
      Cursor cursor = group.cursors.get(i);
      if (cursor != null) {
        cursor.index = kept;
        group.cursors.set(kept++, cursor);
      }
    }
    group.cursors.subList(kept, group.cursors.size()).clear();
    detachIfUnread(log, group);
  }

  private void detachIfUnread(TopicLog log, Attached group) {
    if (group.cursors.isEmpty()) {
      attached.remove(log);
      attachedLogs.remove(log.incarnation());
      log.setReadOn(loop, false);
      pages.forget(log);
    }
  }

  /// Forgets a cursor that is closed.
  void closed(Cursor cursor) {
    executor.checkCurrent();
    cursors.decrementAndGet();
    Optional<TopicLog> of = cursor.log();
    if (of.isEmpty()) {
      stopAwaiting(cursor);
      return;
    }
    TopicLog log = of.get();
    Attached group = attached.get(log);
    if (group == null) {
      return;
    }
    if (group.walking) {
      group.cursors.set(cursor.index, null);
      group.holes = true;
      return;
    }
    Cursor last = group.cursors.removeLast();
    if (last != null && last != cursor) {
      last.index = cursor.index;
      group.cursors.set(cursor.index, last);
    }
    detachIfUnread(log, group);
  }

  /// What `cursor` finds in `log`: in memory, or else in a page loaded from the store.
  Read read(TopicLog log, Cursor cursor, int maxMessages, long maxBytes) {
    long last = log.watermark();
    long from = Math.max(cursor.next(), log.firstRetained());
    if (cursor.next() > last || from > last) {
      return new Read.CaughtUp();
    }
    Optional<List<Message>> recent = log.readRecent(from, maxMessages, maxBytes);
    if (recent.isPresent()) {
      return found(cursor, recent.get());
    }
    return switch (pages.read(log, from, cursor)) {
      case PageCache.Found(List<Message> messages, long through) -> {
        if (messages.isEmpty()) {
          // Damaged, trimmed meanwhile or never there after a lapse, as far as was looked; what
          // has become durable since is still to be read.
          cursor.skipTo(Math.max(through, from) + 1);
          yield read(log, cursor, maxMessages, maxBytes);
        }
        yield found(cursor, cut(messages, maxMessages, maxBytes));
      }
      case PageCache.Pending() -> new Read.Loading();
      case PageCache.Failed(String detail) -> new Read.Unavailable(detail);
    };
  }

  private static Read found(Cursor cursor, List<Message> messages) {
    return new Read.Messages(
        messages, cursor.isAfterGap() || messages.getFirst().sequence() > cursor.next());
  }

  /// The first of `messages` within the bounds, ending before a hole: that is told before what
  /// follows it.
  private static List<Message> cut(List<Message> messages, int maxMessages, long maxBytes) {
    long bytes = 0;
    int count = 0;
    while (count < messages.size() && count < maxMessages && (count == 0 || bytes < maxBytes)) {
      Message message = messages.get(count);
      if (count > 0 && message.sequence() != messages.get(count - 1).sequence() + 1) {
        break;
      }
      bytes += message.size();
      count++;
    }
    return messages.subList(0, count);
  }

  /// One turn of waking: ends what `news` leaves no right to, gives their log to those who waited
  /// for a topic, calls the readers of `logs`, and then runs what they left for the end of the
  /// turn.
  public void turn(News news, List<TopicLog> logs) {
    executor.checkCurrent();
    inTurn = true;
    try {
      topicsDeleted(news.deleted());
      topicsNarrowed(news.narrowed());
      principalsChanged(news.principals());
      topicsCreated(news.created());
      advanced(logs);
    } finally {
      inTurn = false;
      atTurnEnd.forEach(Readers::run);
      atTurnEnd.clear();
    }
  }

  /// Runs `task` at the end of the present turn, or at once outside of one: sessions flush their
  /// sockets so, once, however many of their logs had news.
  public void atTurnEnd(Runnable task) {
    if (inTurn) {
      atTurnEnd.add(task);
    } else {
      run(task);
    }
  }

  private static void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      // One session's fault must not keep the others from flushing.
      LOG.error("a session failed at the end of a turn", e);
    }
  }
}
