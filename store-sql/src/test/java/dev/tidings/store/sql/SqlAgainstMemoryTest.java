// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.DeadLettersKept;
import dev.tidings.core.store.StoreRecord.DeadLettersRemoved;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.EntryRemoved;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.store.StoreRecord.MessagesScheduled;
import dev.tidings.core.store.StoreRecord.ReceiptKept;
import dev.tidings.core.store.StoreRecord.ReceiptsExpired;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import dev.tidings.core.subscription.SequenceRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The same batches of random records, in which the same things are often done, undone and done
/// again, leave the same in the database as in memory.
final class SqlAgainstMemoryTest {
  private static final int LOGS = 4;
  private static final int SUBSCRIPTIONS = 3;
  private static final long FIRST_TIME = 1_700_000_000_000L;

  /// Makes records the way shards do.
  private static final class Shards {
    final Random random;
    final Map<Integer, Long> next = new HashMap<>();
    final Map<Integer, Long> messages = new HashMap<>();
    final Map<Integer, Long> bytes = new HashMap<>();
    final Map<Integer, Integer> log = new HashMap<>();
    final Map<Integer, Long> ordinals = new HashMap<>();
    final TreeMap<ScheduledId, ScheduledMessage> waiting = new TreeMap<>();
    final Set<Integer> removed = new HashSet<>();
    int lastNumber = 100;
    long lastScheduled;
    long time = FIRST_TIME;

    Shards(long seed) {
      random = new Random(seed);
      for (int i = 0; i < LOGS; i++) {
        log.put(i, i + 1);
      }
    }

    List<StoreRecord> batch() {
      List<StoreRecord> records = new ArrayList<>();
      for (int left = random.nextInt(12); left > 0; left--) {
        records.add(record());
      }
      return records;
    }

    StoreRecord record() {
      int which = random.nextInt(LOGS);
      int number = log.get(which);
      String name = "topic-" + which;
      int slot = Slot.of(Slot.Kind.TOPIC, name);
      time += random.nextInt(3);
      return switch (random.nextInt(14)) {
        case 0, 1, 2, 3 -> append(slot, number);
        case 4 ->
            new LogTrimmed(
                slot, number, 1 + random.nextInt(next.getOrDefault(number, 1L).intValue()));
        case 5 -> new EntryPut(topic(name, number));
        case 6 -> {
          log.put(which, ++lastNumber);
          removed.add(number);
          yield new EntryRemoved(topic(name, number));
        }
        case 7 -> deadKept();
        case 8 -> deadRemoved();
        case 9 -> changed();
        case 10 -> scheduled(name, number);
        case 11 -> unscheduled(name, slot);
        case 12 ->
            random.nextInt(4) > 0
                ? new ReceiptKept(receipt(slot, number))
                : new ReceiptsExpired(slot, time - 5);
        default ->
            random.nextBoolean()
                ? new EntryPut(stream(random.nextInt(3)))
                : new EntryRemoved(stream(random.nextInt(3)));
      };
    }

    private Entry topic(String name, int number) {
      return new Topic(
          name,
          number,
          "o\u0000\\" + random.nextInt(3),
          random.nextBoolean(),
          Optional.of("\uD800 é"),
          time,
          Set.of());
    }

    private static DurableStream stream(int which) {
      return new DurableStream("stream-" + which, DurableStream.FIRST_NUMBER + which, FIRST_TIME);
    }

    private Message message(long sequence) {
      return new Message(
          sequence,
          time,
          random.nextInt(4) == 0 ? time + random.nextInt(100) : Message.NEVER,
          Payload.of("{\"n\":\"" + "x".repeat(random.nextInt(40)) + "\\u0000\"}"),
          random.nextInt(3) == 0 ? Payload.of("{\"k\":\"v\"}") : Payload.EMPTY,
          ordering());
    }

    private Ordering ordering() {
      return switch (random.nextInt(6)) {
        case 0 -> Ordering.ofKey("k\u0000" + random.nextInt(3));
        case 1 -> Ordering.ofPriority(1 + random.nextInt(9));
        default -> Ordering.NONE;
      };
    }

    private MessagesAppended append(int slot, int number) {
      long messagesBefore = messages.getOrDefault(number, 0L);
      long bytesBefore = bytes.getOrDefault(number, 0L);
      List<Message> run = new ArrayList<>();
      // Now and then there is a hole between runs.
      long sequence = next.getOrDefault(number, 1L) + (random.nextInt(8) == 0 ? 3 : 0);
      long size = 0;
      for (int left = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(30); left > 0; left--) {
        Message message = message(sequence++);
        size += message.size();
        run.add(message);
        time += random.nextInt(2);
      }
      next.put(number, sequence);
      messages.put(number, messagesBefore + run.size());
      bytes.put(number, bytesBefore + size);
      return new MessagesAppended(slot, number, messagesBefore, bytesBefore, run);
    }

    private int subscription() {
      return 50 + random.nextInt(SUBSCRIPTIONS);
    }

    private DeadLettersKept deadKept() {
      List<Message> copies = new ArrayList<>();
      long sequence = 1L + random.nextInt(20);
      for (int left = 1 + random.nextInt(4); left > 0; left--) {
        copies.add(message(sequence));
        sequence += 1 + random.nextInt(3);
      }
      return new DeadLettersKept(3, subscription(), copies);
    }

    private DeadLettersRemoved deadRemoved() {
      List<SequenceRange> ranges = new ArrayList<>();
      for (int left = 1 + random.nextInt(2); left > 0; left--) {
        long first = 1L + random.nextInt(25);
        ranges.add(new SequenceRange(first, first + random.nextInt(4)));
      }
      return new DeadLettersRemoved(3, subscription(), ranges);
    }

