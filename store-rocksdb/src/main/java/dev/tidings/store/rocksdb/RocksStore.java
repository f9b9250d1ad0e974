// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.DirectoryContents.Damaged;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.LogRun;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreFigure;
import dev.tidings.core.store.StoreHealth;
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
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.store.rocksdb.BatchWriter.Tail;
import dev.tidings.store.rocksdb.Codec.RunHeader;
import dev.tidings.store.rocksdb.Codec.TrimMark;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Status;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A store in one RocksDB database.
///
/// In its directory lie `db` (RocksDB's files), `owner` (the lock that fences other processes),
/// `wal-unsynced` (the mark of an end in [Durability#MEMORY] mode that was not clean), `restoring`
/// (the mark of a restore that was cut off: not to be opened), `backup` (while one is written) and,
/// once damage was met, `quarantine`. Four column families hold runs of messages, the directory's
/// entries, scheduled messages, and `meta`: format, epochs, batch numbers, trim marks, deliveries,
/// receipts.
///
/// **Lapses.** In [Durability#MEMORY] mode a start after an unclean end may have lost messages that
/// were acknowledged; a restored store has lost what was written after its backup. Either is
/// counted, durably, before anything else; every run says how many lapses the store had seen when
/// it was written, so each log continues [LogExtent#LAPSE_STEP] higher for every lapse since its
/// last run, and incarnations and the numbers of streams and scheduled messages jump likewise.
/// Nothing is given out twice.
///
/// **Locking.** Calls hold the read lock while they use the native handle; only closing and
/// replacing it take the write lock, so no call ever meets a closed native object. The methods of
/// the commit lane are synchronised besides, which costs nothing where one thread calls them.
public final class RocksStore implements Store {
  private static final Logger log = LoggerFactory.getLogger(RocksStore.class);

  /// How far incarnations jump for each lapse: more topics than are created between two syncs.
  static final int INCARNATION_STEP = 16_384;

  /// How far the numbers of streams jump for each lapse: more streams than begin to keep messages
  /// between two syncs.
  static final int STREAM_STEP = 1 << 20;

  /// How far the numbers of scheduled messages jump for each lapse: more than are scheduled between
  /// two syncs.
  static final long SCHEDULED_STEP = 1L << 24;

  /// How far a log jumps whose last runs lie in a part of a file that cannot be read: more messages
  /// than a whole file of references to full runs (64 MiB, 40 bytes each, 1000 messages) stands
  /// for.
  static final long UNREADABLE_STEP = LogExtent.LAPSE_STEP << 12;

  /// The format of the whole directory.
  public static final String FORMAT = "tidings-rocksdb/1";

  private static final byte[] FORMAT_KEY = Codec.metaKey('f', 0);
  private static final byte[] SLOT_HASH_KEY = Codec.metaKey('h', 0);
  private static final byte[] STATE_KEY = Codec.metaKey('s', 0);
  private static final byte[] EPOCHS_KEY = Codec.metaKey('e', 0);
  private static final byte[] INCARNATION_KEY = Codec.metaKey('i', 0);
  private static final byte[] STREAM_NUMBER_KEY = Codec.metaKey('i', 1);
  private static final byte[] SCHEDULED_NUMBER_KEY = Codec.metaKey('i', 2);

  /// The mark of a restore that has not ended.
  static final String RESTORING = "restoring";

  private static final String BACKGROUND_ERRORS = "rocksdb.background-errors";

  private static final long SPACE_CACHED_NS = TimeUnit.SECONDS.toNanos(1);

  /// What the store remembers of its own starts and ends.
  private record State(int lapses, Durability durability, boolean clean) {
    static State read(long[] numbers) {
      return new State(
          Math.toIntExact(numbers[0]),
          numbers[1] == 1 ? Durability.FSYNC : Durability.MEMORY,
          numbers[2] == 1);
    }

    byte[] bytes() {
      int mode =
          switch (durability) {
            case FSYNC -> 1;
            case MEMORY -> 2;
          };
      return Codec.numbers(STATE_KEY, lapses, mode, clean ? 1 : 0);
    }
  }

  /// The highest number of a range that was ever put, and the lapses when it was.
  private record Highest(long number, int lapses) {
    static Highest read(long[] numbers) {
      return new Highest(numbers[0], (int) numbers[1]);
    }

    byte[] bytes(byte[] key) {
      return Codec.numbers(key, number, lapses);
    }

    /// The same, or `other` if that is higher.
    Highest or(long other, int lapsesNow) {
      return other > number ? new Highest(other, lapsesNow) : this;
    }

    /// No lower than any number that was given out until now, when the store has seen `lapsesNow`.
    long given(long step, int lapsesNow, long max) {
      return Math.min(max, number + step * (lapsesNow - lapses));
    }
  }

