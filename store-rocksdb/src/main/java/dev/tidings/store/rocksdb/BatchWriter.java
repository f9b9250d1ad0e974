// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord.DeadLettersKept;
import dev.tidings.core.store.StoreRecord.DeadLettersRemoved;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.store.StoreRecord.MessagesScheduled;
import dev.tidings.core.store.StoreRecord.ReceiptsExpired;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import dev.tidings.core.subscription.SequenceRange;
import dev.tidings.store.rocksdb.Codec.TrimMark;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/// Turns the records of one batch into one RocksDB write.
///
/// Messages appended to a log one after another become one run, whatever lies between them in the
/// batch, up to [#RUN_MESSAGES] or [#RUN_BYTES].
final class BatchWriter implements AutoCloseable {
  static final int RUN_MESSAGES = 1000;
  static final int RUN_BYTES = 1 << 20;
  private static final byte[] NOTHING = {};

  /// A buffer that holds any run but one of a single larger message.
  static final int BUFFER_BYTES = Codec.maxRunBytes(RUN_MESSAGES, RUN_BYTES);

  /// A log of a stream loses as many runs as this one by one; more, and any of a topic, as a range.
  /// Streams come and go by thousands a second, and the messages' memtable is flushed at every
  /// 1,000th range.
  static final int FEW_RUNS = 8;

  /// What a trim or removal must know about the log on disk.
  interface Logs {
    Optional<TrimMark> mark(int incarnation) throws StoreException, RocksDBException;

    /// Where the log ends, without the runs of this batch.
    Tail tail(int incarnation) throws StoreException, RocksDBException;

    /// The first sequence of the run with the highest one not above `sequence`.
    Optional<Long> floor(int incarnation, long sequence) throws StoreException, RocksDBException;

    /// The keys of the runs from `first` (inclusive) to `end` (exclusive); empty if there are more
    /// than [#FEW_RUNS], or if it takes long or is not possible to tell.
    Optional<List<byte[]>> few(byte[] first, byte[] end) throws RocksDBException;
  }

  /// Where a log ends.
  ///
  /// @param lapses how many lapses the store had seen when `nextSequence` was taken
  record Tail(
      int lapses, long nextSequence, long lastTimestamp, long messagesEver, long bytesEver) {}

  /// What this batch did to one log.
  private static final class Log {
    private final List<Message> run = new ArrayList<>();
    private long runBytes;
    // Of what was asked of the messages' order: at most.
    private long orderingBytes;
    private long messagesBefore;
    private long bytesBefore;
    private final List<Long> runStarts = new ArrayList<>();
    private Optional<Tail> tail = Optional.empty();
    private Optional<TrimMark> mark = Optional.empty();
  }

  private final RocksHandle handle;
  private final Logs stored;
  private final int lapses;
  private final BufferPool pool;
  private final ByteBuffer buffer;
  private final ByteBuffer directKey = ByteBuffer.allocateDirect(12);
  private final WriteBatch batch = new WriteBatch();
  private final Map<Integer, Log> logs = new LinkedHashMap<>();
  private final Map<Integer, byte[]> marks = new HashMap<>();

  BatchWriter(RocksHandle handle, Logs stored, int lapses, BufferPool pool) {
    this.handle = handle;
    this.stored = stored;
    this.lapses = lapses;
    this.pool = pool;
    this.buffer = pool.take();
  }

  @Override
  public void close() {
    batch.close();
    pool.giveBack(buffer);
  }

  /// The finished write.
  WriteBatch finish() throws RocksDBException {
    for (Map.Entry<Integer, Log> entry : logs.entrySet()) {
      endRun(entry.getKey(), entry.getValue());
    }
    for (Map.Entry<Integer, byte[]> mark : marks.entrySet()) {
      batch.put(handle.meta, Codec.metaKey('t', mark.getKey()), mark.getValue());
    }
    return batch;
  }

  void put(Entry entry) throws RocksDBException {
    byte[] key = EntryCodec.key(entry);
    batch.put(handle.directory, key, EntryCodec.value(key, entry));
  }

