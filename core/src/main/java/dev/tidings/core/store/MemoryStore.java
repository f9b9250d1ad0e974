// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
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
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.SequenceRange;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// A store in this process's memory: for tests, and for servers that need not remember. Nothing
/// outlives the [Memory] it was made on.
///
/// Its monitor orders the commit lane and the readers; a page is cut under it and is then
/// immutable.
public final class MemoryStore implements Store {
  private final Memory memory;
  private boolean closed;

  /// What outlives one handle: several stores on one memory see each other's records, as several
  /// servers on one database would.
  public static final class Memory {
    private final long[] epochs = new long[Slot.COUNT];
    private final Map<Writer, Long> lastBatches = new HashMap<>();
    private final Map<Integer, Log> logs = new HashMap<>();
    private final Map<EntryKey, Entry> entries = new HashMap<>();
    private final Map<KeyedItem, Receipt> receipts = new HashMap<>();
    private final Map<Integer, List<DeliveryChange>> deliveries = new HashMap<>();
    private final TreeMap<ScheduledId, ScheduledMessage> scheduled = new TreeMap<>();
    // Of the messages in logs and among dead letters.
    private long messages;
    private long bytes;
    private int lastIncarnation;
    private int lastStreamNumber = DirectoryContents.NO_STREAM_NUMBER;
    private long lastScheduled;
    private final TreeMap<Long, OutboxMessage> outbox = new TreeMap<>();
    private long lastLeft;

    /// Leaves a message in the outbox.
    ///
    /// @return its id
    public long leave(String topic, NewMessage message) {
      synchronized (this) {
        lastLeft++;
        outbox.put(lastLeft, new OutboxMessage(lastLeft, topic, message));
        notifyAll();
        return lastLeft;
      }
    }

    /// Removes everything from the outbox.
    public void forgetLeft() {
      synchronized (this) {
        outbox.clear();
      }
    }
  }

  private record KeyedItem(String userId, String key, int item) {
    static KeyedItem of(Receipt receipt) {
      KeyedRequest request = receipt.request();
      return new KeyedItem(request.userId(), request.key(), request.item());
    }
  }

  private record EntryKey(Entry.Kind kind, String key) {
    static EntryKey of(Entry entry) {
      return new EntryKey(entry.kind(), entry.key());
    }
  }

  /// A lane under an epoch. Kept for each, since a later owner's batches must not hide whether a
  /// former owner's last one was written.
  private record Writer(int lane, long epoch) {}

  private static final class Log {
    private final TreeMap<Long, MessagesAppended> runs = new TreeMap<>();
    private LogExtent extent = LogExtent.EMPTY;
  }

  /// A store on a memory of its own.
  public MemoryStore() {
    this(new Memory());
  }

  /// A further handle on `memory`.
  public MemoryStore(Memory memory) {
    this.memory = memory;
  }

  @Override
  public long openSlots(SlotSet slots) throws StoreException {
    synchronized (memory) {
      checkOpen();
      long epoch = 1;
      for (int slot = 0; slot < Slot.COUNT; slot++) {
        epoch = Math.max(epoch, memory.epochs[slot] + 1);
      }
      for (int slot = 0; slot < Slot.COUNT; slot++) {
        if (slots.contains(slot)) {
          memory.epochs[slot] = epoch;
        }
      }
      return epoch;
    }
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    synchronized (memory) {
      checkOpen();
      BitSet refused = new BitSet();
      for (StoreRecord record : batch.records()) {
        if (memory.epochs[record.slot()] > batch.epoch()) {
          refused.set(record.slot());
        } else {
          write(record);
        }
      }
      memory.lastBatches.put(new Writer(batch.lane(), batch.epoch()), batch.number());
      return SlotSet.copyOf(refused);
    }
  }

  private void write(StoreRecord record) {
    switch (record) {
      case MessagesAppended appended -> append(appended);
      case LogTrimmed trimmed -> trim(trimmed);
      case EntryPut(Entry entry) -> {
        memory.entries.put(EntryKey.of(entry), entry);
        entry.ownNumber().ifPresent(number -> noteNumber(entry.kind(), number));
      }
      case EntryRemoved(Entry entry) -> {
        memory.entries.remove(EntryKey.of(entry));
        entry.ownNumber().ifPresent(this::forget);
      }
      case ReceiptKept(Receipt receipt) -> memory.receipts.put(KeyedItem.of(receipt), receipt);
      case ReceiptsExpired expired ->
          memory
              .receipts
              .values()
              .removeIf(receipt ->
                  receipt.slot() == expired.slot()
                      && receipt.expiresAt() < expired.expiredBefore());
      case DeliveryChanged changed -> {
        List<DeliveryChange> changes =
            memory.deliveries.computeIfAbsent(changed.number(), _ -> new ArrayList<>());
        if (changed.change().whole()) {
          changes.clear();
        }
        changes.add(changed.change());
      }
      case DeadLettersKept kept -> keep(kept);
      case MessagesScheduled scheduled -> {
        for (ScheduledMessage message : scheduled.messages()) {
          memory.scheduled.put(message.id(), message);
          memory.lastScheduled = Math.max(memory.lastScheduled, message.number());
        }
      }
      case ScheduledRemoved removed -> removed.ids().forEach(memory.scheduled::remove);
      case OutboxTaken taken -> taken.ids().forEach(memory.outbox::remove);
      case DeadLettersRemoved removed -> removed.ranges().forEach(it -> remove(removed, it));
    }
  }

