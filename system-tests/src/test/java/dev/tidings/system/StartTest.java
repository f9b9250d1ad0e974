// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.store.rocksdb.RocksOptions;
import dev.tidings.store.rocksdb.RocksStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How long a server with much data takes to start. Takes minutes and 10 GB of disk: `./mvnw -P
/// long verify -pl system-tests -am -Dtest=StartTest -Dsurefire.failIfNoSpecifiedTests=false`.
@Tag("embedded")
@Tag("long")
class StartTest {
  private static final int TOPICS = 1_000_000;
  private static final int TOPICS_A_BATCH = 5_000;
  private static final long BYTES = 10L << 30;
  private static final int MESSAGES_A_BATCH = 1_000;
  private static final int PAYLOAD_BYTES = 1_024;
  private static final Duration TARGET = Duration.ofSeconds(10);

  private long number;

  @Test
  void millionTopicsAndTenGigabytes_areReadyWithinTheTarget(@TempDir Path dataDir)
      throws Exception {
    try (RocksStore store =
        RocksStore.open(RocksOptions.of(dataDir.resolve("store"), Durability.MEMORY))) {
      long epoch = store.openSlots(SlotSet.ALL);
      createTopics(store, epoch);
      publish(store, epoch);
    }

    long startNs = System.nanoTime();
    try (TidingsProcess server = TidingsProcess.startDev(dataDir, Map.of())) {
      Duration ready = Duration.ofNanos(System.nanoTime() - startNs);
      System.out.println("ready after " + ready.toMillis() + " ms");
      server.admin().publishNumber("t500000", 1);
      assertThat(ready).isLessThan(TARGET);
    }
  }

  private void createTopics(RocksStore store, long epoch) throws Exception {
    for (int first = 1; first <= TOPICS; first += TOPICS_A_BATCH) {
      List<StoreRecord> records = new ArrayList<>();
      for (int i = first; i < first + TOPICS_A_BATCH; i++) {
        records.add(
            new StoreRecord.EntryPut(
                new Topic("t" + i, i, "owner-" + i % 1000, false, Optional.empty(), 1, Set.of())));
      }
      store.commit(new Batch(0, epoch, ++number, records));
    }
  }

  /// Random payloads: compression must not make the store smaller than it says.
  private void publish(RocksStore store, long epoch) throws Exception {
    Random random = new Random(1);
    long[] next = new long[1001];
    long now = System.currentTimeMillis();
    for (long written = 0; written < BYTES; written += (long) MESSAGES_A_BATCH * PAYLOAD_BYTES) {
      int log = 1 + random.nextInt(1000);
      List<Message> messages = new ArrayList<>();
      long before = next[log];
      for (int i = 0; i < MESSAGES_A_BATCH; i++) {
        byte[] payload = new byte[PAYLOAD_BYTES];
        random.nextBytes(payload);
        messages.add(
            new Message(++next[log], now, Message.NEVER, Payload.wrap(payload), Payload.EMPTY));
      }
      store.commit(
          new Batch(
              0,
              epoch,
              ++number,
              List.of(
                  new StoreRecord.MessagesAppended(
                      Slot.of(Slot.Kind.TOPIC, "t" + log),
                      log,
                      before,
                      before * PAYLOAD_BYTES,
                      messages))));
    }
  }
}
