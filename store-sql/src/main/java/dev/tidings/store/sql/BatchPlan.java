// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.DeadLettersKept;
import dev.tidings.core.store.StoreRecord.DeadLettersRemoved;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.EntryRemoved;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.store.StoreRecord.MessagesScheduled;
import dev.tidings.core.store.StoreRecord.OutboxTaken;
import dev.tidings.core.store.StoreRecord.ReceiptKept;
import dev.tidings.core.store.StoreRecord.ReceiptsExpired;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import dev.tidings.core.subscription.SequenceRange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// What the records of a batch come to in the end, table by table, so that the order in which the
/// tables are written does not matter: in each, what is deleted goes before what is written.
final class BatchPlan {
  /// Runs are not joined beyond this: a reader of one message is given its run's arrays cut, but
  /// the database reads them whole.
  private static final int RUN_MESSAGES = 1000;

  private static final long RUN_BYTES = 256 << 10;

  /// The primary key of an entry.
  record EntryKey(Entry.Kind kind, String key) {}

  /// The primary key of a copy among the dead letters of a subscription.
  record DeadKey(int subscription, long sequence) {}

  /// A copy among the dead letters.
  record Dead(int slot, Message message) {}

  /// Dead letters that are not needed any more.
  record DeadRange(int subscription, SequenceRange range) {}

  /// Messages with consecutive sequences, as they gather.
  private static final class Run {
    private final MessagesAppended first;
    private final List<Message> messages = new ArrayList<>();
    private long bytes;

    Run(MessagesAppended first) {
      this.first = first;
    }

    boolean goesOnWith(MessagesAppended next) {
      return messages.size() + next.messages().size() <= RUN_MESSAGES
          && bytes < RUN_BYTES
          && messages.getLast().sequence() + 1 == next.firstSequence()
          && first.messagesBefore() + messages.size() == next.messagesBefore()
          && first.bytesBefore() + bytes == next.bytesBefore();
    }

    void add(MessagesAppended next) {
      for (Message message : next.messages()) {
        messages.add(message);
        bytes += message.size();
      }
    }

    MessagesAppended whole() {
      return messages.size() == first.messages().size()
          ? first
          : new MessagesAppended(
              first.slot(),
              first.incarnation(),
              first.messagesBefore(),
              first.bytesBefore(),
              messages);
    }
  }

  private record KeyedItem(String userId, String key, int item) {}

  private final Set<Integer> slots = new TreeSet<>();
  private final Map<EntryKey, Optional<Entry>> entries = new LinkedHashMap<>();
  private final List<Run> runs = new ArrayList<>();
  private final Map<Integer, Run> lastRuns = new HashMap<>();
  private final Map<Integer, Long> trims = new LinkedHashMap<>();
  private final Set<Integer> removedNumbers = new HashSet<>();
  private final List<DeadRange> deadRemoved = new ArrayList<>();
  private final Map<DeadKey, Dead> dead = new LinkedHashMap<>();
  private final Map<Integer, Long> needlessBelow = new LinkedHashMap<>();
  private final Map<Integer, List<DeliveryChanged>> deliveries = new LinkedHashMap<>();
  private final Map<Integer, Long> receiptsExpired = new LinkedHashMap<>();
  private final Map<KeyedItem, Receipt> receipts = new LinkedHashMap<>();
  private final List<ScheduledId> scheduledRemoved = new ArrayList<>();
  private final Map<ScheduledId, ScheduledMessage> scheduled = new LinkedHashMap<>();
  private final List<Long> outboxTaken = new ArrayList<>();
  private Numbers highest = Numbers.NONE;

  private BatchPlan() {}

  /// The plan of `records`, in the order they took effect.
  static BatchPlan of(Collection<StoreRecord> records) {
    BatchPlan plan = new BatchPlan();
    records.forEach(plan::add);
    return plan;
  }