  /// Removes an entry, and what lies under its own number: runs, trim mark, and for a subscription
  /// deliveries. What this batch has done to the log before is undone with it.
  void remove(Entry entry) throws RocksDBException {
    batch.delete(handle.directory, EntryCodec.key(entry));
    if (entry.ownNumber().isPresent()) {
      int incarnation = entry.ownNumber().getAsInt();
      Log log = logs.remove(incarnation);
      marks.remove(incarnation);
      deleteRuns(
          incarnation,
          Codec.runKey(incarnation, 0),
          Codec.runsEnd(incarnation),
          log == null ? List.of() : log.runStarts);
      batch.delete(handle.meta, Codec.metaKey('t', incarnation));
    }
    if (entry instanceof Subscription subscription) {
      batch.deleteRange(
          handle.meta,
          DeliveryCodec.key(subscription.number(), 0),
          DeliveryCodec.end(subscription.number()));
    }
  }

  /// Deletes the runs from `first` (inclusive) to `end` (exclusive).
  ///
  /// @param own the first sequences of those of the log that are in this batch
  private void deleteRuns(int incarnation, byte[] first, byte[] end, List<Long> own)
      throws RocksDBException {
    Optional<List<byte[]>> few =
        incarnation < DurableStream.FIRST_NUMBER || own.size() > FEW_RUNS
            ? Optional.empty()
            : stored.few(first, end);
    if (few.isEmpty()) {
      batch.deleteRange(handle.messages, first, end);
      return;
    }
    for (byte[] key : few.get()) {
      batch.delete(handle.messages, key);
    }
    for (long start : own) {
      byte[] key = Codec.runKey(incarnation, start);
      if (Arrays.compareUnsigned(key, first) >= 0 && Arrays.compareUnsigned(key, end) < 0) {
        batch.delete(handle.messages, key);
      }
    }
  }

  void change(DeliveryChanged changed) throws RocksDBException {
    byte[] key = DeliveryCodec.key(changed.number(), changed.change().ordinal());
    if (changed.change().whole()) {
      batch.deleteRange(handle.meta, DeliveryCodec.key(changed.number(), 0), key);
    }
    batch.put(handle.meta, key, DeliveryCodec.value(key, changed.change()));
  }

  /// Each copy is a run of its own, since they are dropped one by one.
  void keep(DeadLettersKept kept) throws RocksDBException {
    for (Message message : kept.messages()) {
      byte[] key = Codec.runKey(kept.number(), message.sequence());
      putRun(key, 0, 0, message.size(), orderingBytes(message), List.of(message));
    }
  }

  void remove(DeadLettersRemoved removed) throws RocksDBException {
    for (SequenceRange range : removed.ranges()) {
      byte[] first = Codec.runKey(removed.number(), range.first());
      if (range.size() == 1) {
        batch.delete(handle.messages, first);
      } else {
        batch.deleteRange(handle.messages, first, Codec.runKey(removed.number(), range.last() + 1));
      }
    }
  }

  void keep(Receipt receipt) throws RocksDBException {
    byte[] key = ReceiptCodec.key(receipt);
    batch.put(handle.meta, key, ReceiptCodec.value(key, receipt));
  }

  void forget(ReceiptsExpired expired) throws RocksDBException {
    batch.deleteRange(
        handle.meta,
        ReceiptCodec.firstKey(expired.slot(), 0),
        ReceiptCodec.firstKey(expired.slot(), expired.expiredBefore()));
  }

  void schedule(MessagesScheduled scheduled) throws RocksDBException {
    for (ScheduledMessage message : scheduled.messages()) {
      ScheduledId id = message.id();
      byte[] key = ScheduledCodec.dueKey(id, scheduled.slot());
      batch.put(handle.scheduled, key, ScheduledCodec.value(key, message));
      batch.put(handle.scheduled, ScheduledCodec.logKey(id, scheduled.slot()), NOTHING);
    }
  }

  void unschedule(ScheduledRemoved removed) throws RocksDBException {
    for (ScheduledId id : removed.ids()) {
      batch.delete(handle.scheduled, ScheduledCodec.dueKey(id, removed.slot()));
      batch.delete(handle.scheduled, ScheduledCodec.logKey(id, removed.slot()));
    }
  }

  void putMeta(byte[] key, byte[] value) throws RocksDBException {
    batch.put(handle.meta, key, value);
  }

  private Log log(int incarnation) {
    return logs.computeIfAbsent(incarnation, _ -> new Log());
  }

