// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.message.Message;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Messages that were loaded from the store for the subscriptions of one shard, because they are no
/// longer among the recent ones of their log. At its bound the page that was loaded first is
/// dropped.
public final class MessagePages {
  // The heap of a page without its messages: its record, list and entries in the maps.
  private static final long OVERHEAD = 300;

  private final long maxBytes;
  private final Map<Integer, TreeMap<Long, Page>> pages = new HashMap<>();
  private final LinkedHashMap<Place, Page> oldestFirst = new LinkedHashMap<>();
  private long bytes;

  private record Place(int number, long from) {}

  /// Everything the store has under `number` from `from` to `through`.
  ///
  /// @param number of a log, or of a subscription for its dead letters
  /// @param messages in order
  public record Page(int number, long from, long through, List<Message> messages) {
    public Page {
      messages = List.copyOf(messages);
    }

    /// The message with that sequence.
    Optional<Message> at(long sequence) {
      return messages.stream().filter(message -> message.sequence() == sequence).findFirst();
    }

    private Place place() {
      return new Place(number, from);
    }

    private long heapSize() {
      long size = OVERHEAD;
      for (Message message : messages) {
        size += message.heapSize();
      }
      return size;
    }
  }

  /// Pages of at most `maxBytes` of heap, but at least those of the last load.
  public MessagePages(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /// The page that tells what lies at `sequence`.
  public Optional<Page> find(int number, long sequence) {
    TreeMap<Long, Page> ofNumber = pages.get(number);
    Map.Entry<Long, Page> floor = ofNumber == null ? null : ofNumber.floorEntry(sequence);
    return floor == null || floor.getValue().through() < sequence
        ? Optional.empty()
        : Optional.of(floor.getValue());
  }

  /// Adds what one load has brought.
  void add(List<Page> loaded) {
    for (Page page : loaded) {
      Page replaced =
          pages.computeIfAbsent(page.number(), _ -> new TreeMap<>()).put(page.from(), page);
      if (replaced != null) {
        oldestFirst.remove(replaced.place());
        bytes -= replaced.heapSize();
      }
      oldestFirst.put(page.place(), page);
      bytes += page.heapSize();
    }
    while (bytes > maxBytes && oldestFirst.size() > loaded.size()) {
      remove(oldestFirst.firstEntry().getValue());
    }
  }

  private void remove(Page page) {
    oldestFirst.remove(page.place());
    bytes -= page.heapSize();
    TreeMap<Long, Page> ofNumber = pages.get(page.number());
    if (ofNumber != null) {
      ofNumber.remove(page.from());
      if (ofNumber.isEmpty()) {
        pages.remove(page.number());
      }
    }
  }

  /// Drops what was loaded under `number`, which is gone or has changed.
  void forget(int number) {
    TreeMap<Long, Page> ofNumber = pages.get(number);
    if (ofNumber != null) {
      List.copyOf(ofNumber.values()).forEach(this::remove);
    }
  }
}