  private void add(StoreRecord record) {
    slots.add(record.slot());
    switch (record) {
      case MessagesAppended appended -> add(appended);
      case LogTrimmed trimmed ->
          trims.merge(trimmed.incarnation(), trimmed.firstRetained(), Math::max);
      case EntryPut(Entry entry) -> {
        entries.put(new EntryKey(entry.kind(), entry.key()), Optional.of(entry));
        highest = highest.with(entry);
      }
      case EntryRemoved(Entry entry) -> {
        entries.put(new EntryKey(entry.kind(), entry.key()), Optional.empty());
        entry.ownNumber().ifPresent(removedNumbers::add);
      }
      case ReceiptKept(Receipt receipt) -> {
        KeyedRequest request = receipt.request();
        receipts.put(new KeyedItem(request.userId(), request.key(), request.item()), receipt);
      }
      case ReceiptsExpired expired -> {
        receiptsExpired.merge(expired.slot(), expired.expiredBefore(), Math::max);
        receipts
            .values()
            .removeIf(
                it -> it.slot() == expired.slot() && it.expiresAt() < expired.expiredBefore());
      }
      case DeliveryChanged changed -> add(changed);
      case DeadLettersKept kept -> {
        for (Message message : kept.messages()) {
          dead.put(new DeadKey(kept.number(), message.sequence()), new Dead(kept.slot(), message));
        }
      }
      case DeadLettersRemoved removed -> {
        for (SequenceRange range : removed.ranges()) {
          deadRemoved.add(new DeadRange(removed.number(), range));
          dead.keySet()
              .removeIf(it ->
                  it.subscription() == removed.number()
                      && it.sequence() >= range.first()
                      && it.sequence() <= range.last());
        }
      }
      case MessagesScheduled more -> {
        for (ScheduledMessage message : more.messages()) {
          scheduled.put(message.id(), message);
          highest = highest.with(message);
        }
      }
      case ScheduledRemoved removed -> {
        for (ScheduledId id : removed.ids()) {
          if (scheduled.remove(id) == null) {
            scheduledRemoved.add(id);
          }
        }
      }
      case OutboxTaken taken -> outboxTaken.addAll(taken.ids());
    }
  }

  /// What several commands append to one log, one after the other, is one run.
  private void add(MessagesAppended appended) {
    Run last = lastRuns.get(appended.incarnation());
    if (last == null || !last.goesOnWith(appended)) {
      last = new Run(appended);
      lastRuns.put(appended.incarnation(), last);
      runs.add(last);
    }
    last.add(appended);
  }

  private void add(DeliveryChanged changed) {
    List<DeliveryChanged> ofSubscription =
        deliveries.computeIfAbsent(changed.number(), _ -> new ArrayList<>());
    if (changed.change().whole()) {
      ofSubscription.clear();
      needlessBelow.put(changed.number(), changed.change().ordinal());
    }
    ofSubscription.add(changed);
  }

  /// The slots of its records.
  Set<Integer> slots() {
    return slots;
  }

  /// Entries as they are in the end.
  List<Entry> entries() {
    return entries.values().stream().flatMap(Optional::stream).toList();
  }

  /// Entries that are gone in the end.
  List<EntryKey> removedEntries() {
    List<EntryKey> removed = new ArrayList<>();
    entries.forEach((key, entry) -> {
      if (entry.isEmpty()) {
        removed.add(key);
      }
    });
    return removed;
  }

  /// Runs to append, but those of logs that are gone in the end.
  List<MessagesAppended> runs() {
    return runs.stream()
        .filter(it -> !removedNumbers.contains(it.first.incarnation()))
        .map(Run::whole)
        .toList();
  }

  /// By the number of the log, the first sequence that is retained.
  Map<Integer, Long> trims() {
    return trims;
  }

  /// Numbers under which everything is to be deleted.
  Set<Integer> removedNumbers() {
    return removedNumbers;
  }

  /// Dead letters to delete.
  List<DeadRange> deadRemoved() {
    return deadRemoved;
  }

  /// Dead letters to write.
  Map<DeadKey, Dead> dead() {
    return dead;
  }

  /// By the number of the subscription, the ordinal below which changes are not needed.
  Map<Integer, Long> needlessBelow() {
    return needlessBelow;
  }

  /// Changes of deliveries to write, but those of subscriptions that are gone in the end.
  List<DeliveryChanged> deliveries() {
    return deliveries.values().stream()
        .flatMap(List::stream)
        .filter(it -> !removedNumbers.contains(it.number()))
        .toList();
  }

  /// By slot, the time before which receipts have expired.
  Map<Integer, Long> receiptsExpired() {
    return receiptsExpired;
  }

  /// Receipts to write.
  List<Receipt> receipts() {
    return List.copyOf(receipts.values());
  }

  /// Scheduled messages to delete.
  List<ScheduledId> scheduledRemoved() {
    return scheduledRemoved;
  }

  /// Scheduled messages to write.
  List<ScheduledMessage> scheduled() {
    return List.copyOf(scheduled.values());
  }

  /// Messages that leave the outbox.
  List<Long> outboxTaken() {
    return outboxTaken;
  }

  /// The highest numbers in it.
  Numbers highest() {
    return highest;
  }
}