  private void remove(DeadLettersRemoved removed, SequenceRange range) {
    Log log = memory.logs.computeIfAbsent(removed.number(), _ -> new Log());
    Map<Long, MessagesAppended> gone = log.runs.subMap(range.first(), true, range.last(), true);
    gone.values().forEach(run -> count(run, -1));
    gone.clear();
  }

  /// Lets the log with number `number` begin with `extent`.
  void begin(int number, LogExtent extent) {
    synchronized (memory) {
      memory.logs.computeIfAbsent(number, _ -> new Log()).extent = extent;
    }
  }

  /// Forgets everything under `number`.
  void forget(int number) {
    synchronized (memory) {
      Log log = memory.logs.remove(number);
      if (log != null) {
        log.runs.values().forEach(run -> count(run, -1));
      }
      memory.deliveries.remove(number);
    }
  }

  /// The bytes of all messages, each taking `overhead` more.
  long bytes(long overhead) {
    synchronized (memory) {
      return memory.bytes + memory.messages * overhead;
    }
  }

  private void noteNumber(Entry.Kind kind, int number) {
    if (kind == Entry.Kind.STREAM) {
      memory.lastStreamNumber = Math.max(memory.lastStreamNumber, number);
    } else {
      memory.lastIncarnation = Math.max(memory.lastIncarnation, number);
    }
  }

  private void keep(DeadLettersKept kept) {
    Log log = memory.logs.computeIfAbsent(kept.number(), _ -> new Log());
    for (Message message : kept.messages()) {
      put(log, new MessagesAppended(kept.slot(), kept.number(), 0, 0, List.of(message)));
    }
  }

  private void put(Log log, MessagesAppended run) {
    count(run, 1);
    MessagesAppended before = log.runs.put(run.firstSequence(), run);
    if (before != null) {
      count(before, -1);
    }
  }

  /// Takes a run into account, or out of it.
  private void count(MessagesAppended run, int sign) {
    memory.messages += (long) sign * run.messages().size();
    memory.bytes += sign * bytes(run);
  }

  private void append(MessagesAppended run) {
    Log log = memory.logs.computeIfAbsent(run.incarnation(), _ -> new Log());
    put(log, run);
    log.extent =
        new LogExtent(
            log.extent.firstRetained(),
            run.lastSequence() + 1,
            run.messages().getLast().timestamp(),
            run.messagesBefore() + run.messages().size(),
            run.bytesBefore() + bytes(run));
  }

  private void trim(LogTrimmed trimmed) {
    Log log = memory.logs.computeIfAbsent(trimmed.incarnation(), _ -> new Log());
    LogExtent old = log.extent;
    log.extent =
        new LogExtent(
            Math.max(old.firstRetained(), trimmed.firstRetained()),
            old.nextSequence(),
            old.lastTimestamp(),
            old.messagesEver(),
            old.bytesEver());
    while (!log.runs.isEmpty()
        && log.runs.firstEntry().getValue().lastSequence() < trimmed.firstRetained()) {
      count(log.runs.pollFirstEntry().getValue(), -1);
    }
  }

  @Override
  public boolean wasCommitted(int lane, long epoch, long number) throws StoreException {
    synchronized (memory) {
      checkOpen();
      Long last = memory.lastBatches.get(new Writer(lane, epoch));
      return last != null && last >= number;
    }
  }

