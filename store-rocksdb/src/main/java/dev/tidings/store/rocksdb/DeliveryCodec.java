// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static dev.tidings.store.rocksdb.Codec.putSigned;
import static dev.tidings.store.rocksdb.Codec.putVarint;
import static dev.tidings.store.rocksdb.Codec.signed;
import static dev.tidings.store.rocksdb.Codec.varint;

import dev.tidings.core.message.Ordering;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import dev.tidings.core.subscription.SequenceRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// The bytes of what became of a subscription's deliveries.
///
/// A key is a letter, the number of the subscription and the ordinal of the change, so that the
/// changes of one subscription are one range in their order.
final class DeliveryCodec {
  /// On disks: never change it.
  private static final byte LETTER = 'd';

  // More than the numbers of one range and what is said of it can take.
  private static final int MAX_RANGE = 60;
  private static final int HEADER = 100;

  // What is said of outstanding messages. They are on disks: never change or reuse one.
  private static final int KEPT = 1;
  private static final int ORDERED = 2;

  private DeliveryCodec() {}

  static byte[] key(int number, long ordinal) {
    return ByteBuffer.allocate(13).put(LETTER).putInt(number).putLong(ordinal).array();
  }

  /// The key right after those of all changes of a subscription.
  static byte[] end(int number) {
    return key(number + 1, 0);
  }

  static byte[] value(byte[] key, DeliveryChange change) {
    int ranges = change.settled().size() + change.outstanding().size() + change.dead().size();
    long orderings = 0;
    for (Outstanding outstanding : change.outstanding()) {
      orderings += maxBytes(outstanding.orderings());
    }
    for (Dead dead : change.dead()) {
      orderings += maxBytes(dead.orderings());
    }
    return Codec.value(
        key,
        Math.toIntExact(HEADER + (long) ranges * MAX_RANGE + orderings),
        body -> {
          putVarint(body, change.ordinal());
          body.put((byte) (change.whole() ? 1 : 0));
          putVarint(body, change.next());
          putVarint(body, change.passed());
          putVarint(body, change.totals().acked());
          putVarint(body, change.totals().expired());
          putVarint(body, change.totals().lost());
          putVarint(body, change.settled().size());
          change.settled().forEach(range -> putRange(body, range));
          putVarint(body, change.outstanding().size());
          change.outstanding().forEach(outstanding -> putOutstanding(body, outstanding));
          putVarint(body, change.dead().size());
          for (Dead dead : change.dead()) {
            putRange(body, dead.range());
            boolean isOrdered = !dead.orderings().isEmpty();
            putVarint(body, (long) dead.attempts() << 1 | (isOrdered ? 1 : 0));
            putOrderings(body, dead.orderings());
          }
        });
  }

  private static long maxBytes(List<Ordering> orderings) {
    return orderings.stream().mapToLong(Codec::orderingBytes).sum();
  }

  private static void putOrderings(ByteBuffer body, List<Ordering> orderings) {
    orderings.forEach(ordering -> Codec.putOrdering(body, ordering));
  }

  private static void putRange(ByteBuffer body, SequenceRange range) {
    putVarint(body, range.first());
    putVarint(body, range.size());
  }

  private static void putOutstanding(ByteBuffer body, Outstanding outstanding) {
    putRange(body, outstanding.range());
    putVarint(body, outstanding.attempts());
    putVarint(body, outstanding.lease());
    putSigned(body, outstanding.since());
    putSigned(body, outstanding.forMs());
    boolean isOrdered = !outstanding.orderings().isEmpty();
    body.put((byte) ((outstanding.kept() ? KEPT : 0) | (isOrdered ? ORDERED : 0)));
    putOrderings(body, outstanding.orderings());
  }

  static DeliveryChange read(ByteBuffer body, int version) {
    long ordinal = varint(body);
    boolean whole = body.get() != 0;
    long next = varint(body);
    long passed = varint(body);
    Totals totals = new Totals(varint(body), varint(body), varint(body));
    List<SequenceRange> settled = new ArrayList<>();
    for (int count = Codec.length(body, varint(body)); count > 0; count--) {
      settled.add(readRange(body));
    }
    List<Outstanding> outstanding = new ArrayList<>();
    for (int count = Codec.length(body, varint(body)); count > 0; count--) {
      outstanding.add(readOutstanding(body));
    }
    List<Dead> dead = new ArrayList<>();
    for (int count = Codec.length(body, varint(body)); count > 0; count--) {
      dead.add(readDead(body, version));
    }
    return new DeliveryChange(ordinal, whole, next, passed, totals, settled, outstanding, dead);
  }

  /// Before there were orders, the last byte told of copies alone, as its lowest bit still does.
  private static Outstanding readOutstanding(ByteBuffer body) {
    SequenceRange range = readRange(body);
    int attempts = Math.toIntExact(varint(body));
    long lease = varint(body);
    long since = signed(body);
    long forMs = signed(body);
    byte flags = body.get();
    List<Ordering> orderings = readOrderings(body, range, (flags & ORDERED) != 0);
    return new Outstanding(range, attempts, lease, since, forMs, (flags & KEPT) != 0, orderings);
  }

  private static Dead readDead(ByteBuffer body, int version) {
    SequenceRange range = readRange(body);
    long mixed = varint(body);
    if (version < Codec.ORDERED) {
      return new Dead(range, Math.toIntExact(mixed));
    }
    return new Dead(
        range, Math.toIntExact(mixed >>> 1), readOrderings(body, range, (mixed & 1) != 0));
  }

  private static List<Ordering> readOrderings(
      ByteBuffer body, SequenceRange range, boolean areThere) {
    if (!areThere) {
      return List.of();
    }
    List<Ordering> orderings = new ArrayList<>();
    for (int left = Codec.length(body, range.size()); left > 0; left--) {
      orderings.add(Codec.readOrdering(body));
    }
    return orderings;
  }

  private static SequenceRange readRange(ByteBuffer body) {
    long first = varint(body);
    return new SequenceRange(first, Math.addExact(first, Math.subtractExact(varint(body), 1)));
  }
}
