// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.MessageId;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.Codec.RunHeader;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Status;

/// Steps over the runs of one log, past whatever is damaged.
///
/// Two kinds of damage are met. A value whose checksum is wrong: its key is known and its bytes are
/// kept aside. A block of a file that RocksDB itself cannot read: then nothing of it is known, and
/// the cursor looks for the nearest key that can be read, in growing steps and then by halving.
///
/// After each move the cursor is at a key ([#isValid]) or at an end; [#load] reads the run there.
final class RunCursor implements AutoCloseable {
  private static final long HIGHEST = MessageId.MAX_SEQUENCE;

  private final Quarantine quarantine;
  private final BufferPool pool;
  private final int incarnation;
  private final long lowest;
  private final RocksHandle.Range range;
  private RocksIterator iterator;
  private final ByteBuffer pooled;
  private ByteBuffer value;
  private boolean metUnreadable;
  private String reason = "";

  /// @param lowest no run with a lower first sequence is looked at
  RunCursor(
      RocksHandle handle, Quarantine quarantine, BufferPool pool, int incarnation, long lowest) {
    this.quarantine = quarantine;
    this.pool = pool;
    this.incarnation = incarnation;
    this.lowest = lowest;
    this.range =
        handle.range(
            handle.messages, Codec.runKey(incarnation, lowest), Codec.runsEnd(incarnation));
    this.iterator = range.iterator();
    this.pooled = pool.take();
    this.value = pooled;
  }

  @Override
  public void close() {
    range.close();
    pool.giveBack(pooled);
  }

  boolean isValid() {
    return iterator.isValid();
  }

  /// Whether a move met a block that could not be read.
  boolean metUnreadable() {
    return metUnreadable;
  }

  /// The first sequence of the run the cursor is at.
  long sequence() {
    return Codec.sequenceOf(iterator.key());
  }

  /// Moves to the run with the highest first sequence not above `sequence`, or, if there is none,
  /// to the first run.
  void seekFloor(long sequence) throws RocksDBException {
    seekBackward(sequence);
    if (!isValid()) {
      seekForward(lowest);
    }
  }

  /// Moves to the last run.
  void seekLast() throws RocksDBException {
    seekBackward(HIGHEST);
  }

  /// Moves to the next run.
  void next() throws RocksDBException {
    long from = sequence() + 1;
    iterator.next();
    if (!isReadable()) {
      skipForward(from);
    }
  }

  /// Moves to the run before.
  void previous() throws RocksDBException {
    long from = sequence() - 1;
    iterator.prev();
    if (!isReadable()) {
      skipBackward(from);
    }
  }

  /// Moves to the first run that begins at or after `sequence`.
  void seekForward(long sequence) throws RocksDBException {
    if (!canSeek(sequence)) {
      skipForward(sequence);
    }
  }

  private void seekBackward(long sequence) throws RocksDBException {
    if (!canSeekBack(sequence)) {
      skipBackward(sequence);
    }
  }

  private boolean canSeek(long sequence) throws RocksDBException {
    iterator.seek(Codec.runKey(incarnation, Math.max(sequence, 0)));
    return isReadable();
  }

  private boolean canSeekBack(long sequence) throws RocksDBException {
    iterator.seekForPrev(Codec.runKey(incarnation, Math.max(sequence, 0)));
    return isReadable();
  }

  /// Whether the last move worked; false if it met damage. Other failures are the caller's.
  private boolean isReadable() throws RocksDBException {
    if (iterator.isValid()) {
      return true;
    }
    try {
      iterator.status();
      return true;
    } catch (RocksDBException e) {
      Status status = e.getStatus();
      if (status == null || status.getCode() != Status.Code.Corruption) {
        throw e;
      }
      metUnreadable = true;
      // An iterator that met a damaged block may report it again for a good one: it remembers the
      // block before as the one it holds.
      iterator = range.renew();
      reason = String.valueOf(e.getMessage());
      return false;
    }
  }

  private void skipForward(long from) throws RocksDBException {
    String why = reason;
    long bad = from;
    long good = from;
    for (long step = 1; good == bad; step *= 2) {
      good = Math.min(HIGHEST, from + step);
      if (!canSeek(good)) {
        if (good == HIGHEST) {
          note(from, "to its end", why);
          return;
        }
        bad = good;
      }
    }
    long found = keyOr(HIGHEST);
    while (good - bad > 1) {
      long middle = bad + (good - bad) / 2;
      if (canSeek(middle)) {
        good = middle;
        found = Math.min(found, keyOr(HIGHEST));
      } else {
        bad = middle;
      }
    }
    boolean _ = canSeek(found);
    note(from, isValid() ? "to " + (sequence() - 1) : "to its end", why);
  }

  private void skipBackward(long from) throws RocksDBException {
    String why = reason;
    long bad = from;
    long good = from;
    for (long step = 1; good == bad; step *= 2) {
      good = Math.max(lowest, from - step);
      if (!canSeekBack(good)) {
        if (good == lowest) {
          note(lowest, "to " + from, why);
          return;
        }
        bad = good;
      }
    }
    long found = keyOr(lowest);
    while (bad - good > 1) {
      long middle = good + (bad - good) / 2;
      if (canSeekBack(middle)) {
        good = middle;
        found = Math.max(found, keyOr(lowest));
      } else {
        bad = middle;
      }
    }
    boolean _ = canSeekBack(found);
    note(isValid() ? sequence() + 1 : lowest, "to " + from + " or before", why);
  }

  private long keyOr(long other) {
    return isValid() ? sequence() : other;
  }

  private void note(long from, String to, String why) {
    String _ =
        quarantine.note(
            incarnation + "-" + from,
            "runs of log " + incarnation + " that begin at sequences from " + from + " " + to,
            why);
  }

  /// Reads the run the cursor is at; empty if it is damaged, which keeps its bytes aside.
  Optional<RunHeader> load() throws StoreException {
    byte[] key = iterator.key();
    value = pooled;
    value.clear();
    int size = iterator.value(value);
    if (size > pooled.capacity()) {
      // One message larger than a run.
      value = ByteBuffer.wrap(iterator.value());
    }
    try {
      return Optional.of(Codec.openRun(key, value));
    } catch (DamagedValueException e) {
      keepAside(key, e);
      return Optional.empty();
    }
  }

  /// Adds messages of the run that [#load] returned to `page`.
  void read(RunHeader header, long from, PageBuilder page) {
    try {
      Codec.readRun(header, value, from, page);
    } catch (DamagedValueException e) {
      keepAside(iterator.key(), e);
    }
  }

  private void keepAside(byte[] key, DamagedValueException damage) {
    long sequence = Codec.sequenceOf(key);
    String _ =
        quarantine.keep(
            incarnation + "-" + sequence,
            "the run of log " + incarnation + " that begins at sequence " + sequence,
            String.valueOf(damage.getMessage()),
            value.duplicate().position(0));
  }
}