  /// The highest numbers ever put: of streams, of all other entries, and of scheduled messages.
  private record Numbers(Highest incarnation, Highest stream, Highest scheduled) {
    static final Numbers NONE =
        new Numbers(
            new Highest(0, 0),
            new Highest(DirectoryContents.NO_STREAM_NUMBER, 0),
            new Highest(0, 0));

    Numbers with(Entry entry, int lapsesNow) {
      if (entry.ownNumber().isEmpty()) {
        return this;
      }
      int number = entry.ownNumber().getAsInt();
      return entry.kind() == Entry.Kind.STREAM
          ? new Numbers(incarnation, stream.or(number, lapsesNow), scheduled)
          : new Numbers(incarnation.or(number, lapsesNow), stream, scheduled);
    }

    Numbers with(MessagesScheduled more, int lapsesNow) {
      Highest highest = scheduled;
      for (ScheduledMessage message : more.messages()) {
        highest = highest.or(message.number(), lapsesNow);
      }
      return new Numbers(incarnation, stream, highest);
    }
  }

  private record Space(long usable, long atNs) {}

  @FunctionalInterface
  private interface Use<T> {
    T with(RocksHandle handle) throws RocksDBException, StoreException;
  }

  private final RocksOptions options;
  private final Path database;

  /// Lies there while commits are not synced: after a power cut the write-ahead logs may then have
  /// holes, which is the loss that this mode names and no damage.
  private final Path unsynced;

  private final OwnerLock owner;
  private final Quarantine quarantine;
  private final BufferPool buffers = new BufferPool(BatchWriter.BUFFER_BYTES);
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

  /// Guarded by `lock`; null while the store is being reopened and when it is closed.
  private @Nullable RocksHandle handle;

  /// Held while a backup is written. Never waited for but by the end of the store.
  private final ReentrantLock backups = new ReentrantLock();

  private volatile boolean closed;
  private volatile int lapses;
  private volatile Optional<String> failure = Optional.empty();
  private volatile Optional<Space> space = Optional.empty();

  /// Of the commit lane's methods only.
  private long[] epochs = new long[Slot.COUNT];

  private Numbers numbers = Numbers.NONE;

  private RocksStore(RocksOptions options, OwnerLock owner) {
    this.options = options;
    this.owner = owner;
    this.database = options.directory().resolve("db");
    this.unsynced = options.directory().resolve("wal-unsynced");
    this.quarantine = new Quarantine(options.directory().resolve("quarantine"));
  }

  /// Opens the store in a directory, or creates it there.
  ///
  /// @throws StoreException the directory is in use, damaged, of a newer format or not writable
  public static RocksStore open(RocksOptions options) throws StoreException {
    OwnerLock owner;
    try {
      Files.createDirectories(options.directory());
      owner = OwnerLock.take(options.directory());
    } catch (IOException e) {
      throw new StoreException(
          "cannot use the data directory " + options.directory() + ": " + e, e);
    }
    RocksStore store = new RocksStore(options, owner);
    boolean opened = false;
    try {
      store.start();
      opened = true;
      return store;
    } finally {
      if (!opened) {
        store.release();
      }
    }
  }

  private synchronized void start() throws StoreException {
    if (RocksBackup.isUnfinished(options.directory())) {
      throw new StoreException(unfinished(options.directory()));
    }
    RocksHandle opened = openHandle();
    handle = opened;
    try {
      checkFormat(opened);
      noteStart(opened);
      load(opened);
    } catch (RocksDBException e) {
      throw failed("start", e);
    }
    try {
      // Here the logs of the last run are in tables, and whatever was written since is synced.
      switch (options.durability()) {
        case FSYNC -> Files.deleteIfExists(unsynced);
        case MEMORY -> Files.writeString(unsynced, "the write-ahead logs are not synced\n");
      }
      // Of a backup that was killed; it would keep tables on the disk that are no longer needed.
      BackupFiles.delete(options.directory().resolve(BackupWriter.STAGING));
      // The names of what was just created must survive as well.
      BackupFiles.sync(options.directory());
    } catch (IOException e) {
      throw new StoreException(
          "cannot write to the directory " + options.directory() + ": " + e, e);
    }
  }

  /// What to do about a restore that was cut off.
  static String unfinished(Path directory) {
    return directory
        + " holds an unfinished restore: run `tidings restore` again, which begins anew, or delete"
        + " that directory to start empty";
  }

  /// Opens a database that was copied from a backup, notes durably that the store has lapsed, and
  /// closes it.
  static void countRestore(RocksOptions options) throws StoreException, IOException {
    RocksStore store = new RocksStore(options, OwnerLock.take(options.directory()));
    try {
      store.noteRestore();
    } finally {
      store.release();
    }
  }

  private synchronized void noteRestore() throws StoreException {
    RocksHandle opened = openHandle();
    handle = opened;
    try {
      checkFormat(opened);
      lapses = lastState(opened).lapses() + 1;
      // Clean, whatever it was: the next start counts no further lapse.
      putState(opened, /* clean= */ true);
    } catch (RocksDBException e) {
      throw failed("note the restore", e);
    }
  }