  void append(MessagesAppended appended) throws RocksDBException {
    Log log = log(appended.incarnation());
    boolean follows =
        !log.run.isEmpty()
            && appended.firstSequence() == log.run.getLast().sequence() + 1
            && appended.messagesBefore() == log.messagesBefore + log.run.size()
            && appended.bytesBefore() == log.bytesBefore + log.runBytes;
    if (!follows) {
      endRun(appended.incarnation(), log);
      log.messagesBefore = appended.messagesBefore();
      log.bytesBefore = appended.bytesBefore();
    }
    for (Message message : appended.messages()) {
      int orderingBytes = orderingBytes(message);
      boolean fits =
          log.run.size() < RUN_MESSAGES
              && log.runBytes + log.orderingBytes + message.size() + orderingBytes <= RUN_BYTES;
      if (!fits && !log.run.isEmpty()) {
        long messagesBefore = log.messagesBefore + log.run.size();
        long bytesBefore = log.bytesBefore + log.runBytes;
        endRun(appended.incarnation(), log);
        log.messagesBefore = messagesBefore;
        log.bytesBefore = bytesBefore;
      }
      log.run.add(message);
      log.runBytes += message.size();
      log.orderingBytes += orderingBytes;
    }
  }

  private static int orderingBytes(Message message) {
    return message.ordering().isNone() ? 0 : Codec.orderingBytes(message.ordering());
  }

  private void endRun(int incarnation, Log log) throws RocksDBException {
    if (log.run.isEmpty()) {
      return;
    }
    long first = log.run.getFirst().sequence();
    byte[] key = Codec.runKey(incarnation, first);
    putRun(key, log.messagesBefore, log.bytesBefore, log.runBytes, log.orderingBytes, log.run);
    log.runStarts.add(first);
    log.tail =
        Optional.of(
            new Tail(
                lapses,
                log.run.getLast().sequence() + 1,
                log.run.getLast().timestamp(),
                log.messagesBefore + log.run.size(),
                log.bytesBefore + log.runBytes));
    log.run.clear();
    log.runBytes = 0;
    log.orderingBytes = 0;
  }

  private void putRun(
      byte[] key,
      long messagesBefore,
      long bytesBefore,
      long bytes,
      long orderingBytes,
      List<Message> messages)
      throws RocksDBException {
    int size = Codec.maxRunBytes(messages.size(), bytes + orderingBytes);
    // Larger only for a single message that is larger than a run.
    ByteBuffer value = size <= buffer.capacity() ? buffer : ByteBuffer.allocateDirect(size);
    Codec.putRun(value, key, lapses, messagesBefore, bytesBefore, bytes, messages);
    directKey.clear().put(key).flip();
    batch.put(handle.messages, directKey, value);
  }

  /// Writes the new trim mark and deletes the runs that lie wholly below it.
  void trim(LogTrimmed trimmed) throws RocksDBException, StoreException {
    int incarnation = trimmed.incarnation();
    long firstRetained = trimmed.firstRetained();
    Log log = log(incarnation);
    endRun(incarnation, log);
    Optional<TrimMark> mark = log.mark.isPresent() ? log.mark : stored.mark(incarnation);
    if (mark.isPresent() && mark.get().firstRetained() >= firstRetained) {
      return;
    }
    Tail tail = log.tail.isPresent() ? log.tail.get() : stored.tail(incarnation);
    boolean all = firstRetained >= tail.nextSequence();
    if (firstRetained > tail.nextSequence()) {
      // After a lapse: the log was told to go on there.
      tail =
          new Tail(
              lapses, firstRetained, tail.lastTimestamp(), tail.messagesEver(), tail.bytesEver());
    }
    long oldDeletedBelow = mark.map(TrimMark::deletedBelow).orElse(0L);
    long deletedBelow =
        Math.max(oldDeletedBelow, all ? firstRetained : floor(incarnation, log, firstRetained));
    if (deletedBelow > oldDeletedBelow) {
      deleteRuns(
          incarnation,
          Codec.runKey(incarnation, oldDeletedBelow),
          Codec.runKey(incarnation, deletedBelow),
          log.runStarts);
    }
    TrimMark newMark =
        new TrimMark(
            firstRetained,
            deletedBelow,
            tail.lapses(),
            tail.nextSequence(),
            tail.lastTimestamp(),
            tail.messagesEver(),
            tail.bytesEver());
    log.mark = Optional.of(newMark);
    log.tail = Optional.of(tail);
    marks.put(incarnation, Codec.trimMark(Codec.metaKey('t', incarnation), newMark));
  }

  private long floor(int incarnation, Log log, long sequence)
      throws StoreException, RocksDBException {
    long floor = stored.floor(incarnation, sequence).orElse(0L);
    for (long start : log.runStarts) {
      if (start <= sequence) {
        floor = Math.max(floor, start);
      }
    }
    return floor;
  }
}
