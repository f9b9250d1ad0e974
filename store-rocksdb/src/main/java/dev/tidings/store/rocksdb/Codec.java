// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.StoreException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/// The bytes of keys and values.
///
/// Every value is `version (1) | CRC32C (4) | body`. The checksum covers the key, the version and
/// the body, in every version to come: so a value under a foreign key is damage, and so is a
/// version byte that flipped, while a higher version with a right checksum is a newer program's.
///
/// Numbers in bodies are varints (7 bits a byte, lowest first), zigzag where they may be negative.
final class Codec {
  /// The version this program writes, and the highest it reads. It rises with every body that
  /// grows, so that an older program says that it is the older one; 2 since topics tell their
  /// retention, 3 since there are subscriptions, 4 since there are streams that keep messages, 5
  /// since there are exchanges, 6 since messages tell what was asked of their order and may wait
  /// until they are due.
  static final byte VERSION = 6;

  /// The first version whose runs, deliveries and receipts tell of orders and due times.
  static final byte ORDERED = 6;

  private static final int CHECKSUM_AT = 1;
  private static final int BODY_AT = 5;

  /// More than the numbers of one message or one run header can take.
  private static final int MESSAGE_OVERHEAD = 40;

  private static final int HEADER_BYTES = 128;

  /// More than the number of an ordering can take.
  private static final int ORDERING_BYTES = 5;

  // What a message of a run has besides its payload, in the low bits of the number that tells the
  // payload's size. Before version 6 there were two of them. They are on disks.
  private static final int HAS_METADATA = 1;
  private static final int EXPIRES = 2;
  private static final int IS_ORDERED = 4;
  private static final int SIZE_SHIFT = 3;
  private static final int OLD_SIZE_SHIFT = 2;

  private Codec() {}

  // Keys

  /// The key of a run: its log, then its first sequence, so that a log is one range in log order.
  static byte[] runKey(int incarnation, long firstSequence) {
    return ByteBuffer.allocate(12).putInt(incarnation).putLong(firstSequence).array();
  }

  /// The key right after those of all runs of a log. That of the highest number sorts after it too:
  /// bytes are compared without a sign.
  static byte[] runsEnd(int incarnation) {
    return runKey(incarnation + 1, 0);
  }

  /// The sequence in a run's key.
  static long sequenceOf(byte[] runKey) {
    return ByteBuffer.wrap(runKey).getLong(4);
  }

  /// The key of something numbered in the meta family.
  static byte[] metaKey(char kind, int number) {
    return ByteBuffer.allocate(5).put((byte) kind).putInt(number).array();
  }

  // The envelope

  /// Begins a value in `target`, which its body follows.
  static void begin(ByteBuffer target) {
    target.put(VERSION).putInt(0);
  }

  /// Ends the value that fills `target` from 0 to its position, and makes it ready to be read.
  static void end(ByteBuffer target, byte[] key) {
    target.flip();
    target.putInt(CHECKSUM_AT, checksum(key, target));
  }

  private static int checksum(byte[] key, ByteBuffer value) {
    CRC32C crc = new CRC32C();
    crc.update(key, 0, key.length);
    crc.update(value.get(0));
    crc.update(value.duplicate().position(BODY_AT));
    return (int) crc.getValue();
  }

  /// Checks `value` (from 0 to its limit) and moves its position to the body.
  ///
  /// @throws StoreException a newer program wrote it
  static void open(byte[] key, ByteBuffer value) throws DamagedValueException, StoreException {
    if (value.limit() < BODY_AT) {
      throw new DamagedValueException(
          "value of " + value.limit() + " bytes (expected: " + BODY_AT + " or more)");
    }
    int expected = value.getInt(CHECKSUM_AT);
    int actual = checksum(key, value);
    if (actual != expected) {
      throw new DamagedValueException("checksum %08x (expected: %08x)".formatted(actual, expected));
    }
    int version = version(value);
    if (version == 0 || version > VERSION) {
      throw new StoreException(
          "a stored value has format "
              + version
              + " (expected: 1 to "
              + VERSION
              + "): a newer Tidings wrote it; start that one");
    }
    value.position(BODY_AT);
  }

  /// Reads the body of one value.
  @FunctionalInterface
  interface Body<T> {
    T read(ByteBuffer body);
  }

  /// Reads the body of one value, which versions have laid out differently.
  @FunctionalInterface
  interface VersionedBody<T> {
    T read(ByteBuffer body, int version);
  }

  /// Checks `value` and reads all of its body.
  static <T> T decode(byte[] key, byte[] value, Body<T> body)
      throws DamagedValueException, StoreException {
    return decode(key, value, (buffer, _) -> body.read(buffer));
  }

