// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.store.StoreRecord.MessagesScheduled;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
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

  /// A scheduled message as all tests here write it, for a topic of slot 1.
  static ScheduledMessage scheduled(int log, long number, long dueAt) {
    Payload payload = Payload.of("scheduled-" + number);
    NewMessage message =
        new NewMessage(payload, Payload.EMPTY, Message.NEVER, Ordering.NONE, dueAt);
    return new ScheduledMessage("topic-" + log, log, number, message);
  }

  static MessagesScheduled schedule(ScheduledMessage... messages) {
    return new MessagesScheduled(1, List.of(messages));
  }

  static ScheduledRemoved unschedule(ScheduledMessage... messages) {
    List<ScheduledId> ids = Stream.of(messages).map(ScheduledMessage::id).toList();
    return new ScheduledRemoved(1, ids, ScheduledRemoved.Why.APPENDED);
  }

  /// The numbers of all messages that wait, in the order in which they are due.
  static List<Long> waiting(RocksStore store) throws StoreException {
    return store
        .readScheduled(
            SlotSet.ALL, ScheduledId.FIRST, Long.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE)
        .stream()
        .map(ScheduledMessage::number)
        .toList();
  }

  /// The numbers of those that wait for one log.
  static List<Long> waiting(RocksStore store, int log) throws StoreException {
    return store
        .readScheduledOf(log, ScheduledId.FIRST, 0, Integer.MAX_VALUE, Long.MAX_VALUE)
        .stream()
        .map(ScheduledMessage::number)
        .toList();
  }

  static List<Long> sequences(RocksStore store, int log) throws StoreException {
    return store.read(log, 0, Integer.MAX_VALUE, Long.MAX_VALUE).messages().stream()
        .map(Message::sequence)
        .toList();
  }
}
