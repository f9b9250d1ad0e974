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
import java.util.List;

/// The bytes of receipts. A key begins with the slot and the time until which the receipt is kept,
/// so that those of a slot that have expired are one range.
final class ReceiptCodec {
  private static final byte LETTER = 'r';
  private static final int NUMBERS = 128;

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
        NUMBERS + maxBytes(request.userId()) + maxBytes(request.key()),
        body -> {
          putVarint(body, receipt.slot());
          putText(body, request.userId());
          putText(body, request.key());
          putVarint(body, request.item());
          putSigned(body, request.fingerprint().high());
          putSigned(body, request.fingerprint().low());
          putSigned(body, receipt.expiresAt());
          putVarint(body, receipt.incarnation());
          Receipt.Run run = receipt.runs().getFirst();
          putVarint(body, run.first());
          putVarint(body, run.count());
          putSigned(body, run.timestamp());
        });
  }

  static Receipt read(ByteBuffer body) {
    int slot = Math.toIntExact(varint(body));
    KeyedRequest request =
        new KeyedRequest(
            readText(body),
            readText(body),
            Math.toIntExact(varint(body)),
            new Fingerprint(signed(body), signed(body)));
    long expiresAt = signed(body);
    int incarnation = Math.toIntExact(varint(body));
    long first = varint(body);
    int count = Math.toIntExact(varint(body));
    Receipt.Run run = new Receipt.Run(false, signed(body), first, count);
    return new Receipt(slot, request, expiresAt, incarnation, List.of(run));
  }
}
