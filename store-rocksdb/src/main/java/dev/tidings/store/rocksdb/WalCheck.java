// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Looks through the write-ahead logs before RocksDB replays them, for damage that is followed by
/// whole records.
///
/// A log that merely ends in the middle of a record was cut off while that record was written:
/// nobody was told that it is durable, and RocksDB drops it. But RocksDB also takes a length that
/// was damaged in the last 32 KiB of a log for such an end, and then drops records that were
/// acknowledged, without a word. Where a later record is whole, the earlier one had been synced, so
/// this is damage and the store must not start as if nothing had been there.
///
/// The format is RocksDB's `db/log_format.h`: blocks of 32 KiB, holding fragments of `masked CRC32C
/// (4) | length (2) | type (1) | data`, little endian; the checksum covers type and data.
final class WalCheck {
  private static final int BLOCK = 32 * 1024;
  private static final int HEADER = 7;

  private static final int FULL = 1;
  private static final int FIRST = 2;
  private static final int HIGHEST_TYPE = 0xFF;

  private final Path file;
  private final ByteBuffer block = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
  private long blockAt;
  private long damagedAt = -1;

  private WalCheck(Path file) {
    this.file = file;
  }

  /// Checks every write-ahead log in `directory`.
  static void check(Path directory) throws IOException, StoreException {
    for (Path file : files(directory)) {
      new WalCheck(file).check();
    }
  }

  /// The write-ahead logs in `directory`.
  static List<Path> files(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.getFileName().toString().endsWith(".log")).sorted().toList();
    }
  }

  private void check() throws IOException, StoreException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (fill(channel)) {
        if (damagedAt < 0) {
          int damage = follow();
          if (damage >= 0) {
            damagedAt = blockAt + damage;
            // The header itself may be what is damaged: look at every offset behind it.
            search(damage + 1);
          }
        } else {
          search(0);
        }
        blockAt += BLOCK;
      }
    }
  }

  private boolean fill(FileChannel channel) throws IOException {
    block.clear();
    while (block.hasRemaining() && channel.read(block, blockAt + block.position()) >= 0) {
      // until the block is full or the file ends
    }
    block.flip();
    return block.hasRemaining();
  }

  /// Steps through the fragments of the block; returns where they break off, or -1.
  private int follow() {
    int at = 0;
    while (block.limit() - at >= HEADER) {
      if (!isFragment(at)) {
        return at;
      }
      at += HEADER + length(at);
    }
    // What is left of a full block is padding; of a shorter one, a header that was cut off.
    return block.limit() == BLOCK || at == block.limit() ? -1 : at;
  }

  private int length(int at) {
    return block.getShort(at + 4) & 0xFFFF;
  }

  private int type(int at) {
    return block.get(at + 6) & HIGHEST_TYPE;
  }

  private boolean isFragment(int at) {
    int length = length(at);
    if (type(at) == 0 || at + HEADER + length > block.limit()) {
      return false;
    }
    CRC32C crc = new CRC32C();
    crc.update(block.array(), at + 6, 1 + length);
    int value = (int) crc.getValue();
    int masked = Integer.rotateRight(value, 15) + 0xa282ead8;
    return masked == block.getInt(at);
  }

  private void search(int from) throws StoreException {
    for (int at = from; at + HEADER <= block.limit(); at++) {
      int type = type(at);
      if ((type == FULL || type == FIRST) && isFragment(at)) {
        throw new StoreException(
            "the write-ahead log "
                + file
                + " is damaged at byte "
                + damagedAt
                + ", and whole records follow at byte "
                + (blockAt + at)
                + ": starting would drop acknowledged messages. Nothing was changed. Restore the data"
                + " directory from a copy, or move it away to start empty");
      }
    }
  }
}
