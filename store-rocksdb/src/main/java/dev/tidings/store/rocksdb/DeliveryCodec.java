// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static dev.tidings.store.rocksdb.Codec.putSigned;
import static dev.tidings.store.rocksdb.Codec.putVarint;
import static dev.tidings.store.rocksdb.Codec.signed;
import static dev.tidings.store.rocksdb.Codec.varint;

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
    return Codec.value(
        key,
        Math.toIntExact(HEADER + (long) ranges * MAX_RANGE),
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
            putVarint(body, dead.attempts());
          }
        });
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
    body.put((byte) (outstanding.kept() ? 1 : 0));
  }

  static DeliveryChange read(ByteBuffer body) {
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
      outstanding.add(
          new Outstanding(
              readRange(body),
              Math.toIntExact(varint(body)),
              varint(body),
              signed(body),
              signed(body),
              body.get() != 0));
    }
    List<Dead> dead = new ArrayList<>();
    for (int count = Codec.length(body, varint(body)); count > 0; count--) {
      dead.add(new Dead(readRange(body), Math.toIntExact(varint(body))));
    }
    return new DeliveryChange(ordinal, whole, next, passed, totals, settled, outstanding, dead);
  }

  private static SequenceRange readRange(ByteBuffer body) {
    long first = varint(body);
    return new SequenceRange(first, Math.addExact(first, Math.subtractExact(varint(body), 1)));
  }
}
