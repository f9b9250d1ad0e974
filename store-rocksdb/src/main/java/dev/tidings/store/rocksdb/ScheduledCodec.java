// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static dev.tidings.store.rocksdb.Codec.maxBytes;
import static dev.tidings.store.rocksdb.Codec.putPayload;
import static dev.tidings.store.rocksdb.Codec.putSigned;
import static dev.tidings.store.rocksdb.Codec.putText;
import static dev.tidings.store.rocksdb.Codec.readPayload;
import static dev.tidings.store.rocksdb.Codec.readText;
import static dev.tidings.store.rocksdb.Codec.signed;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import java.nio.ByteBuffer;

/// The bytes of scheduled messages: two keys each, and a value under the first.
///
/// - `d`, the parts of the id in their order, the slot: so what is due next is one scan, which
///   tells by their keys alone which messages are another shard's.
/// - `l`, the number of the log, then the time and the number in the id, the slot: so what waits
///   for one log is one range, in the order of the ids. Nothing stands under it.
///
/// A value does not repeat what its key tells.
final class ScheduledCodec {
  /// Bytes of every key here.
  static final int KEY_BYTES = 19;

  // On disks: never change them.
  private static final byte DUE = 'd';
  private static final byte LOG = 'l';

  // What a value holds besides topic and payload. They are on disks: never change or reuse one.
  private static final int HAS_METADATA = 1;
  private static final int HAS_TTL = 2;
  private static final int IS_ORDERED = 4;

  private static final int NUMBERS = 64;

  private ScheduledCodec() {}

  // Keys

  /// The key of a message's value.
  static byte[] dueKey(ScheduledId id, int slot) {
    ByteBuffer key = ByteBuffer.allocate(KEY_BYTES).put(DUE);
    put48(key, id.dueAt());
    put48(key, id.number());
    return key.putInt(id.incarnation()).putShort((short) slot).array();
  }

  /// The key right after those of all messages that are due before `dueBefore`.
  static byte[] dueEnd(long dueBefore) {
    return dueBefore > ScheduledId.MAX
        ? ByteBuffer.allocate(KEY_BYTES).put((byte) (DUE + 1)).array()
        : dueKey(new ScheduledId(Math.max(dueBefore, 0), 0, 0), 0);
  }

  /// The key under which a message is found by its log.
  static byte[] logKey(ScheduledId id, int slot) {
    return logKey(id.incarnation(), id, slot);
  }

  /// Where the messages of the log with number `incarnation` begin that come at or after `from`:
  /// its number is no other message's.
  static byte[] logStart(int incarnation, ScheduledId from) {
    return logKey(incarnation, from, 0);
  }

  /// The key right after those of all messages of a log.
  static byte[] logEnd(int incarnation) {
    return logKey(incarnation + 1, ScheduledId.FIRST, 0);
  }

  /// Where the second keys of all messages begin.
  static byte[] logsStart() {
    return logStart(0, ScheduledId.FIRST);
  }

  /// The key right after the second keys of all messages.
  static byte[] logsEnd() {
    return ByteBuffer.allocate(KEY_BYTES).put((byte) (LOG + 1)).array();
  }

  private static byte[] logKey(int incarnation, ScheduledId id, int slot) {
    ByteBuffer key = ByteBuffer.allocate(KEY_BYTES).put(LOG).putInt(incarnation);
    put48(key, id.dueAt());
    put48(key, id.number());
    return key.putShort((short) slot).array();
  }

  private static void put48(ByteBuffer target, long value) {
    target.putShort((short) (value >>> 32)).putInt((int) value);
  }

  private static long get48(ByteBuffer source, int at) {
    return Short.toUnsignedLong(source.getShort(at)) << 32
        | Integer.toUnsignedLong(source.getInt(at + 2));
  }

  /// The slot in a key.
  static int slotOf(byte[] key) {
    return ByteBuffer.wrap(key).getShort(KEY_BYTES - 2);
  }

  /// The id in a message's first key.
  static ScheduledId idOfDue(byte[] key) {
    ByteBuffer parts = ByteBuffer.wrap(key);
    return new ScheduledId(get48(parts, 1), get48(parts, 7), parts.getInt(13));
  }

  /// The id in a message's second key.
  static ScheduledId idOfLog(byte[] key) {
    ByteBuffer parts = ByteBuffer.wrap(key);
    return new ScheduledId(get48(parts, 5), get48(parts, 11), parts.getInt(1));
  }

  // Values

  static byte[] value(byte[] dueKey, ScheduledMessage scheduled) {
    NewMessage message = scheduled.message();
    boolean hasMetadata = !message.metadata().isEmpty();
    boolean hasTtl = message.ttlMs() != Message.NEVER;
    boolean isOrdered = !message.ordering().isNone();
    int size =
        NUMBERS
            + maxBytes(scheduled.topic())
            + (isOrdered ? Codec.orderingBytes(message.ordering()) : 0)
            + message.size();
    return Codec.value(
        dueKey,
        size,
        body -> {
          putText(body, scheduled.topic());
          body.put(
              (byte)
                  ((isOrdered ? IS_ORDERED : 0)
                      | (hasTtl ? HAS_TTL : 0)
                      | (hasMetadata ? HAS_METADATA : 0)));
          if (isOrdered) {
            Codec.putOrdering(body, message.ordering());
          }
          if (hasTtl) {
            putSigned(body, message.ttlMs());
          }
          if (hasMetadata) {
            putPayload(body, message.metadata());
          }
          putPayload(body, message.payload());
        });
  }

  /// @param id in its key
  static ScheduledMessage read(ScheduledId id, ByteBuffer body) {
    String topic = readText(body);
    byte flags = body.get();
    Ordering ordering = (flags & IS_ORDERED) != 0 ? Codec.readOrdering(body) : Ordering.NONE;
    long ttlMs = (flags & HAS_TTL) != 0 ? signed(body) : Message.NEVER;
    Payload metadata = (flags & HAS_METADATA) != 0 ? readPayload(body) : Payload.EMPTY;
    NewMessage message = new NewMessage(readPayload(body), metadata, ttlMs, ordering, id.dueAt());
    return new ScheduledMessage(topic, id.incarnation(), id.number(), message);
  }
}
