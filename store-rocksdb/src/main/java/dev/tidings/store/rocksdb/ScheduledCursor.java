// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.HexFormat;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Status;

/// Steps through a range of the keys of scheduled messages, past blocks of files that cannot be
/// read: behind such a block it goes on at the nearest key that can be, which it looks for in
/// growing steps and then by halving, with keys as numbers. What other files hold between the keys
/// of the block is passed over with it.
final class ScheduledCursor implements AutoCloseable {
  private final Quarantine quarantine;
  private final byte[] first;
  private final byte[] end;
  private final RocksHandle.Range range;
  private RocksIterator iterator;
  private String reason = "";

  /// @param first the lowest key
  /// @param end the key right after the highest
  ScheduledCursor(RocksHandle handle, Quarantine quarantine, byte[] first, byte[] end) {
    this.quarantine = quarantine;
    this.first = first;
    this.end = end;
    this.range = handle.uncached(handle.scheduled, first, end);
    this.iterator = range.iterator();
  }

  @Override
  public void close() {
    range.close();
  }

  boolean isValid() {
    return iterator.isValid();
  }

  byte[] key() {
    return iterator.key();
  }

  byte[] value() {
    return iterator.value();
  }

  /// Moves to the first key.
  void first() throws RocksDBException {
    if (!canSeek(first)) {
      skip(first);
    }
  }

  /// Moves to the next key.
  void next() throws RocksDBException {
    byte[] last = iterator.key();
    iterator.next();
    if (!isReadable()) {
      skip(key(number(last).add(BigInteger.ONE)));
    }
  }

  private boolean canSeek(byte[] key) throws RocksDBException {
    iterator.seek(key);
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
      reason = String.valueOf(e.getMessage());
      // As in RunCursor: an iterator that met a damaged block may report it again for a good one.
      iterator = range.renew();
      return false;
    }
  }

  /// Moves to the nearest key at or after `from`, which cannot be read, that can be.
  private void skip(byte[] from) throws RocksDBException {
    String why = reason;
    BigInteger bad = number(from);
    BigInteger last = number(end);
    BigInteger good = bad;
    for (BigInteger step = BigInteger.ONE; good.equals(bad); step = step.shiftLeft(1)) {
      good = bad.add(step).min(last);
      if (!canSeek(key(good))) {
        if (good.equals(last)) {
          note(from, "to their end", why);
          return;
        }
        bad = good;
      }
    }
    while (good.subtract(bad).compareTo(BigInteger.ONE) > 0) {
      BigInteger middle = bad.add(good).shiftRight(1);
      if (canSeek(key(middle))) {
        good = middle;
      } else {
        bad = middle;
      }
    }
    // Read a moment ago.
    boolean _ = canSeek(key(good));
    note(from, isValid() ? "to " + hex(iterator.key()) : "to their end", why);
  }

  private void note(byte[] from, String to, String why) {
    String _ =
        quarantine.note(
            "scheduled-" + Quarantine.digest(why),
            "scheduled messages with the keys from " + hex(from) + " " + to,
            why);
  }

  private static String hex(byte[] key) {
    return HexFormat.of().formatHex(key);
  }

  private static BigInteger number(byte[] key) {
    return new BigInteger(1, key);
  }

  /// The key of that number, which has a letter in front and so no byte too few.
  private static byte[] key(BigInteger number) {
    byte[] bytes = number.toByteArray();
    return bytes.length == ScheduledCodec.KEY_BYTES
        ? bytes
        : Arrays.copyOfRange(bytes, bytes.length - ScheduledCodec.KEY_BYTES, bytes.length);
  }
}