    private DeliveryChanged changed() {
      int subscription = subscription();
      long ordinal = ordinals.merge(subscription, 1L, Long::sum);
      long first = 1L + random.nextInt(50);
      SequenceRange range = new SequenceRange(first, first + random.nextInt(3));
      List<Ordering> orderings = new ArrayList<>();
      for (int left = (int) range.size(); left > 0; left--) {
        orderings.add(ordering());
      }
      return new DeliveryChanged(
          3,
          subscription,
          new DeliveryChange(
              ordinal,
              random.nextInt(5) == 0,
              first + 10,
              first,
              new Totals(first, 1, 2),
              List.of(range),
              List.of(
                  new Outstanding(range, 2, ordinal, time, 1000, random.nextBoolean(), orderings)),
              List.of(new Dead(range, 7))));
    }

    private MessagesScheduled scheduled(String name, int number) {
      List<ScheduledMessage> messages = new ArrayList<>();
      for (int left = 1 + random.nextInt(4); left > 0; left--) {
        ScheduledMessage message =
            new ScheduledMessage(
                name,
                number,
                ++lastScheduled,
                new NewMessage(
                    Payload.of("[" + lastScheduled + "]"),
                    Payload.EMPTY,
                    random.nextBoolean() ? Message.NEVER : 5,
                    ordering(),
                    time + random.nextInt(1000)));
        waiting.put(message.id(), message);
        messages.add(message);
      }
      return new MessagesScheduled(Slot.of(Slot.Kind.TOPIC, name), messages);
    }

    private ScheduledRemoved unscheduled(String name, int slot) {
      List<ScheduledId> ids =
          waiting.values().stream()
              .filter(it -> it.topic().equals(name) && random.nextInt(3) == 0)
              .map(ScheduledMessage::id)
              .toList();
      ids.forEach(waiting::remove);
      return new ScheduledRemoved(slot, ids, ScheduledRemoved.Why.CANCELLED);
    }

    private Receipt receipt(int slot, int number) {
      return new Receipt(
          slot,
          new KeyedRequest("user", "key-" + slot + random.nextInt(5), 0, new Fingerprint(-1, time)),
          time + random.nextInt(10),
          number,
          List.of(new Receipt.Run(random.nextBoolean(), time, 1, 3)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomBatches_leaveTheSame(long seed) throws Exception {
    run(seed, 60);
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  @Tag("long")
  void manyRandomBatches_leaveTheSame(long seed) throws Exception {
    run(seed, 1000);
  }

  private static void run(long seed, int batches) throws Exception {
    TestPostgres.Database database = TestPostgres.newDatabase();
    Shards shards = new Shards(seed);
    try (SqlStore store = SqlStore.open(database.options());
        MemoryStore memory = new MemoryStore()) {
      long epoch = store.openSlots(SlotSet.ALL);
      long inMemory = memory.openSlots(SlotSet.ALL);
      for (int number = 1; number <= batches; number++) {
        List<StoreRecord> records = shards.batch();
        assertThat(store.commit(new Batch(0, epoch, number, records))).isEqualTo(SlotSet.NONE);
        assertThat(memory.commit(new Batch(0, inMemory, number, records))).isEqualTo(SlotSet.NONE);
        if (number % 5 == 0) {
          compare(shards, store, memory);
        }
      }
      compare(shards, store, memory);
    } finally {
      TestPostgres.shared().drop(database);
    }
  }

  private static void compare(Shards shards, Store store, Store memory) throws StoreException {
    Set<Integer> numbers = new HashSet<>(shards.log.values());
    numbers.addAll(shards.removed);
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
      numbers.add(50 + i);
    }
    for (int number : numbers) {
      if (!shards.removed.contains(number)) {
        assertThat(store.extent(number)).isEqualTo(memory.extent(number));
      }
      for (long from : new long[] {0, 1, 7, 40}) {
        for (int max : new int[] {1, 13, Integer.MAX_VALUE}) {
          for (long bytes : new long[] {1, 300, Long.MAX_VALUE}) {
            assertThat(store.read(number, from, max, bytes))
                .describedAs("%d from %d, %d messages, %d bytes", number, from, max, bytes)
                .isEqualTo(memory.read(number, from, max, bytes));
          }
        }
      }
      assertThat(store.loadDeliveries(number)).isEqualTo(memory.loadDeliveries(number));
      assertThat(store.readScheduledOf(number, ScheduledId.FIRST, 2, 5, Long.MAX_VALUE))
          .isEqualTo(memory.readScheduledOf(number, ScheduledId.FIRST, 2, 5, Long.MAX_VALUE));
    }
    assertThat(
            store.readScheduled(
                SlotSet.ALL, ScheduledId.FIRST, Long.MAX_VALUE, Integer.MAX_VALUE, 40))
        .isEqualTo(
            memory.readScheduled(
                SlotSet.ALL, ScheduledId.FIRST, Long.MAX_VALUE, Integer.MAX_VALUE, 40));
    assertThat(store.countScheduled()).isEqualTo(memory.countScheduled());
    assertThat(store.loadReceipts()).containsExactlyInAnyOrderElementsOf(memory.loadReceipts());
    var directory = store.loadDirectory();
    var expected = memory.loadDirectory();
    Comparator<Entry> order =
        Comparator.comparing((Entry it) -> it.kind()).thenComparing(Entry::key);
    assertThat(directory.entries().stream().sorted(order).toList())
        .isEqualTo(expected.entries().stream().sorted(order).toList());
    assertThat(directory.lastIncarnation()).isEqualTo(expected.lastIncarnation());
    assertThat(directory.lastStreamNumber()).isEqualTo(expected.lastStreamNumber());
    assertThat(directory.lastScheduled()).isEqualTo(expected.lastScheduled());
    assertThat(directory.damaged()).isEmpty();
  }
}
