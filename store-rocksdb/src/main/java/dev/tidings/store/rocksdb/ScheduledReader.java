// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/// Reads scheduled messages, past those that are damaged.
final class ScheduledReader {
  private final RocksHandle handle;
  private final Quarantine quarantine;

  ScheduledReader(RocksHandle handle, Quarantine quarantine) {
    this.handle = handle;
    this.quarantine = quarantine;
  }

  /// Fills `page` with messages of topics in `slots`, from `from` on, that are due before
  /// `dueBefore`.
  List<ScheduledMessage> due(SlotSet slots, ScheduledId from, long dueBefore, ScheduledPage page)
      throws RocksDBException, StoreException {
    if (from.dueAt() >= dueBefore) {
      return List.of();
    }
    byte[] start = ScheduledCodec.dueKey(from, 0);
    byte[] end = ScheduledCodec.dueEnd(dueBefore);
    try (ScheduledCursor cursor = new ScheduledCursor(handle, quarantine, start, end)) {
      for (cursor.first(); cursor.isValid() && !page.isFull(); cursor.next()) {
        byte[] key = cursor.key();
        if (slots.contains(ScheduledCodec.slotOf(key))) {
          decode(key, ScheduledCodec.idOfDue(key), cursor.value()).ifPresent(page::add);
        }
      }
    }
    return page.messages();
  }

  /// Fills `page` with messages of one log, from `from` on, without the first `skip`, which are
  /// counted by their keys alone: damaged ones count.
  List<ScheduledMessage> of(int incarnation, ScheduledId from, int skip, ScheduledPage page)
      throws RocksDBException, StoreException {
    byte[] start = ScheduledCodec.logStart(incarnation, from);
    byte[] end = ScheduledCodec.logEnd(incarnation);
    try (ScheduledCursor cursor = new ScheduledCursor(handle, quarantine, start, end)) {
      cursor.first();
      for (int left = skip; left > 0 && cursor.isValid(); left--) {
        cursor.next();
      }
      for (; cursor.isValid() && !page.isFull(); cursor.next()) {
        find(cursor.key()).ifPresent(page::add);
      }
    }
    return page.messages();
  }

  /// The message with that second key; empty if it is damaged, or was removed a moment ago.
  private Optional<ScheduledMessage> find(byte[] logKey) throws RocksDBException, StoreException {
    ScheduledId id = ScheduledCodec.idOfLog(logKey);
    byte[] key = ScheduledCodec.dueKey(id, ScheduledCodec.slotOf(logKey));
    try {
      byte[] value = handle.get(handle.scheduled, key);
      return value == null ? Optional.empty() : decode(key, id, value);
    } catch (RocksDBException e) {
      Status status = e.getStatus();
      if (status == null || status.getCode() != Status.Code.Corruption) {
        throw e;
      }
      noteUnreadable(id.incarnation(), String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  /// Once for each block of a file, which the reason names: many messages lie in it.
  private void noteUnreadable(int incarnation, String reason) {
    String _ =
        quarantine.note(
            "scheduled-of-" + incarnation + "-" + Quarantine.digest(reason),
            "scheduled messages of log " + incarnation,
            reason);
  }

  private Optional<ScheduledMessage> decode(byte[] key, ScheduledId id, byte[] value)
      throws StoreException {
    try {
      return Optional.of(Codec.decode(key, value, body -> ScheduledCodec.read(id, body)));
    } catch (DamagedValueException e) {
      String _ =
          quarantine.keep(
              label(key), what(id), String.valueOf(e.getMessage()), ByteBuffer.wrap(value));
      return Optional.empty();
    }
  }

  private static String label(byte[] key) {
    return "scheduled-" + HexFormat.of().formatHex(key, 1, key.length);
  }

  private static String what(ScheduledId id) {
    return "the scheduled message " + id.toUuid() + " of log " + id.incarnation();
  }

  /// How many messages wait, by their second keys: nothing stands under those, so that no payload
  /// is read.
  long count() throws RocksDBException {
    byte[] start = ScheduledCodec.logsStart();
    byte[] end = ScheduledCodec.logsEnd();
    long count = 0;
    try (ScheduledCursor cursor = new ScheduledCursor(handle, quarantine, start, end)) {
      for (cursor.first(); cursor.isValid(); cursor.next()) {
        count++;
      }
    }
    return count;
  }
}
