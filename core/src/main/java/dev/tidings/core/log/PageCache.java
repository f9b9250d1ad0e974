// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.SerialExecutor;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.Store;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Pages of older messages for the cursors of one event loop, loaded from the store on another
/// thread: one load for all who ask for the same place.
///
/// At its bound the page that was loaded first is dropped.
public final class PageCache {
  private static final Logger LOG = LoggerFactory.getLogger(PageCache.class);
  private static final int PAGE_MESSAGES = 256;
  private static final long PAGE_BYTES = 256 * 1024;
  // The heap of a page without its messages: its record, list and entries in the maps.
  private static final long PAGE_OVERHEAD = 300;

  private final Store store;
  private final Executor blocking;
  private final SerialExecutor executor;
  private final long maxBytes;
  private final Map<TopicLog, TreeMap<Long, Page>> pages = new HashMap<>();
  // By place, so that dropping one from the middle looks at no other.
  private final LinkedHashMap<Place, Page> oldestFirst = new LinkedHashMap<>();
  private final Map<Place, LinkedHashSet<Cursor>> loading = new HashMap<>();
  private final Map<Place, String> failures = new HashMap<>();
  private long bytes;

  private record Place(TopicLog log, long from) {}

  /// What the store had at and after `from`, when the watermark was `through` or higher.
  private record Page(
      TopicLog log, long from, long through, List<Message> messages, long heapSize) {
    Place place() {
      return new Place(log, from);
    }

    boolean covers(long sequence) {
      return sequence == from || (!messages.isEmpty() && sequence <= messages.getLast().sequence());
    }
  }

  /// What is known of a place.
  sealed interface Lookup {}

  /// Its messages; if there are none, the store has nothing from there up to `through`.
  record Found(List<Message> messages, long through) implements Lookup {}

  /// It is being loaded; the cursor is called when that is done.
  record Pending() implements Lookup {}

  /// The last load failed; asking again loads again.
  record Failed(String detail) implements Lookup {}

  /// Pages of `store`, read on `blocking`, for the event loop that runs on `executor`, of at most
  /// `maxBytes` of heap.
  public PageCache(Store store, Executor blocking, SerialExecutor executor, long maxBytes) {
    this.store = store;
    this.blocking = blocking;
    this.executor = executor;
    this.maxBytes = maxBytes;
  }

  /// Looks up what `log` has from `from` on, for `cursor`.
  Lookup read(TopicLog log, long from, Cursor cursor) {
    Page page = find(log, from);
    if (page != null) {
      return new Found(messagesFrom(page, from), page.through());
    }
    Place place = new Place(log, from);
    String failure = failures.get(place);
    if (failure != null) {
      return new Failed(failure);
    }
    LinkedHashSet<Cursor> waiting = loading.get(place);
    if (waiting == null) {
      // Before the store is read: what becomes durable later may be missing from the page.
      long through = log.watermark();
      try {
        blocking.execute(() -> load(place, through));
      } catch (RejectedExecutionException | Error e) {
        return new Failed("no reads of the store are taken now: " + e.getMessage());
      }
      waiting = new LinkedHashSet<>();
      loading.put(place, waiting);
    }
    waiting.add(cursor);
    return new Pending();
  }

  private @Nullable Page find(TopicLog log, long from) {
    TreeMap<Long, Page> ofLog = pages.get(log);
    Map.Entry<Long, Page> floor = ofLog == null ? null : ofLog.floorEntry(from);
    return floor != null && floor.getValue().covers(from) ? floor.getValue() : null;
  }

  private static List<Message> messagesFrom(Page page, long from) {
    List<Message> all = page.messages();
    int low = 0;
    int high = all.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (all.get(middle).sequence() < from) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return all.subList(low, all.size());
  }

  private void load(Place place, long through) {
    Runnable then;
    try {
      LogPage page = store.read(place.log().incarnation(), place.from(), PAGE_MESSAGES, PAGE_BYTES);
      then = () -> loaded(place, page, through);
    } catch (Throwable e) {
      // Whatever it is, those who wait must hear of it.
      LOG.warn("log of topic {} could not be read", place.log().topic(), e);
      then = () -> failed(place, e);
    }
    executor.execute(then);
  }

  private void loaded(Place place, LogPage loaded, long through) {
    LinkedHashSet<Cursor> waiting = loading.remove(place);
    // The store may already show what the commit lane has not: that stays hidden, since it may yet
    // be undone.
    long last = place.log().watermark();
    List<Message> messages =
        loaded.messages().stream().takeWhile(message -> message.sequence() <= last).toList();
    long heapSize = PAGE_OVERHEAD;
    for (Message message : messages) {
      heapSize += message.heapSize();
    }
    Page page = new Page(place.log(), place.from(), through, messages, heapSize);
    add(page);
    call(waiting);
    if (messages.isEmpty()) {
      // An answer for those who waited, not one to keep: more may be appended.
      remove(page);
    }
  }

  private void failed(Place place, Throwable e) {
    LinkedHashSet<Cursor> waiting = loading.remove(place);
    // An answer for those who waited; whoever asks later tries again.
    failures.put(place, String.valueOf(e.getMessage()));
    call(waiting);
    failures.remove(place);
  }

  private static void call(@Nullable Set<Cursor> waiting) {
    if (waiting == null) {
      return;
    }
    waiting.forEach(Cursor::wake);
  }

  private void add(Page page) {
    Page replaced = pages.computeIfAbsent(page.log(), _ -> new TreeMap<>()).put(page.from(), page);
    if (replaced != null) {
      oldestFirst.remove(page.place());
      bytes -= replaced.heapSize();
    }
    oldestFirst.put(page.place(), page);
    bytes += page.heapSize();
    while (bytes > maxBytes && oldestFirst.size() > 1) {
      remove(oldestFirst.firstEntry().getValue());
    }
  }

  private void remove(Page page) {
    TreeMap<Long, Page> ofLog = pages.get(page.log());
    if (ofLog != null && ofLog.remove(page.from(), page)) {
      bytes -= page.heapSize();
      oldestFirst.remove(page.place());
      if (ofLog.isEmpty()) {
        pages.remove(page.log());
      }
    }
  }

  /// Drops the pages of a log that nobody reads any more.
  void forget(TopicLog log) {
    TreeMap<Long, Page> ofLog = pages.remove(log);
    if (ofLog != null) {
      for (Page page : ofLog.values()) {
        bytes -= page.heapSize();
        oldestFirst.remove(page.place());
      }
    }
  }
}
