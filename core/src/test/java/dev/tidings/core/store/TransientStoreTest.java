// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreRecord.DeadLettersKept;
import dev.tidings.core.store.StoreRecord.DeadLettersRemoved;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.SequenceRange;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TransientStoreTest {
  private static final int LOG = 5;
  private static final int SUBSCRIPTION = 6;
  private static final int SLOT = 3;

  private final MemoryStore durable = new MemoryStore();

  private static Message message(long sequence) {
    return new Message(sequence, sequence, Message.NEVER, Payload.of("123456789"), Payload.EMPTY);
  }

  private static MessagesAppended append(int log, long... sequences) {
    List<Message> messages =
        java.util.Arrays.stream(sequences).mapToObj(TransientStoreTest::message).toList();
    return new MessagesAppended(SLOT, log, sequences[0] - 1, 9 * (sequences[0] - 1), messages);
  }

  private static List<Long> sequences(Store store, int number) throws StoreException {
    return store.read(number, 0, 1000, Long.MAX_VALUE).messages().stream()
        .map(Message::sequence)
        .toList();
  }

  @Test
  void numbers_decideWhereSomethingLies() throws Exception {
    TransientStore store = new TransientStore(durable);
    long epoch = store.openSlots(SlotSet.ALL);
    store.begin(LOG);
    assertThat(store.keeps(LOG)).isTrue();
    assertThat(store.keeps(append(LOG, 1))).isTrue();
    assertThat(store.keeps(append(LOG + 1, 1))).isFalse();
    assertThat(store.keeps(new LogTrimmed(SLOT, LOG, 1))).isTrue();
    assertThat(
            store.keeps(
                new EntryPut(
                    new Queue("q", LOG, false, Queue.Mode.WORK, Queue.Bounds.NONE, "o", 0))))
        .isFalse();
    store.write(List.of(append(LOG, 1), append(LOG, 2)));
    SlotSet refused = store.commit(new Batch(0, epoch, 1, List.of(append(LOG + 1, 1))));
    assertThat(refused.isEmpty()).isTrue();
    assertThat(sequences(store, LOG)).containsExactly(1L, 2L);
    assertThat(sequences(store, LOG + 1)).containsExactly(1L);
    assertThat(sequences(durable, LOG)).isEmpty();
    assertThat(store.extent(LOG).nextSequence()).isEqualTo(3);
    assertThat(store.runAt(LOG, 2).orElseThrow().firstSequence()).isEqualTo(2);
    durable.close();
    // Also when there is no other any more.
    assertThat(sequences(store, LOG)).containsExactly(1L, 2L);
    store.write(List.of(append(LOG, 3)));
    assertThat(sequences(store, LOG)).containsExactly(1L, 2L, 3L);
    assertThat(store.health().writable()).isFalse();
  }

  @Test
  void bytes_areThoseOfWhatIsThere() throws Exception {
    TransientStore store = new TransientStore(durable);
    store.begin(LOG);
    store.begin(SUBSCRIPTION);
    assertThat(store.bytes()).isZero();
    long each = 9 + TransientStore.OVERHEAD;
    for (int i = 1; i <= 6; i++) {
      store.write(List.of(append(LOG, i)));
      assertThat(store.bytes()).isEqualTo(i * each);
    }
    store.write(List.of(new LogTrimmed(SLOT, LOG, 3)));
    assertThat(store.bytes()).isEqualTo(4 * each);
    store.write(List.of(new LogTrimmed(SLOT, LOG, 2)));
    assertThat(store.bytes()).isEqualTo(4 * each);
    assertThat(store.extent(LOG).firstRetained()).isEqualTo(3);
    DeadLettersKept kept =
        new DeadLettersKept(SLOT, SUBSCRIPTION, List.of(message(1), message(2), message(5)));
    store.write(List.of(kept));
    assertThat(store.bytes()).isEqualTo(7 * each);
    // Kept once more, it is still one.
    store.write(List.of(kept));
    assertThat(store.bytes()).isEqualTo(7 * each);
    store.write(
        List.of(
            new DeadLettersRemoved(
                SLOT, SUBSCRIPTION, List.of(new SequenceRange(2, 4), new SequenceRange(5, 5)))));
    assertThat(store.bytes()).isEqualTo(5 * each);
    assertThat(sequences(store, SUBSCRIPTION)).containsExactly(1L);
    store.write(List.of(new LogTrimmed(SLOT, LOG, 7)));
    assertThat(store.bytes()).isEqualTo(each);
    store.end(SUBSCRIPTION);
    assertThat(store.bytes()).isZero();
    store.write(List.of(append(LOG, 7)));
    store.end(LOG);
    store.end(LOG);
    assertThat(store.bytes()).isZero();
    assertThat(store.keeps(LOG)).isFalse();
    assertThat(store.extent(LOG)).isEqualTo(LogExtent.EMPTY);
  }

  @Test
  void deliveries_areNotKept() throws Exception {
    TransientStore store = new TransientStore(durable);
    store.begin(SUBSCRIPTION);
    DeliveryChange change =
        new DeliveryChange(
            1, false, 2, 1, DeliveryChange.Totals.NONE, List.of(), List.of(), List.of());
    store.write(List.of(new DeliveryChanged(SLOT, SUBSCRIPTION, change)));
    assertThat(store.loadDeliveries(SUBSCRIPTION)).isEmpty();
  }

  @Test
  void laterRuns_beginHigher_andNoSequenceComesAgain() throws Exception {
    Set<Long> given = new HashSet<>();
    for (long run = 1; run <= 200; run++) {
      TransientStore store = new TransientStore(new MemoryStore());
      store.beginAgain(LOG, run);
      LogExtent extent = store.extent(LOG);
      assertThat(extent.firstRetained()).isEqualTo(extent.nextSequence());
      assertThat(extent.messagesEver()).isZero();
      assertThat(sequences(store, LOG)).isEmpty();
      long next = extent.nextSequence();
      store.write(List.of(append(LOG, next), append(LOG, next + 1)));
      assertThat(sequences(store, LOG)).containsExactly(next, next + 1);
      assertThat(given.add(next)).isTrue();
      assertThat(given.add(next + 1)).isTrue();
      // Room for as many as one run may give, below what the highest id can name.
      assertThat(next + (1L << 32) - 1).isLessThan(1L << 48);
      if (run > 1) {
        assertThat(given).contains(next - (1L << 32));
      }
    }
    TransientStore last = new TransientStore(new MemoryStore());
    last.beginAgain(LOG, (1 << 16) - 1);
    assertThat(last.extent(LOG).nextSequence()).isLessThan(1L << 48);
  }
}