  @Override
  public void reopen() throws StoreException {
    checkOpen();
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    synchronized (memory) {
      checkOpen();
      Log log = memory.logs.get(incarnation);
      return log == null ? LogExtent.EMPTY : log.extent;
    }
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    synchronized (memory) {
      checkOpen();
      Log log = memory.logs.get(incarnation);
      if (log == null) {
        return LogPage.EMPTY;
      }
      long from = Math.max(fromSequence, log.extent.firstRetained());
      Long firstRun = log.runs.floorKey(from);
      List<Message> page = new ArrayList<>();
      long bytes = 0;
      for (MessagesAppended run : log.runs.tailMap(firstRun == null ? from : firstRun).values()) {
        for (Message message : run.messages()) {
          if (message.sequence() < from) {
            continue;
          }
          if (page.size() == maxMessages || (bytes >= maxBytes && !page.isEmpty())) {
            return new LogPage(page);
          }
          page.add(message);
          bytes += message.size();
        }
      }
      return new LogPage(page);
    }
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    synchronized (memory) {
      checkOpen();
      Log log = memory.logs.get(incarnation);
      if (log == null) {
        return Optional.empty();
      }
      Map.Entry<Long, MessagesAppended> run = log.runs.floorEntry(sequence);
      if (run == null || run.getValue().lastSequence() < sequence) {
        run = log.runs.higherEntry(sequence);
      }
      return Optional.ofNullable(run).map(entry -> describe(entry.getValue()));
    }
  }

  private static LogRun describe(MessagesAppended run) {
    return new LogRun(
        run.firstSequence(),
        run.lastSequence(),
        run.messages().getFirst().timestamp(),
        run.messages().getLast().timestamp(),
        run.messagesBefore(),
        run.bytesBefore(),
        bytes(run));
  }

  private static long bytes(MessagesAppended run) {
    long bytes = 0;
    for (Message message : run.messages()) {
      bytes += message.size();
    }
    return bytes;
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    synchronized (memory) {
      checkOpen();
      return List.copyOf(memory.deliveries.getOrDefault(number, List.of()));
    }
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    return scheduled(
        from,
        0,
        maxMessages,
        maxBytes,
        it -> it.message().dueAt() < dueBefore && slots.contains(it.slot()));
  }

  @Override
  public List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException {
    return scheduled(from, skip, maxMessages, maxBytes, it -> it.incarnation() == incarnation);
  }

  private List<ScheduledMessage> scheduled(
      ScheduledId from,
      int skip,
      int maxMessages,
      long maxBytes,
      Predicate<ScheduledMessage> wanted)
      throws StoreException {
    synchronized (memory) {
      checkOpen();
      List<ScheduledMessage> found = new ArrayList<>();
      int left = skip;
      long bytes = 0;
      for (ScheduledMessage message : memory.scheduled.tailMap(from, true).values()) {
        if (!wanted.test(message) || left-- > 0) {
          continue;
        }
        if (found.size() == maxMessages || (bytes >= maxBytes && !found.isEmpty())) {
          break;
        }
        found.add(message);
        bytes += message.message().size();
      }
      return found;
    }
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    synchronized (memory) {
      checkOpen();
      return ids.stream()
          .filter(memory.scheduled::containsKey)
          .collect(Collectors.toUnmodifiableSet());
    }
  }

  @Override
  public long countScheduled() throws StoreException {
    synchronized (memory) {
      checkOpen();
      return memory.scheduled.size();
    }
  }

  @Override
  public Optional<Outbox> outbox() {
    return Optional.of(new MemoryOutbox());
  }

  private final class MemoryOutbox implements Outbox {
    @Override
    public List<OutboxMessage> read(Set<String> without, int maxMessages, long maxBytes)
        throws StoreException {
      synchronized (memory) {
        checkOpen();
        List<OutboxMessage> page = new ArrayList<>();
        long bytes = 0;
        for (OutboxMessage message : memory.outbox.values()) {
          if (without.contains(message.topic())) {
            continue;
          }
          if (page.size() == maxMessages || (bytes >= maxBytes && !page.isEmpty())) {
            break;
          }
          page.add(message);
          bytes += message.message().size();
        }
        return page;
      }
    }

    @Override
    public void await(Duration timeout) throws InterruptedException {
      synchronized (memory) {
        // May end early, as everyone who waits here is told.
        memory.wait(Math.max(1, timeout.toMillis()));
      }
    }
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    synchronized (memory) {
      checkOpen();
      return new DirectoryContents(
          List.copyOf(memory.entries.values()),
          memory.lastIncarnation,
          memory.lastStreamNumber,
          memory.lastScheduled,
          List.of());
    }
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    synchronized (memory) {
      checkOpen();
      return List.copyOf(memory.receipts.values());
    }
  }

  @Override
  public BackupResult backup(Path target) throws StoreException {
    checkOpen();
    return new BackupResult.Refused(
        "the store is in memory and has no backups (expected: a store that outlives its process,"
            + " such as store.type rocksdb)");
  }

  @Override
  public StoreHealth health() {
    synchronized (memory) {
      return closed ? new StoreHealth(false, "the store is closed", List.of()) : StoreHealth.OK;
    }
  }

  @Override
  public void close() {
    synchronized (memory) {
      closed = true;
    }
  }

  private void checkOpen() throws StoreException {
    synchronized (memory) {
      if (closed) {
        throw new StoreException("the memory store is closed");
      }
    }
  }
}
