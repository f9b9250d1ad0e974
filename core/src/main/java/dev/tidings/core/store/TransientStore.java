// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.subscription.DeliveryChange;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A store in front of another: it keeps in memory what lies under the numbers of transient queues,
/// and leaves everything else, the entries of those queues included, to the other.
///
/// What is in memory is written by [#write], apart from commits, and cannot fail. So it goes on
/// while the other store takes no writes.
public final class TransientStore extends ForwardingStore {
  /// Sequences that a transient log may use up in one run of the process. A later run begins
  /// higher, so that the id of a message that is gone never becomes another's.
  private static final int SEQUENCE_BITS_OF_ONE_RUN = 32;

  /// How many runs there are before sequences are given again.
  private static final long RUNS = 1 << 16;

  /// More than a message's entry in the maps takes beside its bytes.
  public static final long OVERHEAD = 200;

  private final Store other;
  private final MemoryStore memory = new MemoryStore();
  // The epoch of the memory's own slots: nobody else opens them.
  private final long epoch;
  private final Set<Integer> numbers = ConcurrentHashMap.newKeySet();

  /// A store in front of `other`.
  public TransientStore(Store other) throws StoreException {
    super(other);
    this.other = other;
    this.epoch = memory.openSlots(SlotSet.ALL);
  }

  // ---- what is in memory ----

  /// Keeps in memory what lies under `number`, from now on; nothing yet.
  public void begin(int number) {
    numbers.add(number);
  }

  /// Keeps in memory what lies under `number`, which was used by an earlier run of this process:
  /// whatever it kept is gone.
  ///
  /// @param run the number of this run, higher than those of the earlier ones
  public void beginAgain(int number, long run) {
    long first = (run % RUNS << SEQUENCE_BITS_OF_ONE_RUN) + 1;
    memory.begin(number, new LogExtent(first, first, 0, 0, 0));
    numbers.add(number);
  }

  /// Forgets everything under `number`, if it is kept in memory.
  public void end(int number) {
    if (numbers.remove(number)) {
      memory.forget(number);
    }
  }

  /// Whether what lies under `number` is kept in memory. Any thread.
  public boolean keeps(int number) {
    return numbers.contains(number);
  }

  /// Whether `record` is about something that is kept in memory. Any thread.
  public boolean keeps(StoreRecord record) {
    return switch (record) {
      case StoreRecord.MessagesAppended appended -> keeps(appended.incarnation());
      case StoreRecord.LogTrimmed trimmed -> keeps(trimmed.incarnation());
      case StoreRecord.DeliveryChanged changed -> keeps(changed.number());
      case StoreRecord.DeadLettersKept kept -> keeps(kept.number());
      case StoreRecord.DeadLettersRemoved removed -> keeps(removed.number());
      case StoreRecord.EntryPut _,
          StoreRecord.EntryRemoved _,
          StoreRecord.MessagesScheduled _,
          StoreRecord.ScheduledRemoved _,
          StoreRecord.OutboxTaken _,
          StoreRecord.ReceiptKept _,
          StoreRecord.ReceiptsExpired _ ->
          false;
    };
  }

  /// Writes records about what is kept in memory. Any thread, for records of slots it owns.
  ///
  /// What became of deliveries is not written: their subscription stays in memory as long as it is
  /// there, and a later run begins with none.
  public void write(List<StoreRecord> records) {
    List<StoreRecord> kept =
        records.stream().filter(it -> !(it instanceof StoreRecord.DeliveryChanged)).toList();
    try {
      SlotSet _ = memory.commit(new Batch(0, epoch, 0, kept));
    } catch (StoreException e) {
      throw new IllegalStateException("memory takes no writes", e);
    }
  }

  /// Heap that the messages in memory take, in bytes. Any thread.
  public long bytes() {
    return memory.bytes(OVERHEAD);
  }

  private Store of(int number) {
    return keeps(number) ? memory : other;
  }

  // ---- the store ----

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    return of(incarnation).extent(incarnation);
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    return of(incarnation).read(incarnation, fromSequence, maxMessages, maxBytes);
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    return of(incarnation).runAt(incarnation, sequence);
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    return of(number).loadDeliveries(number);
  }
}
