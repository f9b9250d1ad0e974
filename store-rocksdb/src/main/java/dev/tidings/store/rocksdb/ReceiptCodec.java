// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static dev.tidings.store.rocksdb.Codec.maxBytes;
import static dev.tidings.store.rocksdb.Codec.putSigned;
import static dev.tidings.store.rocksdb.Codec.putText;
import static dev.tidings.store.rocksdb.Codec.putVarint;
import static dev.tidings.store.rocksdb.Codec.readText;
import static dev.tidings.store.rocksdb.Codec.signed;
import static dev.tidings.store.rocksdb.Codec.varint;

import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The bytes of receipts. A key begins with the slot and the time until which the receipt is kept,
/// so that those of a slot that have expired are one range.
final class ReceiptCodec {
  private static final byte LETTER = 'r';
  private static final int NUMBERS = 128;
  private static final int MAX_RUN = 30;

  private ReceiptCodec() {}

  static byte[] key(Receipt receipt) {
    KeyedRequest request = receipt.request();
    byte[] rest =
        (request.item() + " " + request.userId() + " " + request.key())
            .getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(11 + rest.length)
        .put(firstKey(receipt.slot(), receipt.expiresAt()))
        .put(rest)
        .array();
  }

  /// Where the receipts of `slot` begin that are kept until `expiresAt` or later.
  static byte[] firstKey(int slot, long expiresAt) {
    return ByteBuffer.allocate(11)
        .put(LETTER)
        .putShort((short) slot)
        .putLong(Math.max(0, expiresAt))
        .array();
  }

  /// Where all receipts begin.
  static byte[] firstKey() {
    return new byte[] {LETTER};
  }

  /// Where all receipts have ended.
  static byte[] endKey() {
    return new byte[] {LETTER + 1};
  }

  static byte[] value(byte[] key, Receipt receipt) {
    KeyedRequest request = receipt.request();
    return Codec.value(
        key,
        NUMBERS
            + maxBytes(request.userId())
            + maxBytes(request.key())
            + MAX_RUN * receipt.runs().size(),
        body -> {
          putVarint(body, receipt.slot());
          putText(body, request.userId());
          putText(body, request.key());
          putVarint(body, request.item());
          putSigned(body, request.fingerprint().high());
          putSigned(body, request.fingerprint().low());
          putSigned(body, receipt.expiresAt());
          putVarint(body, receipt.incarnation());
          putVarint(body, receipt.runs().size());
          for (Receipt.Run run : receipt.runs()) {
            putVarint(body, run.first());
            putVarint(body, (long) run.count() << 1 | (run.scheduled() ? 1 : 0));
            putSigned(body, run.timestamp());
          }
        });
  }

  static Receipt read(ByteBuffer body, int version) {
    int slot = Math.toIntExact(varint(body));
    KeyedRequest request =
        new KeyedRequest(
            readText(body),
            readText(body),
            Math.toIntExact(varint(body)),
            new Fingerprint(signed(body), signed(body)));
    long expiresAt = signed(body);
    int incarnation = Math.toIntExact(varint(body));
    List<Receipt.Run> runs = new ArrayList<>();
    if (version < Codec.ORDERED) {
      long first = varint(body);
      int count = Math.toIntExact(varint(body));
      runs.add(new Receipt.Run(/* scheduled= */ false, signed(body), first, count));
    } else {
      for (int left = Codec.length(body, varint(body)); left > 0; left--) {
        long first = varint(body);
        long mixed = varint(body);
        int count = Math.toIntExact(mixed >>> 1);
        runs.add(new Receipt.Run((mixed & 1) != 0, signed(body), first, count));
      }
    }
    return new Receipt(slot, request, expiresAt, incarnation, runs);
  }
}
