// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// What the tests of this module share.
final class Stores {
  private Stores() {}

  /// Little memory, and no low-water mark.
  static RocksOptions options(Path directory, Durability durability) {
    return RocksOptions.of(directory, durability).withMemory(16 << 20, 4 << 20).withDiskLowWater(0);
  }

  /// Takes over all slots.
  static Writer writer(RocksStore store) throws StoreException {
    return new Writer(store);
  }

  /// Message `sequence` as all tests here write it.
  static Message message(long sequence) {
    return new Message(
        sequence, sequence, Message.NEVER, Payload.of("payload-" + sequence), Payload.EMPTY);
  }

  /// Commits what a shard would.
  static final class Writer {
    private final RocksStore store;
    private final long epoch;
    private long number;

    private Writer(RocksStore store) throws StoreException {
      this.store = store;
      this.epoch = store.openSlots(SlotSet.ALL);
    }

    void commit(StoreRecord... records) throws StoreException {
      store.commit(new Batch(0, epoch, ++number, List.of(records)));
    }

    /// Appends `count` messages to a log in one batch, where its extent says it goes on.
    void append(int log, int count) throws StoreException {
      var extent = store.extent(log);
      List<Message> messages = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        messages.add(message(extent.nextSequence() + i));
      }
      commit(new MessagesAppended(1, log, extent.messagesEver(), extent.bytesEver(), messages));
    }
  }

  /// Copies a directory tree while a store has it open: what a process that is killed leaves.
  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }

  /// The files in `db` whose names end so.
  static List<Path> files(Path directory, String ending) throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("db"))) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  static List<Long> sequences(RocksStore store, int log) throws StoreException {
    return store.read(log, 0, Integer.MAX_VALUE, Long.MAX_VALUE).messages().stream()
        .map(Message::sequence)
        .toList();
  }
}