  private RocksHandle openHandle() throws StoreException {
    try {
      boolean strict = !Files.exists(unsynced);
      if (strict) {
        WalCheck.check(database);
      }
      return RocksHandle.open(options, database, strict);
    } catch (IOException e) {
      throw new StoreException("cannot read the write-ahead logs in " + database + ": " + e, e);
    } catch (RocksDBException e) {
      Status status = e.getStatus();
      boolean damage = status != null && status.getCode() == Status.Code.Corruption;
      throw new StoreException(
          "cannot open the database in "
              + database
              + ": RocksDB says: "
              + e.getMessage()
              + (damage
                  ? ". Nothing was changed. Restore the data directory from a copy, or move it away"
                      + " to start empty"
                  : ""),
          e);
    }
  }

  private void checkFormat(RocksHandle opened) throws RocksDBException, StoreException {
    Optional<String> format = meta(opened, FORMAT_KEY, "the format", Codec::readText);
    if (format.isEmpty()) {
      try (BatchWriter writer = writer(opened)) {
        writer.putMeta(FORMAT_KEY, Codec.text(FORMAT_KEY, FORMAT));
        writer.putMeta(SLOT_HASH_KEY, Codec.text(SLOT_HASH_KEY, Slot.HASH));
        writer.putMeta(STATE_KEY, new State(0, options.durability(), /* clean= */ false).bytes());
        opened.write(writer.finish(), /* sync= */ true);
      }
      return;
    }
    if (!format.get().equals(FORMAT)) {
      throw new StoreException(
          "the store in "
              + options.directory()
              + " has the format "
              + format.get()
              + " (expected: "
              + FORMAT
              + "): another version of Tidings wrote it; start that one");
    }
    String hash = meta(opened, SLOT_HASH_KEY, "the slot hash", Codec::readText).orElse("none");
    if (!hash.equals(Slot.HASH)) {
      throw new StoreException(
          "the store in "
              + options.directory()
              + " was written with the slot hash "
              + hash
              + " (expected: "
              + Slot.HASH
              + "): another version of Tidings wrote it; start that one");
    }
  }

  private void noteStart(RocksHandle opened) throws RocksDBException, StoreException {
    State old = lastState(opened);
    // A store that was just created is marked unclean too, but cannot have lost anything: its
    // directory holds no epoch yet.
    boolean used = opened.get(opened.meta, EPOCHS_KEY) != null;
    boolean lapsed = used && !old.clean() && old.durability() == Durability.MEMORY;
    lapses = old.lapses() + (lapsed ? 1 : 0);
    if (lapsed) {
      log.warn(
          "The last end was not clean and durability was `memory`: acknowledged messages may be"
              + " lost. Every log continues {} sequences higher",
          LogExtent.LAPSE_STEP);
    }
    putState(opened, /* clean= */ false);
  }

  private State lastState(RocksHandle opened) throws RocksDBException, StoreException {
    return meta(opened, STATE_KEY, "the notes about the last start and end", Codec::readNumbers)
        .map(State::read)
        .orElse(new State(0, options.durability(), /* clean= */ true));
  }

  private void putState(RocksHandle opened, boolean clean) throws RocksDBException {
    try (BatchWriter writer = writer(opened)) {
      writer.putMeta(STATE_KEY, new State(lapses, options.durability(), clean).bytes());
      opened.write(writer.finish(), /* sync= */ true);
    }
  }

  private void load(RocksHandle opened) throws RocksDBException, StoreException {
    epochs =
        meta(opened, EPOCHS_KEY, "the epochs", Codec::readNumbers).orElse(new long[Slot.COUNT]);
    numbers = numbers(opened);
  }

  private Numbers numbers(RocksHandle opened) throws RocksDBException, StoreException {
    return new Numbers(
        meta(opened, INCARNATION_KEY, "the last incarnation", Codec::readNumbers)
            .map(Highest::read)
            .orElse(Numbers.NONE.incarnation()),
        meta(opened, STREAM_NUMBER_KEY, "the last number of a stream", Codec::readNumbers)
            .map(Highest::read)
            .orElse(Numbers.NONE.stream()),
        meta(
                opened,
                SCHEDULED_NUMBER_KEY,
                "the last number of a scheduled message",
                Codec::readNumbers)
            .map(Highest::read)
            .orElse(Numbers.NONE.scheduled()));
  }