  /// Checks `value` and reads all of its body, as its version has it.
  static <T> T decode(byte[] key, byte[] value, VersionedBody<T> body)
      throws DamagedValueException, StoreException {
    ByteBuffer buffer = ByteBuffer.wrap(value);
    open(key, buffer);
    int version = version(buffer);
    T decoded = guarded(buffer, it -> body.read(it, version));
    if (buffer.hasRemaining()) {
      throw new DamagedValueException(buffer.remaining() + " bytes too many");
    }
    return decoded;
  }

  private static int version(ByteBuffer value) {
    return value.get(0) & 0xFF;
  }

  private static <T> T guarded(ByteBuffer buffer, Body<T> body) throws DamagedValueException {
    try {
      return body.read(buffer);
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new DamagedValueException("right checksum, but not readable: " + e);
    }
  }

  static byte[] value(byte[] key, int bodyBytes, Consumer<ByteBuffer> body) {
    ByteBuffer target = ByteBuffer.allocate(BODY_AT + bodyBytes);
    begin(target);
    body.accept(target);
    end(target, key);
    byte[] value = new byte[target.limit()];
    target.get(value);
    return value;
  }

  // Numbers and texts

  static void putVarint(ByteBuffer target, long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      target.put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    target.put((byte) rest);
  }

