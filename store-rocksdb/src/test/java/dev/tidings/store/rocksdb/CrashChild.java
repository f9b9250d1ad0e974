// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A process that commits batches until it is killed, and prints after each how far its logs are.
final class CrashChild {
  /// Logs 1 to this many get messages in every batch.
  static final int LOGS = 4;

  private CrashChild() {}

  /// Every payload tells its log and sequence; every 40th is large enough for a blob file.
  static Message message(int log, long sequence) {
    String text = "log-" + log + "-" + sequence + "-";
    return new Message(
        sequence,
        sequence,
        Message.NEVER,
        Payload.of(text + noise(log * 31L + sequence, sequence % 40 == 0 ? 20_000 : 200)),
        Payload.EMPTY);
  }

  /// Text that does not compress, so that files grow.
  private static String noise(long seed, int length) {
    StringBuilder noise = new StringBuilder(length);
    long state = seed * 0x9E3779B97F4A7C15L + 1;
    for (int i = 0; i < length; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      noise.append((char) ('0' + (state >>> 58)));
    }
    return noise.toString();
  }

  /// How many scheduled messages wait after each batch but the first ones.
  static final int WAITING = 5;

  /// The scheduled message with that number: every batch schedules the next, and removes another.
  static ScheduledMessage scheduled(long number) {
    return Stores.scheduled((int) (number % LOGS), number, 1_000_000 + number % 7);
  }

  public static void main(String[] args) throws Exception {
    long memtables = Long.parseLong(args[3]) << 20;
    RocksOptions options =
        RocksOptions.of(Path.of(args[0]), Durability.valueOf(args[1]))
            .withMemory(4 * memtables, memtables)
            .withDiskLowWater(0)
            .withFileSyncListener(new SyncJournal(Path.of(args[2])));
    RocksStore store = RocksStore.open(options);
    long epoch = store.openSlots(SlotSet.ALL);
    System.out.println("started");
    for (long number = 1; ; number++) {
      List<StoreRecord> records = new ArrayList<>();
      long last = 0;
      for (int log = 1; log <= LOGS; log++) {
        LogExtent extent = store.extent(log);
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          messages.add(message(log, extent.nextSequence() + i));
        }
        last = messages.getLast().sequence();
        records.add(
            new MessagesAppended(log, log, extent.messagesEver(), extent.bytesEver(), messages));
      }
      long next = store.loadDirectory().lastScheduled() + 1;
      records.add(Stores.schedule(scheduled(next)));
      if (next > WAITING) {
        records.add(Stores.unschedule(scheduled(next - WAITING)));
      }
      store.commit(new Batch(0, epoch, number, records));
      System.out.println(epoch + " " + number + " " + last);
    }
  }
}