  /// A value of the meta family. These are few and small, and without them nothing can be trusted:
  /// a damaged one stops the start.
  private <T> Optional<T> meta(RocksHandle opened, byte[] key, String what, Codec.Body<T> body)
      throws RocksDBException, StoreException {
    byte[] value = opened.get(opened.meta, key);
    if (value == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Codec.decode(key, value, body));
    } catch (DamagedValueException e) {
      throw new StoreException(
          "the store in "
              + options.directory()
              + " is damaged: "
              + what
              + ": "
              + e.getMessage()
              + ". Nothing was changed. Restore the data directory from a copy");
    }
  }

  private BatchWriter writer(RocksHandle opened) {
    return new BatchWriter(
        opened,
        new BatchWriter.Logs() {
          @Override
          public Optional<TrimMark> mark(int number) throws StoreException, RocksDBException {
            return RocksStore.this.mark(opened, number);
          }

          @Override
          public Tail tail(int number) throws StoreException, RocksDBException {
            return RocksStore.this.tail(opened, number, mark(number)).tail();
          }

          @Override
          public Optional<Long> floor(int number, long sequence)
              throws StoreException, RocksDBException {
            // Not from 0: what was trimmed before need not be walked over again.
            long lowest = mark(number).map(TrimMark::deletedBelow).orElse(0L);
            try (RunCursor cursor = new RunCursor(opened, quarantine, buffers, number, lowest)) {
              cursor.seekFloor(sequence);
              return cursor.isValid() && cursor.sequence() <= sequence
                  ? Optional.of(cursor.sequence())
                  : Optional.empty();
            }
          }

          @Override
          public Optional<List<byte[]>> few(byte[] first, byte[] end) throws RocksDBException {
            return opened.few(opened.messages, first, end, BatchWriter.FEW_RUNS);
          }
        },
        lapses,
        buffers);
  }

  // Using the handle

  private <T> T use(String what, Use<T> use) throws StoreException {
    lock.readLock().lock();
    try {
      RocksHandle opened = handle;
      if (closed) {
        throw new StoreException("the store in " + options.directory() + " is closed");
      }
      if (opened == null) {
        throw new StoreException(
            "the store in "
                + options.directory()
                + " is being reopened after a failure; try again in a moment");
      }
      return use.with(opened);
    } catch (RocksDBException e) {
      throw failed(what, e);
    } finally {
      lock.readLock().unlock();
    }
  }

  private StoreException failed(String what, RocksDBException e) {
    return new StoreException(
        "cannot " + what + " in " + database + ": RocksDB says: " + e.getMessage(), e);
  }

  // The commit lane

  @Override
  public synchronized long openSlots(SlotSet slots) throws StoreException {
    return use(
        "open slots",
        opened -> {
          long[] raised = epochs.clone();
          long epoch = 1;
          for (long old : epochs) {
            epoch = Math.max(epoch, old + 1);
          }
          for (int slot = 0; slot < Slot.COUNT; slot++) {
            if (slots.contains(slot)) {
              raised[slot] = epoch;
            }
          }
          try (BatchWriter writer = writer(opened)) {
            writer.putMeta(EPOCHS_KEY, Codec.numbers(EPOCHS_KEY, raised));
            opened.write(writer.finish(), /* sync= */ true);
          }
          epochs = raised;
          return epoch;
        });
  }

  @Override
  public synchronized SlotSet commit(Batch batch) throws StoreException {
    try {
      SlotSet refused = use("commit a batch", opened -> write(opened, batch));
      failure = Optional.empty();
      return refused;
    } catch (StoreException e) {
      failure = Optional.of(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  private SlotSet write(RocksHandle opened, Batch batch) throws RocksDBException, StoreException {
    BitSet refused = new BitSet();
    Numbers highest = numbers;
    try (BatchWriter writer = writer(opened)) {
      for (StoreRecord record : batch.records()) {
        if (epochs[record.slot()] > batch.epoch()) {
          refused.set(record.slot());
          continue;
        }
        switch (record) {
          case MessagesAppended appended -> writer.append(appended);
          case LogTrimmed trimmed -> writer.trim(trimmed);
          case EntryPut(Entry entry) -> {
            writer.put(entry);
            highest = highest.with(entry, lapses);
          }
          case EntryRemoved(Entry entry) -> writer.remove(entry);
          case ReceiptKept(Receipt receipt) -> writer.keep(receipt);
          case ReceiptsExpired expired -> writer.forget(expired);
          case DeliveryChanged changed -> writer.change(changed);
          case DeadLettersKept kept -> writer.keep(kept);
          case DeadLettersRemoved removed -> writer.remove(removed);
          case MessagesScheduled scheduled -> {
            writer.schedule(scheduled);
            highest = highest.with(scheduled, lapses);
          }
          case ScheduledRemoved removed -> writer.unschedule(removed);
          case OutboxTaken _ ->
              throw new IllegalArgumentException(
                  "messages taken out of an outbox (expected: none, as this store has none)");
        }
      }
      if (!highest.incarnation().equals(numbers.incarnation())) {
        writer.putMeta(INCARNATION_KEY, highest.incarnation().bytes(INCARNATION_KEY));
      }
      if (!highest.stream().equals(numbers.stream())) {
        writer.putMeta(STREAM_NUMBER_KEY, highest.stream().bytes(STREAM_NUMBER_KEY));
      }
      if (!highest.scheduled().equals(numbers.scheduled())) {
        writer.putMeta(SCHEDULED_NUMBER_KEY, highest.scheduled().bytes(SCHEDULED_NUMBER_KEY));
      }
      byte[] laneKey = Codec.metaKey('l', batch.lane());
      writer.putMeta(laneKey, Codec.numbers(laneKey, batch.epoch(), batch.number()));
      opened.write(writer.finish(), options.durability() == Durability.FSYNC);
    }
    numbers = highest;
    return SlotSet.copyOf(refused);
  }

  @Override
  public synchronized boolean wasCommitted(int lane, long epoch, long number)
      throws StoreException {
    return use(
        "read a batch number",
        opened ->
            meta(opened, Codec.metaKey('l', lane), "a batch number", Codec::readNumbers)
                .map(last -> last[0] == epoch && last[1] >= number)
                .orElse(false));
  }

  @Override
  public synchronized void reopen() throws StoreException {
    if (closed) {
      throw new StoreException("the store in " + options.directory() + " is closed");
    }
    closeHandle();
    // Without the lock: readers are told at once that the store is being reopened.
    RocksHandle opened = openHandle();
    try {
      load(opened);
    } catch (RocksDBException | StoreException e) {
      opened.close();
      throw e instanceof RocksDBException native_ ? failed("reopen", native_) : (StoreException) e;
    }
    lock.writeLock().lock();
    try {
      handle = opened;
    } finally {
      lock.writeLock().unlock();
    }
    failure = Optional.empty();
  }

  private void closeHandle() {
    lock.writeLock().lock();
    try {
      RocksHandle old = handle;
      handle = null;
      if (old != null) {
        old.close();
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public synchronized void close() throws StoreException {
    if (closed) {
      return;
    }
    try {
      use(
          "note a clean end",
          opened -> {
            opened.sync();
            putState(opened, /* clean= */ true);
            return true;
          });
      // All of it is synced now: from here on a hole is damage.
      Files.deleteIfExists(unsynced);
      BackupFiles.sync(options.directory());
    } catch (IOException e) {
      throw new StoreException(
          "cannot write to the directory " + options.directory() + ": " + e, e);
    } finally {
      release();
    }
  }

  private void release() throws StoreException {
    closed = true;
    // A backup under way gives up at its next piece, and takes away what there is of it.
    backups.lock();
    try {
      closeHandle();
    } finally {
      backups.unlock();
    }
    try {
      owner.close();
    } catch (IOException e) {
      throw new StoreException("cannot release the lock of " + options.directory() + ": " + e, e);
    }
  }

  // Reads

  private Optional<TrimMark> mark(RocksHandle opened, int number)
      throws RocksDBException, StoreException {
    byte[] key = Codec.metaKey('t', number);
    byte[] value = opened.get(opened.meta, key);
    if (value == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Codec.decode(key, value, Codec::readTrimMark));
    } catch (DamagedValueException e) {
      String text =
          quarantine.keep(
              "trim-" + number,
              "the trim mark of log " + number,
              String.valueOf(e.getMessage()),
              ByteBuffer.wrap(value));
      try (RunCursor cursor = new RunCursor(opened, quarantine, buffers, number, 0)) {
        cursor.seekForward(0);
        if (!cursor.isValid()) {
          // Where the log would go on stood nowhere else.
          throw new StoreException(text + "; no run of the log is left, so it cannot be continued");
        }
        // What is left begins with the first run, and the last run tells where it goes on.
        long first = cursor.sequence();
        return Optional.of(new TrimMark(first, 0, 0, first, 0, 0, 0));
      }
    }
  }

  /// @param tail as it was written
  /// @param nextSequence where the log goes on now, lapses since then considered
  /// @param empty whether no run is left
  private record End(Tail tail, long nextSequence, boolean empty) {}

  private End tail(RocksHandle opened, int number, Optional<TrimMark> mark)
      throws RocksDBException, StoreException {
    Tail known =
        mark.map(m ->
                new Tail(
                    m.lapses(),
                    m.nextSequence(),
                    m.lastTimestamp(),
                    m.messagesEver(),
                    m.bytesEver()))
            .orElse(new Tail(0, 1, 0, 0, 0));
    long lowest = mark.map(TrimMark::deletedBelow).orElse(0L);
    long next = continued(known.nextSequence(), known.lapses());
    try (RunCursor cursor = new RunCursor(opened, quarantine, buffers, number, lowest)) {
      cursor.seekLast();
      boolean unreadable = cursor.metUnreadable();
      boolean empty = !cursor.isValid() && !unreadable;
      Optional<RunHeader> last = Optional.empty();
      while (cursor.isValid() && last.isEmpty()) {
        last = cursor.load();
        if (last.isEmpty()) {
          // How many messages the damaged run held is unknown, but fewer than this.
          next = Math.max(next, continued(cursor.sequence() + LogExtent.LAPSE_STEP, lapses));
          cursor.previous();
        }
      }
      if (last.isPresent()) {
        RunHeader run = last.get();
        next = Math.max(next, continued(run.lastSequence() + 1, run.lapses()));
        known =
            new Tail(
                run.lapses(),
                Math.max(known.nextSequence(), run.lastSequence() + 1),
                Math.max(known.lastTimestamp(), run.lastTimestamp()),
                Math.max(known.messagesEver(), run.messagesBefore() + run.count()),
                Math.max(known.bytesEver(), run.bytesBefore() + run.bytes()));
      }
      if (unreadable) {
        next += UNREADABLE_STEP;
      }
      return new End(known, next, empty);
    }
  }

  /// Where a log goes on that ended at `next` when the store had seen `lapsesThen` lapses.
  private long continued(long next, int lapsesThen) {
    return next + LogExtent.LAPSE_STEP * (lapses - lapsesThen);
  }

  @Override
  public LogExtent extent(int number) throws StoreException {
    return use(
        "read the extent of log " + number,
        opened -> {
          Optional<TrimMark> mark = mark(opened, number);
          End end = tail(opened, number, mark);
          Tail tail = end.tail();
          long first = end.empty() ? end.nextSequence() : firstRetained(opened, number, mark);
          return new LogExtent(
              first,
              end.nextSequence(),
              tail.lastTimestamp(),
              tail.messagesEver(),
              tail.bytesEver());
        });
  }

  private long firstRetained(RocksHandle opened, int number, Optional<TrimMark> mark)
      throws RocksDBException {
    long first = mark.map(TrimMark::firstRetained).orElse(1L);
    boolean nothingBeforeLapse =
        mark.map(m -> m.firstRetained() >= m.nextSequence() && m.lapses() < lapses)
            .orElse(lapses > 0);
    if (!nothingBeforeLapse) {
      return first;
    }
    // The log was empty and then jumped: it begins where it was continued.
    try (RunCursor cursor = new RunCursor(opened, quarantine, buffers, number, first)) {
      cursor.seekForward(first);
      return cursor.isValid() ? cursor.sequence() : first;
    }
  }

  @Override
  public LogPage read(int number, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    return use(
        "read log " + number,
        opened -> {
          PageBuilder page = new PageBuilder(maxMessages, maxBytes);
          Optional<TrimMark> mark = mark(opened, number);
          long from = Math.max(fromSequence, mark.map(TrimMark::firstRetained).orElse(1L));
          long lowest = mark.map(TrimMark::deletedBelow).orElse(0L);
          try (RunCursor cursor = new RunCursor(opened, quarantine, buffers, number, lowest)) {
            cursor.seekFloor(from);
            while (cursor.isValid() && !page.isFull()) {
              Optional<RunHeader> run = cursor.load();
              if (run.isPresent() && run.get().lastSequence() >= from) {
                cursor.read(run.get(), from, page);
              }
              if (!page.isFull()) {
                cursor.next();
              }
            }
          }
          return page.page();
        });
  }

  @Override
  public Optional<LogRun> runAt(int number, long sequence) throws StoreException {
    return use(
        "look for a run of log " + number,
        opened -> {
          Optional<TrimMark> mark = mark(opened, number);
          long at = Math.max(sequence, mark.map(TrimMark::firstRetained).orElse(1L));
          long lowest = mark.map(TrimMark::deletedBelow).orElse(0L);
          try (RunCursor cursor = new RunCursor(opened, quarantine, buffers, number, lowest)) {
            cursor.seekFloor(at);
            while (cursor.isValid()) {
              Optional<RunHeader> run = cursor.load();
              if (run.isPresent() && run.get().lastSequence() >= at) {
                return Optional.of(describe(run.get()));
              }
              cursor.next();
            }
            return Optional.empty();
          }
        });
  }

  private static LogRun describe(RunHeader run) {
    return new LogRun(
        run.firstSequence(),
        run.lastSequence(),
        run.firstTimestamp(),
        run.lastTimestamp(),
        run.messagesBefore(),
        run.bytesBefore(),
        run.bytes());
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    return use(
        "load the directory",
        opened -> {
          List<Entry> entries = new ArrayList<>();
          List<Damaged> damaged = new ArrayList<>();
          try (RocksIterator iterator = opened.all(opened.directory)) {
            for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
              loadEntry(iterator.key(), iterator.value(), entries, damaged);
            }
            // Entries whose very names cannot be read must not be taken for absent: anyone could
            // take their names. So this fails, and the start with it.
            iterator.status();
          }
          Numbers highest = numbers(opened);
          return new DirectoryContents(
              entries,
              (int) highest.incarnation().given(INCARNATION_STEP, lapses, Integer.MAX_VALUE),
              (int) highest.stream().given(STREAM_STEP, lapses, Integer.MAX_VALUE),
              highest.scheduled().given(SCHEDULED_STEP, lapses, ScheduledId.MAX),
              damaged);
        });
  }

  private void loadEntry(byte[] key, byte[] value, List<Entry> entries, List<Damaged> damaged)
      throws StoreException {
    Entry.Kind kind =
        EntryCodec.kindOf(key)
            .orElseThrow(() ->
                new StoreException(
                    "the directory in "
                        + options.directory()
                        + " has an entry of kind "
                        + key[0]
                        + ": a newer Tidings wrote it; start that one"));
    String ownKey = EntryCodec.keyIn(key);
    try {
      entries.add(Codec.decode(key, value, body -> EntryCodec.read(kind, ownKey, body)));
    } catch (DamagedValueException e) {
      String word = kind.word();
      CRC32C crc = new CRC32C();
      crc.update(key);
      String reason =
          quarantine.keep(
              "%s-%08x".formatted(word, (int) crc.getValue()),
              "the entry of the " + word + " " + ownKey,
              String.valueOf(e.getMessage()),
              ByteBuffer.wrap(value));
      damaged.add(new Damaged(kind, ownKey, reason));
    }
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    return use(
        "load the deliveries of subscription " + number,
        opened -> {
          List<DeliveryChange> changes = new ArrayList<>();
          try (RocksHandle.Range range =
              opened.range(opened.meta, DeliveryCodec.key(number, 0), DeliveryCodec.end(number))) {
            RocksIterator iterator = range.iterator();
            for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
              DeliveryChange change = readChange(number, iterator.key(), iterator.value());
              if (change.whole()) {
                changes.clear();
              }
              changes.add(change);
            }
            iterator.status();
          }
          return changes;
        });
  }

  private DeliveryChange readChange(int number, byte[] key, byte[] value) throws StoreException {
    try {
      return Codec.decode(key, value, DeliveryCodec::read);
    } catch (DamagedValueException e) {
      CRC32C crc = new CRC32C();
      crc.update(key);
      throw new StoreException(
          quarantine.keep(
              "deliveries-%d-%08x".formatted(number, (int) crc.getValue()),
              "the deliveries of subscription number " + number,
              String.valueOf(e.getMessage()),
              ByteBuffer.wrap(value)));
    }
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    return use(
        "read scheduled messages",
        opened ->
            new ScheduledReader(opened, quarantine)
                .due(slots, from, dueBefore, new ScheduledPage(maxMessages, maxBytes)));
  }

  @Override
  public List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException {
    return use(
        "read the scheduled messages of log " + incarnation,
        opened ->
            new ScheduledReader(opened, quarantine)
                .of(incarnation, from, skip, new ScheduledPage(maxMessages, maxBytes)));
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    return use(
        "look for scheduled messages",
        opened -> {
          Set<ScheduledId> found = new HashSet<>();
          for (ScheduledId id : ids) {
            if (opened.get(opened.scheduled, ScheduledCodec.logKey(id, slot)) != null) {
              found.add(id);
            }
          }
          return found;
        });
  }

  @Override
  public long countScheduled() throws StoreException {
    return use(
        "count the scheduled messages", opened -> new ScheduledReader(opened, quarantine).count());
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    return use(
        "load the receipts",
        opened -> {
          List<Receipt> receipts = new ArrayList<>();
          try (RocksHandle.Range range =
              opened.range(opened.meta, ReceiptCodec.firstKey(), ReceiptCodec.endKey())) {
            RocksIterator iterator = range.iterator();
            for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
              loadReceipt(iterator.key(), iterator.value(), receipts);
            }
            iterator.status();
          }
          return receipts;
        });
  }

  private void loadReceipt(byte[] key, byte[] value, List<Receipt> receipts) throws StoreException {
    try {
      receipts.add(Codec.decode(key, value, ReceiptCodec::read));
    } catch (DamagedValueException e) {
      CRC32C crc = new CRC32C();
      crc.update(key);
      var _ =
          quarantine.keep(
              "receipt-%08x".formatted((int) crc.getValue()),
              "a receipt of a request under an idempotency key",
              String.valueOf(e.getMessage()),
              ByteBuffer.wrap(value));
    }
  }

  // Backups

  @Override
  public BackupResult backup(Path target) throws StoreException {
    if (!backups.tryLock()) {
      return new BackupResult.Refused(
          "a backup of this store is being written (expected: one at a time); wait for its end");
    }
    try {
      if (closed) {
        throw new StoreException("the store in " + options.directory() + " is closed");
      }
      BackupWriter writer =
          new BackupWriter(
              options.directory(), options.durability(), this::checkpoint, () -> closed);
      return writer.write(target);
    } finally {
      backups.unlock();
    }
  }

  private void checkpoint(Path directory) throws StoreException {
    boolean _ =
        use(
            "make a checkpoint",
            opened -> {
              opened.checkpoint(directory);
              return true;
            });
  }

  // Health and metrics

  @Override
  public StoreHealth health() {
    Optional<String> trouble = trouble();
    if (trouble.isPresent()) {
      return new StoreHealth(false, trouble.get(), quarantine.names());
    }
    Optional<String> lowSpace = lowSpace();
    return lowSpace.isPresent()
        ? StoreHealth.lowOnSpace(lowSpace.get(), quarantine.names())
        : new StoreHealth(true, remark(), quarantine.names());
  }

  /// Why a commit would fail now.
  private Optional<String> trouble() {
    if (closed) {
      return Optional.of("the store is closed");
    }
    if (failure.isPresent()) {
      return failure;
    }
    return isOpen() ? Optional.empty() : Optional.of("the store is being reopened after a failure");
  }

  /// Why nothing but what frees space should be written.
  private Optional<String> lowSpace() {
    long usable = usableSpace();
    if (usable < options.diskLowWaterBytes()) {
      return Optional.of(
          "the disk of "
              + options.directory()
              + " has "
              + (usable >> 20)
              + " MiB free (expected: "
              + (options.diskLowWaterBytes() >> 20)
              + " MiB or more): free some space, or set a lower low-water mark");
    }
    return Optional.empty();
  }

  /// Failed flushes and compactions are tried again by RocksDB; if they stay, commits fail and that
  /// is told. So they are a remark, not a reason to refuse.
  private String remark() {
    long errors = backgroundErrors();
    return errors == 0
        ? StoreHealth.OK.detail()
        : errors
            + " flushes or compactions failed since the store was opened; see "
            + database.resolve("LOG");
  }

  /// Alone, without the other statistics: the lane asks every second, and those list the directory.
  private long backgroundErrors() {
    if (!lock.readLock().tryLock()) {
      return 0;
    }
    try {
      RocksHandle opened = handle;
      return opened == null ? 0 : opened.property(BACKGROUND_ERRORS);
    } catch (RocksDBException e) {
      log.debug("Failed flushes and compactions: {}", e.toString());
      return 0;
    } finally {
      lock.readLock().unlock();
    }
  }

  /// Never waits for a reopening.
  private boolean isOpen() {
    if (!lock.readLock().tryLock()) {
      return false;
    }
    try {
      return handle != null;
    } finally {
      lock.readLock().unlock();
    }
  }

  private long usableSpace() {
    Optional<Space> known = space;
    long now = System.nanoTime();
    if (known.isPresent() && now - known.get().atNs() < SPACE_CACHED_NS) {
      return known.get().usable();
    }
    long usable = options.directory().toFile().getUsableSpace();
    space = Optional.of(new Space(usable, now));
    return usable;
  }

  /// What the store uses now; [RocksStats#NONE] while it is closed or being reopened.
  public RocksStats stats() {
    // Never waits for a reopening.
    if (!lock.readLock().tryLock()) {
      return RocksStats.NONE;
    }
    try {
      RocksHandle opened = handle;
      return opened == null ? RocksStats.NONE : stats(opened);
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public List<StoreFigure> figures() {
    StoreFigure free =
        new StoreFigure(
            "disk_free_bytes", "Free disk where the store lies", (double) usableSpace());
    RocksStats now = stats();
    if (now.equals(RocksStats.NONE)) {
      return List.of(free);
    }
    return List.of(
        free,
        new StoreFigure(
            "table_bytes", "Tables and blob files on the disk", (double) now.tableBytes()),
        new StoreFigure("wal_bytes", "Write-ahead logs on the disk", (double) now.walBytes()),
        new StoreFigure("memtable_bytes", "Writes not yet in tables", (double) now.memtableBytes()),
        new StoreFigure(
            "cache_bytes", "Native cache in use, with the memtables", (double) now.cacheBytes()),
        new StoreFigure(
            "pending_compaction_bytes",
            "What compactions have yet to rewrite, estimated",
            (double) now.pendingCompactionBytes()),
        new StoreFigure(
            "writes_stopped",
            "Whether writes wait for flushes or compactions",
            now.writesStopped() ? 1 : 0),
        new StoreFigure(
            "background_errors",
            "Flushes and compactions that failed since the store was opened",
            (double) now.backgroundErrors()));
  }

  private RocksStats stats(RocksHandle opened) {
    try {
      return new RocksStats(
          opened.property("rocksdb.cur-size-all-mem-tables"),
          opened.cacheUsage(),
          opened.property("rocksdb.total-sst-files-size")
              + opened.property("rocksdb.total-blob-file-size"),
          walBytes(),
          opened.property("rocksdb.estimate-pending-compaction-bytes"),
          opened.property("rocksdb.is-write-stopped") > 0,
          opened.property(BACKGROUND_ERRORS));
    } catch (RocksDBException | IOException e) {
      // Only a property that this RocksDB does not have, or a log deleted while it was looked at.
      log.debug("Store statistics: {}", e.toString());
      return new RocksStats(0, opened.cacheUsage(), 0, 0, 0, false, 0);
    }
  }

  private long walBytes() throws IOException {
    long bytes = 0;
    for (Path file : WalCheck.files(database)) {
      bytes += file.toFile().length();
    }
    return bytes;
  }
}