  static long varint(ByteBuffer source) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte b = source.get();
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("varint of more than 10 bytes");
  }

  static void putSigned(ByteBuffer target, long value) {
    putVarint(target, (value << 1) ^ (value >> 63));
  }

  static long signed(ByteBuffer source) {
    long zigzag = varint(source);
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /// A count or length: 0 to what may follow.
  static int length(ByteBuffer source, long value) {
    if (value < 0 || value > source.remaining()) {
      throw new IllegalArgumentException(
          "length " + value + " (expected: 0 to " + source.remaining() + ")");
    }
    return (int) value;
  }

  private static byte[] bytes(ByteBuffer source, int length) {
    byte[] bytes = new byte[length];
    source.get(bytes);
    return bytes;
  }

  // Runs

  /// What the head of a run tells.
  ///
  /// @param firstSequence from its key
  /// @param lapses how many lapses the store had seen when it was written
  record RunHeader(
      long firstSequence,
      int count,
      int lapses,
      long messagesBefore,
      long bytesBefore,
      long bytes,
      long firstTimestamp,
      long lastTimestamp) {
    long lastSequence() {
      return firstSequence + count - 1;
    }
  }

  /// An upper bound of the bytes [#putRun] writes.
  ///
  /// @param bytes of the messages, with [those of their order][#orderingBytes]
  static int maxRunBytes(int count, long bytes) {
    return Math.toIntExact(BODY_AT + HEADER_BYTES + bytes + (long) count * MESSAGE_OVERHEAD);
  }

  /// Writes a run of consecutive messages to `target`, from 0 on, ready to be read.
  static void putRun(
      ByteBuffer target,
      byte[] key,
      int lapses,
      long messagesBefore,
      long bytesBefore,
      long bytes,
      List<Message> messages) {
    target.clear();
    begin(target);
    putVarint(target, lapses);
    putVarint(target, messagesBefore);
    putVarint(target, bytesBefore);
    putVarint(target, messages.size());
    putVarint(target, bytes);
    putSigned(target, messages.getFirst().timestamp());
    putSigned(target, messages.getLast().timestamp());
    long timestamp = messages.getFirst().timestamp();
    for (Message message : messages) {
      putSigned(target, message.timestamp() - timestamp);
      timestamp = message.timestamp();
      boolean expires = message.expiresAt() != Message.NEVER;
      boolean hasMetadata = !message.metadata().isEmpty();
      boolean isOrdered = !message.ordering().isNone();
      putVarint(
          target,
          (long) message.payload().size() << SIZE_SHIFT
              | (isOrdered ? IS_ORDERED : 0)
              | (expires ? EXPIRES : 0)
              | (hasMetadata ? HAS_METADATA : 0));
      if (expires) {
        putSigned(target, message.expiresAt() - timestamp);
      }
      if (hasMetadata) {
        putVarint(target, message.metadata().size());
      }
      if (isOrdered) {
        putOrdering(target, message.ordering());
      }
      message.payload().putInto(target);
      message.metadata().putInto(target);
    }
    end(target, key);
  }

  /// Checks the run in `value` and reads its head; the messages follow at its position.
  static RunHeader openRun(byte[] key, ByteBuffer value)
      throws DamagedValueException, StoreException {
    open(key, value);
    return guarded(
        value,
        body -> {
          int lapses = Math.toIntExact(varint(body));
          long messagesBefore = varint(body);
          long bytesBefore = varint(body);
          int count = length(body, varint(body));
          long bytes = varint(body);
          return new RunHeader(
              sequenceOf(key),
              count,
              lapses,
              messagesBefore,
              bytesBefore,
              bytes,
              signed(body),
              signed(body));
        });
  }

  /// Adds the messages at or after `from` to `page` until it is full. Those before are stepped over
  /// without being copied.
  static void readRun(RunHeader header, ByteBuffer value, long from, PageBuilder page)
      throws DamagedValueException {
    boolean mayBeOrdered = version(value) >= ORDERED;
    int shift = mayBeOrdered ? SIZE_SHIFT : OLD_SIZE_SHIFT;
    Object _ =
        guarded(
            value,
            body -> {
              long timestamp = header.firstTimestamp();
              for (int i = 0; i < header.count() && !page.isFull(); i++) {
                timestamp += signed(body);
                long mixed = varint(body);
                long expiresAt = (mixed & EXPIRES) == 0 ? Message.NEVER : timestamp + signed(body);
                long metadataSize = (mixed & HAS_METADATA) == 0 ? 0 : varint(body);
                boolean isOrdered = mayBeOrdered && (mixed & IS_ORDERED) != 0;
                Ordering ordering = isOrdered ? readOrdering(body) : Ordering.NONE;
                int payload = length(body, mixed >>> shift);
                int metadata = length(body, metadataSize);
                long sequence = header.firstSequence() + i;
                if (sequence < from) {
                  length(body, (long) payload + metadata);
                  body.position(body.position() + payload + metadata);
                } else {
                  page.add(
                      new Message(
                          sequence,
                          timestamp,
                          expiresAt,
                          Payload.wrap(bytes(body, payload)),
                          Payload.wrap(bytes(body, metadata)),
                          ordering));
                }
              }
              return page;
            });
  }

  // Orders

  /// Room for what was asked of the order of one message.
  static int orderingBytes(Ordering ordering) {
    return ORDERING_BYTES + ordering.keyBytes();
  }

  /// The length of the key and the priority in one number, then the key.
  static void putOrdering(ByteBuffer target, Ordering ordering) {
    byte[] key = ordering.key().getBytes(StandardCharsets.UTF_8);
    putVarint(target, (long) key.length << 4 | ordering.priority());
    target.put(key);
  }

  static Ordering readOrdering(ByteBuffer source) {
    long mixed = varint(source);
    String key = new String(bytes(source, length(source, mixed >>> 4)), StandardCharsets.UTF_8);
    return new Ordering(key, (int) (mixed & 0xF));
  }

  // Trim marks

  /// Where a log begins, and where it would go on if no run of it were left.
  ///
  /// @param firstRetained the lowest sequence a reader may ask for
  /// @param deletedBelow no run with a lower first sequence is left
  /// @param lapses how many lapses the store had seen when `nextSequence` was taken
  /// @param nextSequence one above the last message appended before the trim
  record TrimMark(
      long firstRetained,
      long deletedBelow,
      int lapses,
      long nextSequence,
      long lastTimestamp,
      long messagesEver,
      long bytesEver) {}

  static byte[] trimMark(byte[] key, TrimMark mark) {
    return value(
        key,
        HEADER_BYTES,
        body -> {
          putVarint(body, mark.firstRetained());
          putVarint(body, mark.deletedBelow());
          putVarint(body, mark.lapses());
          putVarint(body, mark.nextSequence());
          putSigned(body, mark.lastTimestamp());
          putVarint(body, mark.messagesEver());
          putVarint(body, mark.bytesEver());
        });
  }

  static TrimMark readTrimMark(ByteBuffer body) {
    return new TrimMark(
        varint(body),
        varint(body),
        Math.toIntExact(varint(body)),
        varint(body),
        signed(body),
        varint(body),
        varint(body));
  }

  // Plain numbers and texts

  static byte[] numbers(byte[] key, long... numbers) {
    return value(
        key,
        10 * (numbers.length + 1),
        body -> {
          putVarint(body, numbers.length);
          for (long number : numbers) {
            putSigned(body, number);
          }
        });
  }

  static long[] readNumbers(ByteBuffer body) {
    long[] numbers = new long[length(body, varint(body))];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = signed(body);
    }
    return numbers;
  }

  static byte[] text(byte[] key, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return value(key, 10 + utf8.length, body -> putText(body, utf8));
  }

  private static void putText(ByteBuffer body, byte[] utf8) {
    putVarint(body, utf8.length);
    body.put(utf8);
  }

  static String readText(ByteBuffer body) {
    return new String(bytes(body, length(body, varint(body))), StandardCharsets.UTF_8);
  }

  static void putPayload(ByteBuffer body, Payload payload) {
    putVarint(body, payload.size());
    payload.putInto(body);
  }

  static Payload readPayload(ByteBuffer body) {
    return Payload.wrap(bytes(body, length(body, varint(body))));
  }

  static void putText(ByteBuffer body, String text) {
    putText(body, text.getBytes(StandardCharsets.UTF_8));
  }

  /// Room for `text` in a body: no character takes more than 3 bytes of UTF-8 for each of its
  /// UTF-16 units.
  static int maxBytes(String text) {
    return 10 + 3 * text.length();
  }
}
