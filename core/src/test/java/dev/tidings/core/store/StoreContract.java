// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.directory.User;
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
import dev.tidings.core.subscription.SequenceRange;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What [Store] promises, as tests that every implementation inherits.
///
/// A test class says how a store is opened on the medium of the running test (empty when the test
/// starts) and whether two handles may have it open at once.
public abstract class StoreContract {

  /// Whether several handles may write one medium at the same time.
  protected enum Sharing {
    /// Yes: epochs keep them apart.
    SHARED,
    /// No: the second handle is refused when it is opened.
    EXCLUSIVE
  }

  /// Opens a handle on the medium of the running test; may be called again, also after a close.
  protected abstract Store open() throws Exception;

  /// Whether [#open] works while another handle is open.
  protected abstract Sharing sharing();

  /// JSON with all that is easily changed by who means to keep it: spaces, order, doubled members,
  /// escapes, numbers beyond any type, and characters of every length.
  private static final Payload ODD_JSON =
      Payload.of(
          " {\"b\":1.0e400, \"a\" :[ ],\t\"a\":\"\\u0000\\ud800\\/é€😀\u007f\u0080\u2028\uffff'{},\\\\\\\"\","
              + "\r\n\"n\":-0, \"m\":123456789012345678901234567890}\n");

  private static final int LANE = 3;
  private static final int LOG = 7;

  /// Where backups go.
  @TempDir private Path backups;

  /// The store under test.
  protected Store store;

  private long epoch;
  private long number;

  @BeforeEach
  final void openStore() throws Exception {
    store = open();
    epoch = store.openSlots(SlotSet.ALL);
  }

  @AfterEach
  final void closeStore() throws Exception {
    store.close();
  }

  /// Writes one log the way a shard does.
  private static final class LogWriter {
    private final int incarnation;
    private final int slot;
    private long next = 1;
    private long messages;
    private long bytes;
    private final List<Message> written = new ArrayList<>();

    LogWriter(int incarnation) {
      this.incarnation = incarnation;
      this.slot = Slot.of(Slot.Kind.TOPIC, "topic-" + incarnation);
    }

    MessagesAppended append(int count) {
      List<Message> run = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        run.add(message(next + i));
      }
      return append(run);
    }

    MessagesAppended append(List<Message> run) {
      MessagesAppended record = new MessagesAppended(slot, incarnation, messages, bytes, run);
      for (Message message : run) {
        messages++;
        bytes += message.size();
        next = message.sequence() + 1;
        written.add(message);
      }
      return record;
    }

    LogTrimmed trim(long firstRetained) {
      return new LogTrimmed(slot, incarnation, firstRetained);
    }

    LogExtent extent(long firstRetained) {
      return new LogExtent(
          firstRetained,
          next,
          written.isEmpty() ? 0 : written.getLast().timestamp(),
          messages,
          bytes);
    }
  }

  private static Message message(long sequence) {
    return new Message(
        sequence,
        1_700_000_000_000L + sequence * 3,
        sequence % 5 == 0 ? 1_700_000_000_000L + sequence * 1000 : Message.NEVER,
        Payload.of("{\"n\":" + sequence + "}"),
        sequence % 3 == 0 ? Payload.of("{\"k\":\"v" + sequence + "\"}") : Payload.EMPTY);
  }

  private SlotSet commit(StoreRecord... records) throws StoreException {
    return store.commit(new Batch(LANE, epoch, ++number, List.of(records)));
  }

  private static long bytes(List<Message> messages) {
    return messages.stream().mapToLong(Message::size).sum();
  }

  private List<Message> readAll(int incarnation) throws StoreException {
    return store.read(incarnation, 0, Integer.MAX_VALUE, Long.MAX_VALUE).messages();
  }

  private void closeAndOpen() throws Exception {
    store.close();
    store = open();
    epoch = store.openSlots(SlotSet.ALL);
    number = 0;
  }

  // Epochs and fencing

  @Test
  void openSlots_again_returnsHigherEpoch() throws Exception {
    long second = store.openSlots(SlotSet.range(0, 10));
    long third = store.openSlots(SlotSet.range(5, 6));
    assertThat(second).isGreaterThan(epoch);
    assertThat(third).isGreaterThan(second);
  }

  @Test
  void openSlots_afterCloseAndOpen_returnsHigherEpoch() throws Exception {
    long before = epoch;
    closeAndOpen();
    assertThat(epoch).isGreaterThan(before);
  }

  @Test
  void commit_recordsOfSlotsOpenedUnderAHigherEpoch_areLeftOutAndReported() throws Exception {
    LogWriter stale = new LogWriter(1);
    LogWriter own = new LogWriter(2);
    assertThat(stale.slot).isNotEqualTo(own.slot);
    store.openSlots(SlotSet.range(stale.slot, stale.slot + 1));

    SlotSet refused = commit(stale.append(2), own.append(3), stale.append(1));

    assertThat(refused).isEqualTo(SlotSet.range(stale.slot, stale.slot + 1));
    assertThat(readAll(1)).isEmpty();
    assertThat(store.extent(1)).isEqualTo(LogExtent.EMPTY);
    assertThat(readAll(2)).isEqualTo(own.written);
    assertThat(store.wasCommitted(LANE, epoch, number)).isTrue();
  }

  @Test
  void commit_directoryRecordsAndTrimsOfAStaleSlot_areLeftOut() throws Exception {
    LogWriter log = new LogWriter(1);
    commit(log.append(5));
    Topic topic = topic("topic-1", 1);
    store.openSlots(SlotSet.ALL);

    SlotSet refused = commit(new EntryPut(topic), new EntryPut(user("u")), log.trim(4));

    assertThat(refused.contains(Slot.of(Slot.Kind.TOPIC, "topic-1"))).isTrue();
    assertThat(refused.contains(Slot.of(Slot.Kind.USER, "u"))).isTrue();
    assertThat(store.loadDirectory().all(Topic.class)).isEmpty();
    assertThat(store.loadDirectory().all(User.class)).isEmpty();
    assertThat(store.extent(1).firstRetained()).isEqualTo(1);
  }

  @Test
  void secondHandle_fencesTheFirstOrIsRefused() throws Exception {
    switch (sharing()) {
      case SHARED -> {
        try (Store second = open()) {
          LogWriter log = new LogWriter(1);
          commit(log.append(1));
          long higher = second.openSlots(SlotSet.ALL);
          assertThat(higher).isGreaterThan(epoch);
          assertThat(commit(log.append(1)).contains(log.slot)).isTrue();
          assertThat(second.read(1, 1, 10, 1000).messages()).containsExactly(message(1));
          assertThat(
                  second.commit(
                      new Batch(
                          0,
                          higher,
                          1,
                          List.of(
                              new MessagesAppended(
                                  log.slot, 1, 1, message(1).size(), List.of(message(2)))))))
              .isEqualTo(SlotSet.NONE);
          assertThat(readAll(1)).containsExactly(message(1), message(2));
        }
      }
      case EXCLUSIVE -> {
        assertThatThrownBy(this::open).isInstanceOf(StoreException.class);
        LogWriter log = new LogWriter(1);
        assertThat(commit(log.append(1))).isEqualTo(SlotSet.NONE);
        assertThat(readAll(1)).isEqualTo(log.written);
      }
    }
  }

  // Batches and their numbers

  @Test
  void wasCommitted_tellsTheNewestBatchOfItsLaneAndEpoch() throws Exception {
    number++;
    assertThat(store.wasCommitted(LANE, epoch, number)).isFalse();
    commit(new LogWriter(1).append(1));
    assertThat(store.wasCommitted(LANE, epoch, number)).isTrue();
    assertThat(store.wasCommitted(LANE, epoch, number + 1)).isFalse();
    assertThat(store.wasCommitted(LANE + 1, epoch, 1)).isFalse();
    assertThat(store.wasCommitted(LANE, epoch + 1, 1)).isFalse();
  }

  @Test
  void wasCommitted_underANewEpoch_startsAnew() throws Exception {
    store.commit(new Batch(LANE, epoch, 90, List.of()));
    long next = store.openSlots(SlotSet.ALL);
    assertThat(store.wasCommitted(LANE, next, 1)).isFalse();
    store.commit(new Batch(LANE, next, 2, List.of()));
    assertThat(store.wasCommitted(LANE, next, 2)).isTrue();
    assertThat(store.wasCommitted(LANE, next, 3)).isFalse();
  }

  @Test
  void wasCommitted_numbersWithGapsAndSeveralLanes() throws Exception {
    store.commit(new Batch(0, epoch, 5, List.of()));
    store.commit(new Batch(1, epoch, 7, List.of()));
    store.commit(new Batch(0, epoch, 9, List.of()));
    assertThat(store.wasCommitted(0, epoch, 9)).isTrue();
    assertThat(store.wasCommitted(0, epoch, 10)).isFalse();
    assertThat(store.wasCommitted(1, epoch, 7)).isTrue();
    assertThat(store.wasCommitted(1, epoch, 8)).isFalse();
  }

  @Test
  void commit_withoutRecords_isWrittenAsAProbe() throws Exception {
    assertThat(commit()).isEqualTo(SlotSet.NONE);
    assertThat(store.wasCommitted(LANE, epoch, number)).isTrue();
    store.reopen();
    assertThat(store.wasCommitted(LANE, epoch, number)).isTrue();
  }

  @Test
  void reopen_keepsCommittedRecordsNumbersAndEpoch() throws Exception {
    LogWriter log = new LogWriter(LOG);
    for (int round = 1; round <= 3; round++) {
      commit(log.append(3));
      store.reopen();
      assertThat(store.wasCommitted(LANE, epoch, number)).isTrue();
      number++;
      assertThat(store.wasCommitted(LANE, epoch, number)).isFalse();
      assertThat(readAll(LOG)).isEqualTo(log.written);
    }
    assertThat(commit(log.append(1))).isEqualTo(SlotSet.NONE);
    assertThat(store.openSlots(SlotSet.ALL)).isGreaterThan(epoch);
  }

  @Test
  void closeAndOpen_keepsEverything() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(3), new EntryPut(topic("a", LOG)), new EntryPut(user("b")));
    commit(log.append(2), log.trim(2));
    closeAndOpen();
    assertThat(readAll(LOG)).isEqualTo(log.written.subList(1, 5));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(2));
    assertThat(store.loadDirectory().all(Topic.class)).containsExactly(topic("a", LOG));
    assertThat(store.loadDirectory().all(User.class)).containsExactly(user("b"));
  }

  // Reads

  @Test
  void read_ofALogNothingWasAppendedTo_isEmpty() throws Exception {
    assertThat(store.read(LOG, 0, 10, 1000)).isEqualTo(LogPage.EMPTY);
    assertThat(store.extent(LOG)).isEqualTo(LogExtent.EMPTY);
    assertThat(store.runAt(LOG, 1)).isEmpty();
  }

  @Test
  void read_fromEverySequence_returnsTheMessagesFromThere() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(4), log.append(3));
    commit(log.append(1));
    commit(log.append(8));
    for (int from = 0; from <= 18; from++) {
      List<Message> rest = log.written.subList(Math.clamp(from - 1, 0, 16), 16);
      for (int max : new int[] {1, 2, 5, 16, 100}) {
        assertThat(store.read(LOG, from, max, Long.MAX_VALUE).messages())
            .isEqualTo(rest.subList(0, Math.min(max, rest.size())));
      }
    }
    assertThat(store.read(LOG, Long.MIN_VALUE, 1, 1).messages()).containsExactly(message(1));
    assertThat(store.read(LOG, 1L << 47, 10, 1000)).isEqualTo(LogPage.EMPTY);
  }

  @Test
  void read_maxBytes_stopsOnceReachedButReturnsAtLeastOne() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(5));
    commit(log.append(5));
    for (long maxBytes = 0; maxBytes <= bytes(log.written) + 1; maxBytes++) {
      List<Message> page = store.read(LOG, 1, 100, maxBytes).messages();
      assertThat(page).isEqualTo(log.written.subList(0, page.size())).isNotEmpty();
      // Without the last one the bound was not reached yet; with it, it is, or the log ended.
      assertThat(page.size() == 1 || bytes(page.subList(0, page.size() - 1)) < maxBytes).isTrue();
      assertThat(bytes(page) >= maxBytes || page.size() == 10).isTrue();
    }
  }

  @Test
  void read_doesNotMixLogs() throws Exception {
    LogWriter[] logs = new LogWriter[5];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = new LogWriter(254 + i);
    }
    for (int round = 0; round < 3; round++) {
      commit(
          logs[4].append(2),
          logs[0].append(1),
          logs[2].append(3),
          logs[1].append(1),
          logs[0].append(2),
          logs[3].append(1),
          logs[2].append(1));
    }
    for (LogWriter log : logs) {
      assertThat(readAll(log.incarnation)).isEqualTo(log.written);
      assertThat(store.extent(log.incarnation)).isEqualTo(log.extent(1));
    }
    assertThat(readAll(253)).isEmpty();
    assertThat(readAll(259)).isEmpty();
  }

  @Test
  void read_acrossAHole_returnsWhatIsThere() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(3));
    commit(log.append(List.of(message(1000), message(1001))), log.append(2));
    assertThat(readAll(LOG)).isEqualTo(log.written);
    assertThat(store.read(LOG, 4, 1, 1000).messages()).containsExactly(message(1000));
    assertThat(store.read(LOG, 999, 2, 1000).messages())
        .containsExactly(message(1000), message(1001));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(1));
    // A hole inside one batch as well.
    commit(log.append(1), log.append(List.of(message(5000))));
    assertThat(readAll(LOG)).isEqualTo(log.written);
    assertThat(store.extent(LOG)).isEqualTo(log.extent(1));
  }

  @Test
  void read_keepsEveryFieldAndByte() throws Exception {
    List<Message> odd =
        List.of(
            new Message(1, 0, Message.NEVER, Payload.EMPTY, Payload.EMPTY),
            new Message(2, 0, 0, ODD_JSON, Payload.EMPTY),
            new Message(3, 5, Long.MIN_VALUE, Payload.EMPTY, ODD_JSON),
            new Message(
                4,
                (1L << 48) - 1,
                Long.MAX_VALUE - 1,
                Payload.of("\"é\\u0000😀\""),
                Payload.of("{}")));
    LogWriter log = new LogWriter(LOG);
    commit(log.append(odd));
    assertThat(readAll(LOG)).isEqualTo(odd);
    closeAndOpen();
    assertThat(readAll(LOG)).isEqualTo(odd);
  }

  @Test
  void read_keepsWhatWasAskedOfTheOrder() throws Exception {
    String longest = "é".repeat(Ordering.MAX_KEY_BYTES / 2);
    List<Message> ordered = new ArrayList<>();
    for (Ordering ordering :
        List.of(
            Ordering.NONE,
            Ordering.ofPriority(1),
            Ordering.ofPriority(Ordering.MAX_PRIORITY),
            Ordering.ofKey("k"),
            Ordering.NONE,
            new Ordering("\u0000😀/", 5),
            new Ordering(longest, 9),
            Ordering.ofKey("x".repeat(Ordering.MAX_KEY_BYTES)))) {
      // With and without what else a message may have.
      Message plain = message(ordered.size() + 1);
      ordered.add(
          new Message(
              plain.sequence(),
              plain.timestamp(),
              plain.expiresAt(),
              plain.payload(),
              plain.metadata(),
              ordering));
    }
    LogWriter log = new LogWriter(LOG);
    commit(log.append(ordered));
    // More of them than fit into one run.
    List<Message> many = new ArrayList<>();
    for (int i = 0; i < 2500; i++) {
      Message plain = message(log.next + i);
      many.add(
          new Message(
              plain.sequence(),
              plain.timestamp(),
              plain.expiresAt(),
              plain.payload(),
              plain.metadata(),
              Ordering.ofKey(i + longest.substring(0, 100))));
    }
    commit(log.append(many), log.append(1));
    for (int time = 0; time < 2; time++) {
      assertThat(readAll(LOG)).isEqualTo(log.written);
      for (int from = 1; from <= 10; from++) {
        assertThat(store.read(LOG, from, 3, Long.MAX_VALUE).messages())
            .isEqualTo(log.written.subList(from - 1, from + 2));
      }
      assertThat(store.extent(LOG)).isEqualTo(log.extent(1));
      closeAndOpen();
    }
  }

  @Test
  void read_ofLargeMessagesAndRuns_returnsThemWhole() throws Exception {
    byte[] large = new byte[3 << 20];
    for (int i = 0; i < large.length; i++) {
      large[i] = (byte) (' ' + (i * 31 + (i >>> 9)) % 90);
    }
    LogWriter log = new LogWriter(LOG);
    commit(
        log.append(2),
        log.append(List.of(new Message(3, 9, Message.NEVER, Payload.wrap(large), Payload.EMPTY))),
        log.append(2500));
    commit(log.append(1));
    assertThat(readAll(LOG)).isEqualTo(log.written);
    assertThat(store.read(LOG, 2400, 3, 1 << 20).messages())
        .isEqualTo(log.written.subList(2399, 2402));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(1));
  }

  @Test
  void read_highestSequenceAndIncarnation() throws Exception {
    int incarnation = (1 << 26) - 1;
    LogWriter log = new LogWriter(incarnation);
    long last = (1L << 48) - 2;
    commit(log.append(List.of(message(last - 1), message(last))));
    assertThat(readAll(incarnation)).isEqualTo(log.written);
    assertThat(store.extent(incarnation).nextSequence()).isEqualTo(last + 1);
  }

  // Extents and trimming

  @Test
  void extent_growsWithEveryAppend() throws Exception {
    LogWriter log = new LogWriter(LOG);
    for (int round = 1; round <= 4; round++) {
      commit(log.append(round));
      assertThat(store.extent(LOG)).isEqualTo(log.extent(1));
    }
  }

  @Test
  void trim_toEverySequence_hidesWhatIsBelow() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(4));
    commit(log.append(1));
    commit(log.append(3), log.append(2));
    for (int first = 1; first <= 10; first++) {
      commit(log.trim(first));
      assertThat(store.extent(LOG)).isEqualTo(log.extent(first));
      assertThat(readAll(LOG)).isEqualTo(log.written.subList(first - 1, 10));
      assertThat(store.read(LOG, 2, 1, 1).messages()).containsExactly(message(Math.max(first, 2)));
      LogRun run = store.runAt(LOG, 1).orElseThrow();
      assertThat(run.lastSequence()).isGreaterThanOrEqualTo(first);
    }
  }

  @Test
  void trim_toNextSequence_retainsNothingAndTheLogGoesOn() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(5));
    commit(log.append(5));
    commit(log.trim(11));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(11));
    assertThat(store.read(LOG, 0, 10, 1000)).isEqualTo(LogPage.EMPTY);
    assertThat(store.runAt(LOG, 0)).isEmpty();
    store.reopen();
    assertThat(store.extent(LOG)).isEqualTo(log.extent(11));
    closeAndOpen();
    assertThat(store.extent(LOG)).isEqualTo(log.extent(11));

    commit(log.append(2));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(11));
    assertThat(readAll(LOG)).isEqualTo(log.written.subList(10, 12));
    commit(log.trim(13));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(13));
    assertThat(readAll(LOG)).isEmpty();
  }

  @Test
  void trim_lowerThanBefore_changesNothing() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(5));
    commit(log.append(5));
    commit(log.trim(8));
    commit(log.trim(3));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(8));
    commit(log.trim(9), log.trim(1));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(9));
    assertThat(readAll(LOG)).isEqualTo(log.written.subList(8, 10));
  }

  @Test
  void trim_inTheBatchOfItsAppends_takesEffectInOrder() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(4), log.trim(3), log.append(2));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(3));
    assertThat(readAll(LOG)).isEqualTo(log.written.subList(2, 6));
    commit(log.append(2), log.trim(9));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(9));
    assertThat(readAll(LOG)).isEmpty();
    commit(log.trim(9), log.append(3), log.trim(10), log.append(1));
    assertThat(store.extent(LOG)).isEqualTo(log.extent(10));
    assertThat(readAll(LOG)).isEqualTo(log.written.subList(9, 12));
  }

  @Test
  void trim_ofOneLog_leavesItsNeighbours() throws Exception {
    LogWriter a = new LogWriter(6);
    LogWriter b = new LogWriter(7);
    LogWriter c = new LogWriter(8);
    commit(a.append(5), b.append(5), c.append(5));
    commit(b.trim(6));
    assertThat(readAll(6)).isEqualTo(a.written);
    assertThat(readAll(7)).isEmpty();
    assertThat(readAll(8)).isEqualTo(c.written);
  }

  // Runs

  @Test
  void runAt_holdsTheSequenceOrIsTheFirstAfterIt() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(4));
    commit(log.append(1));
    commit(log.append(List.of(message(100), message(101), message(102))));
    List<Message> all = log.written;
    for (long sequence = -1; sequence <= 104; sequence++) {
      long at = sequence;
      Optional<Message> expected = all.stream().filter(m -> m.sequence() >= at).findFirst();
      Optional<LogRun> run = store.runAt(LOG, sequence);
      assertThat(run.isPresent()).isEqualTo(expected.isPresent());
      if (run.isPresent()) {
        check(run.get(), all);
        assertThat(expected.get().sequence())
            .isBetween(run.get().firstSequence(), run.get().lastSequence());
      }
    }
  }

  @Test
  void runAt_stepsThroughTheWholeLog() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(4), log.append(3));
    commit(log.append(2));
    commit(log.append(6), log.append(1500));
    long sequence = 0;
    long seen = 0;
    while (true) {
      Optional<LogRun> run = store.runAt(LOG, sequence);
      if (run.isEmpty()) {
        break;
      }
      check(run.get(), log.written);
      assertThat(run.get().messagesBefore()).isEqualTo(seen);
      seen += run.get().lastSequence() - run.get().firstSequence() + 1;
      sequence = run.get().lastSequence() + 1;
    }
    assertThat(seen).isEqualTo(log.written.size());
  }

  private static void check(LogRun run, List<Message> all) {
    List<Message> before = all.stream().filter(m -> m.sequence() < run.firstSequence()).toList();
    List<Message> inside =
        all.stream()
            .filter(m -> m.sequence() >= run.firstSequence() && m.sequence() <= run.lastSequence())
            .toList();
    assertThat(run)
        .isEqualTo(
            new LogRun(
                inside.getFirst().sequence(),
                inside.getLast().sequence(),
                inside.getFirst().timestamp(),
                inside.getLast().timestamp(),
                before.size(),
                bytes(before),
                bytes(inside)));
  }

  // Directory

  private static Topic topic(String name, int incarnation) {
    return new Topic(
        name, incarnation, "owner-" + incarnation, false, Optional.empty(), 17, Set.of());
  }

  private static User user(String name) {
    return new User(
        "id-" + name,
        name,
        Optional.empty(),
        "$argon2id$v=19$hash",
        Set.of(Permission.READ),
        true,
        1_700_000_000_000L);
  }

  @Test
  void loadDirectory_ofANewStore_isEmpty() throws Exception {
    assertThat(store.loadDirectory()).isEqualTo(new DirectoryContents(List.of(), 0, List.of()));
  }

  @Test
  void loadDirectory_returnsEveryField() throws Exception {
    Set<String> grantees = new LinkedHashSet<>(List.of("z", "a", "", "ü", "m"));
    Topic full = new Topic("full", 3, "owner", true, Optional.of("Ünï 😀\n"), -1, grantees);
    Topic bare = new Topic("", 4, "", false, Optional.of(""), Long.MAX_VALUE, Set.of());
    User all = new User("1", "all", Optional.of("a@b"), "h", Set.of(Permission.values()), false, 0);
    User none = new User("2", "none", Optional.of(""), "", Set.of(), true, Long.MIN_VALUE);
    commit(new EntryPut(full), new EntryPut(bare), new EntryPut(all), new EntryPut(none));
    closeAndOpen();
    DirectoryContents contents = store.loadDirectory();
    assertThat(contents.all(Topic.class)).containsExactlyInAnyOrder(bare, full);
    assertThat(grantsOf(contents, "full")).containsExactlyElementsOf(grantees);
    assertThat(contents.all(User.class)).containsExactlyInAnyOrder(all, none);
    assertThat(contents.damaged()).isEmpty();
  }

  private static Set<String> grantsOf(DirectoryContents contents, String topic) {
    return contents.all(Topic.class).stream()
        .filter(it -> it.name().equals(topic))
        .findFirst()
        .orElseThrow()
        .grantees();
  }

  @Test
  void loadDirectory_returnsLoginsAndConsumers_andWhatTopicsSayOfRetention() throws Exception {
    Login fresh = new Login("l1", "u", "ada", 1, 2, Optional.empty(), 0, "h", Optional.empty());
    Login ended = fresh.renewed(5, 9).revoked(7);
    Login other = new Login("l2", "u", "ada", 1, 2, Optional.empty(), 0, "", Optional.empty());
    Consumer consumer = new Consumer("t", 1, "c/1", "u", 3, 4, 5);
    Topic topic =
        new Topic(
            "t",
            1,
            "o",
            false,
            Optional.empty(),
            0,
            Set.of(),
            new TopicRetention(OptionalLong.of(1), OptionalLong.empty(), OptionalLong.of(0)));
    commit(new EntryPut(fresh), new EntryPut(other), new EntryPut(consumer), new EntryPut(topic));
    commit(new EntryPut(ended));
    closeAndOpen();
    assertThat(store.loadDirectory().entries())
        .containsExactlyInAnyOrder(ended, other, consumer, topic);
  }

  @Test
  void loadDirectory_returnsClients_asTheyAreNow() throws Exception {
    Client first =
        new Client("id-1", "näme", Scopes.of("topics:read *"), "h", true, 1, Long.MIN_VALUE, 5);
    Client second = new Client("id-2", "", Scopes.stored("of:later"), "", false, 7, 0, 0);
    commit(new EntryPut(first), new EntryPut(second));
    Client changed = first.changed("other", Scopes.of("topics:publish:t"), false, 9);
    commit(new EntryPut(changed), new EntryRemoved(second));
    closeAndOpen();
    assertThat(store.loadDirectory().entries()).containsExactly(changed);
  }

  @Test
  void removedEntry_isGone_andItsLogWithIt() throws Exception {
    LogWriter log = new LogWriter(LOG);
    LogWriter other = new LogWriter(LOG + 1);
    commit(new EntryPut(topic("a", LOG)), new EntryPut(user("u")), log.append(5), other.append(2));
    commit(log.trim(3), log.append(2));
    // What the very batch appended and trimmed before goes too.
    commit(
        log.append(3),
        log.trim(4),
        log.append(1),
        new EntryRemoved(topic("a", LOG)),
        new EntryRemoved(user("u")));
    for (int time = 0; time < 2; time++) {
      assertThat(store.loadDirectory().entries()).isEmpty();
      assertThat(store.extent(LOG)).isEqualTo(LogExtent.EMPTY);
      assertThat(store.read(LOG, 0, 100, 1 << 20).messages()).isEmpty();
      assertThat(store.runAt(LOG, 0)).isEmpty();
      assertThat(store.read(LOG + 1, 0, 100, 1 << 20).messages()).hasSize(2);
      assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(LOG);
      closeAndOpen();
    }
  }

  @Test
  void entryOfTheSameName_inTheBatchThatRemovedOne_isAnotherWithItsOwnLog() throws Exception {
    LogWriter log = new LogWriter(LOG);
    LogWriter next = new LogWriter(LOG + 1);
    commit(new EntryPut(topic("a", LOG)), log.append(5));
    commit(new EntryRemoved(topic("a", LOG)), new EntryPut(topic("a", LOG + 1)), next.append(1));
    closeAndOpen();
    assertThat(store.loadDirectory().all(Topic.class)).containsExactly(topic("a", LOG + 1));
    assertThat(store.read(LOG, 0, 100, 1 << 20).messages()).isEmpty();
    assertThat(store.read(LOG + 1, 0, 100, 1 << 20).messages()).hasSize(1);
  }

  @Test
  void loadDirectory_afterAChange_returnsTheNewestEntry() throws Exception {
    Topic first = topic("t", 1);
    commit(new EntryPut(first), new EntryPut(user("u")));
    User changed =
        new User("id-u", "u", Optional.of("new@x"), "h2", Set.of(Permission.ADMIN), false, 5);
    commit(new EntryPut(first.granting("g1")), new EntryPut(first.granting("g1").granting("g2")));
    commit(new EntryPut(changed));
    assertThat(store.loadDirectory().all(Topic.class))
        .containsExactly(first.granting("g1").granting("g2"));
    assertThat(store.loadDirectory().all(User.class)).containsExactly(changed);
  }

  @Test
  void entries_withTheLongestNames_thatDifferAtTheEnd() throws Exception {
    // Each takes four bytes, and none is like the one before.
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < 1024; i++) {
      name.appendCodePoint(0x20000 + i * 37 % 40_000);
    }
    DurableStream first = new DurableStream(name + "a", DurableStream.FIRST_NUMBER, 1);
    DurableStream second = new DurableStream(name + "b", DurableStream.FIRST_NUMBER + 1, 2);
    commit(new EntryPut(first), new EntryPut(second));
    closeAndOpen();
    assertThat(store.loadDirectory().entries()).containsExactlyInAnyOrder(first, second);
    commit(new EntryRemoved(first));
    assertThat(store.loadDirectory().entries()).containsExactly(second);
  }

  @Test
  void loadDirectory_withManyEntries() throws Exception {
    List<StoreRecord> records = new ArrayList<>();
    for (int i = 1; i <= 3000; i++) {
      records.add(new EntryPut(topic("topic-" + i, i)));
      records.add(new EntryPut(user("user-" + i)));
    }
    commit(records.toArray(StoreRecord[]::new));
    closeAndOpen();
    DirectoryContents contents = store.loadDirectory();
    assertThat(contents.all(Topic.class)).hasSize(3000);
    assertThat(contents.all(User.class)).hasSize(3000);
    assertThat(contents.lastIncarnation()).isGreaterThanOrEqualTo(3000);
  }

  @Test
  void lastIncarnation_isNeverBelowATopicEverPut() throws Exception {
    commit(new EntryPut(topic("a", 500)));
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(500);
    // The name is taken over by a log with a lower number: the higher one stays used.
    commit(new EntryPut(topic("a", 20)), new EntryPut(topic("b", 21)));
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(500);
    store.reopen();
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(500);
    closeAndOpen();
    commit(new EntryPut(topic("c", 22)));
    closeAndOpen();
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(500);
  }

  // Streams and signing keys

  private static final int STREAM = DurableStream.FIRST_NUMBER;

  private static DurableStream stream(int number) {
    return new DurableStream("stream-" + number, number, 1_700_000_000_000L);
  }

  private void putAndRemove(DurableStream stream) throws StoreException {
    commit(new EntryPut(stream));
    commit(new EntryRemoved(stream));
  }

  @Test
  void streamsAndSigningKeys_areEntries_withEveryField() throws Exception {
    byte[] everyByte = new byte[256];
    for (int i = 0; i < everyByte.length; i++) {
      everyByte[i] = (byte) i;
    }
    DurableStream first = new DurableStream("größe/1 😀", STREAM, Long.MIN_VALUE);
    DurableStream last = new DurableStream("", Integer.MAX_VALUE, Long.MAX_VALUE);
    SigningKey key = new SigningKey("schlüssel", Payload.wrap(everyByte), -1);
    SigningKey empty = new SigningKey("", Payload.EMPTY, 0);
    commit(new EntryPut(first), new EntryPut(last), new EntryPut(key), new EntryPut(empty));
    // Names of different kinds never meet.
    DurableStream sameName = new DurableStream("t", STREAM + 1, 0);
    SigningKey sameNameToo = new SigningKey("t", Payload.of("before"), 0);
    commit(new EntryPut(topic("t", 1)), new EntryPut(sameName), new EntryPut(sameNameToo));
    SigningKey changed = new SigningKey("t", Payload.of("after"), 9);
    commit(new EntryPut(changed), new EntryRemoved(empty), new EntryRemoved(last));
    closeAndOpen();
    assertThat(store.loadDirectory().entries())
        .containsExactlyInAnyOrder(first, key, topic("t", 1), sameName, changed);
  }

  @Test
  void logsUnderNumbersOfStreams_areLikeThoseOfTopics() throws Exception {
    List<LogWriter> logs = new ArrayList<>();
    for (int log :
        List.of(LOG, STREAM - 1, STREAM, STREAM + 1, Integer.MAX_VALUE - 1, Integer.MAX_VALUE)) {
      assertThat(store.extent(log)).isEqualTo(LogExtent.EMPTY);
      assertThat(store.read(log, 0, 10, 1000).messages()).isEmpty();
      assertThat(store.runAt(log, 0)).isEmpty();
      logs.add(new LogWriter(log));
    }
    for (LogWriter log : logs) {
      commit(log.append(4));
    }
    for (LogWriter log : logs) {
      commit(log.append(3), log.trim(5));
    }
    for (int time = 0; time < 2; time++) {
      for (LogWriter log : logs) {
        assertThat(store.extent(log.incarnation)).isEqualTo(log.extent(5));
        assertThat(readAll(log.incarnation)).isEqualTo(log.written.subList(4, 7));
        assertThat(store.read(log.incarnation, 6, 1, 1000).messages())
            .containsExactly(log.written.get(5));
        assertThat(store.read(log.incarnation, 8, 10, 1000).messages()).isEmpty();
        assertThat(store.runAt(log.incarnation, 0).orElseThrow().lastSequence()).isEqualTo(7);
        assertThat(store.runAt(log.incarnation, 8)).isEmpty();
      }
      closeAndOpen();
    }
    for (LogWriter log : logs) {
      commit(log.trim(8));
      assertThat(store.extent(log.incarnation)).isEqualTo(log.extent(8));
      assertThat(readAll(log.incarnation)).isEmpty();
      commit(log.append(1));
      assertThat(readAll(log.incarnation)).isEqualTo(log.written.subList(7, 8));
    }
  }

  @Test
  void removedStream_isGone_andItsLogWithIt_andNoOther() throws Exception {
    List<Integer> numbers =
        List.of(STREAM, STREAM + 1, STREAM + 2, Integer.MAX_VALUE - 1, Integer.MAX_VALUE);
    for (int log : numbers) {
      LogWriter writer = new LogWriter(log);
      commit(new EntryPut(stream(log)), writer.append(5), writer.trim(3));
      commit(writer.append(2));
    }
    LogWriter topic = new LogWriter(STREAM - 1);
    commit(topic.append(2));
    List<Integer> left = new ArrayList<>(numbers);
    for (int log : List.of(STREAM + 1, Integer.MAX_VALUE, STREAM, Integer.MAX_VALUE - 1)) {
      commit(new EntryRemoved(stream(log)));
      left.remove((Integer) log);
      for (int time = 0; time < 2; time++) {
        assertThat(store.extent(log)).isEqualTo(LogExtent.EMPTY);
        assertThat(readAll(log)).isEmpty();
        assertThat(store.runAt(log, 0)).isEmpty();
        assertThat(store.loadDirectory().all(DurableStream.class))
            .containsExactlyInAnyOrderElementsOf(left.stream().map(StoreContract::stream).toList());
        for (int other : left) {
          assertThat(readAll(other))
              .extracting(Message::sequence)
              .containsExactly(3L, 4L, 5L, 6L, 7L);
        }
        closeAndOpen();
      }
    }
    assertThat(readAll(STREAM - 1)).isEqualTo(topic.written);
  }

  @Test
  void streamOfTheSameName_inTheBatchThatRemovedOne_isAnotherWithItsOwnLog() throws Exception {
    DurableStream before = new DurableStream("s", STREAM, 1);
    DurableStream after = new DurableStream("s", STREAM + 1, 2);
    LogWriter log = new LogWriter(STREAM);
    LogWriter next = new LogWriter(STREAM + 1);
    commit(new EntryPut(before), log.append(5));
    commit(log.append(1), new EntryRemoved(before), new EntryPut(after), next.append(1));
    closeAndOpen();
    assertThat(store.loadDirectory().entries()).containsExactly(after);
    assertThat(readAll(STREAM)).isEmpty();
    assertThat(readAll(STREAM + 1)).isEqualTo(next.written);
  }

  @Test
  void streamsThatComeAndGo_leaveNothingBehind() throws Exception {
    int streams = 3000;
    for (int i = 0; i < streams; i += 100) {
      List<StoreRecord> come = new ArrayList<>();
      List<StoreRecord> go = new ArrayList<>();
      for (int log = STREAM + i; log < STREAM + i + 100; log++) {
        LogWriter writer = new LogWriter(log);
        come.add(new EntryPut(stream(log)));
        come.add(writer.append(2));
        if (log % 7 != 0) {
          go.add(writer.trim(log % 2 == 0 ? 3 : 2));
          go.add(new EntryRemoved(stream(log)));
        }
      }
      commit(come.toArray(StoreRecord[]::new));
      commit(go.toArray(StoreRecord[]::new));
    }
    for (int time = 0; time < 2; time++) {
      for (int log = STREAM; log < STREAM + streams; log++) {
        assertThat(readAll(log)).hasSize(log % 7 == 0 ? 2 : 0);
        assertThat(store.extent(log).nextSequence()).isEqualTo(log % 7 == 0 ? 3 : 1);
      }
      assertThat(store.loadDirectory().all(DurableStream.class))
          .hasSizeBetween(streams / 7, streams / 7 + 1)
          .allMatch(stream -> stream.number() % 7 == 0);
      closeAndOpen();
    }
  }

  @Test
  void lastStreamNumber_isNeverBelowAStreamEverPut_andTellsNothingOfOthers() throws Exception {
    commit(new EntryPut(topic("a", 500)), new EntryPut(subscription("s", 600)));
    assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(STREAM - 1);
    commit(new EntryPut(stream(STREAM)));
    assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(STREAM);
    putAndRemove(stream(STREAM + 500));
    commit(new EntryPut(stream(STREAM + 20)));
    for (int time = 0; time < 2; time++) {
      assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(STREAM + 500);
      assertThat(store.loadDirectory().lastIncarnation()).isEqualTo(600);
      store.reopen();
      assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(STREAM + 500);
      assertThat(store.loadDirectory().lastIncarnation()).isEqualTo(600);
      closeAndOpen();
      commit(new EntryPut(stream(STREAM + 21)), new EntryPut(topic("b", 501)));
    }
    putAndRemove(stream(Integer.MAX_VALUE));
    closeAndOpen();
    assertThat(store.loadDirectory().lastStreamNumber()).isEqualTo(Integer.MAX_VALUE);
    assertThat(store.loadDirectory().lastIncarnation()).isEqualTo(600);
  }

  @Test
  void streamsOfAStaleSlot_areLeftOut_andDrawNoNumber() throws Exception {
    store.openSlots(SlotSet.ALL);
    SlotSet refused = commit(new EntryPut(stream(STREAM + 7)));
    assertThat(refused.contains(stream(STREAM + 7).slot())).isTrue();
    assertThat(store.loadDirectory())
        .isEqualTo(new DirectoryContents(List.of(), 0, STREAM - 1, List.of()));
  }

  // Receipts

  // Exchanges, queues and bindings

  private static final List<Exchange.Type> EXCHANGE_TYPES =
      List.of(Exchange.Type.DIRECT, Exchange.Type.FANOUT, Exchange.Type.TOPIC);

  @Test
  void exchangesQueuesAndBindings_areEntries_withEveryField() throws Exception {
    String longest = "😀".repeat(255);
    List<Entry> entries = new ArrayList<>();
    int number = 1000;
    for (String name : List.of("a", "a/b", "/", "größe 😀", longest, " ", "1/2/3")) {
      Exchange exchange =
          new Exchange(name, ++number, EXCHANGE_TYPES.get(number % 3), longest, number);
      Queue queue =
          new Queue(
              name,
              ++number,
              number % 4 < 2,
              number % 2 == 0 ? Queue.Mode.BROADCAST : Queue.Mode.WORK,
              new Queue.Bounds(
                  number % 3 == 0 ? OptionalLong.empty() : OptionalLong.of(Long.MAX_VALUE),
                  number % 3 == 1 ? OptionalLong.empty() : OptionalLong.of(1),
                  number % 2 == 0 ? Queue.Overflow.DROP_OLDEST : Queue.Overflow.REJECT),
              "",
              Long.MIN_VALUE);
      entries.add(exchange);
      entries.add(number % 3 == 0 ? queue.asPrioritised() : queue);
      for (String key : List.of("", "/", "k", "a.*.#", "1/2", longest)) {
        entries.add(Binding.of(exchange, queue, key, -number));
      }
    }
    commit(entries.stream().map(EntryPut::new).toArray(StoreRecord[]::new));
    closeAndOpen();
    assertThat(store.loadDirectory().entries()).containsExactlyInAnyOrderElementsOf(entries);
    List<Entry> removed = new ArrayList<>();
    for (int i = 0; i < entries.size(); i += 2) {
      removed.add(entries.get(i));
    }
    commit(removed.stream().map(EntryRemoved::new).toArray(StoreRecord[]::new));
    entries.removeAll(removed);
    closeAndOpen();
    assertThat(store.loadDirectory().entries()).containsExactlyInAnyOrderElementsOf(entries);
  }

  @Test
  void numberOfAnExchange_isNeverGivenAgain_norThatOfARemovedOne() throws Exception {
    Exchange exchange = new Exchange("x", 700, Exchange.Type.FANOUT, "o", 0);
    commit(new EntryPut(exchange));
    commit(new EntryRemoved(exchange));
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(700);
    closeAndOpen();
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(700);
    assertThat(store.loadDirectory().entries()).isEmpty();
    // A queue names its topic's number; nothing is its own.
    commit(new EntryPut(new Queue("q", 5, true, Queue.Mode.WORK, Queue.Bounds.NONE, "o", 0)));
    LogWriter log = new LogWriter(5);
    commit(log.append(3));
    commit(new EntryRemoved(new Queue("q", 5, true, Queue.Mode.WORK, Queue.Bounds.NONE, "o", 0)));
    assertThat(store.read(5, 0, 10, Long.MAX_VALUE).messages()).hasSize(3);
  }

  private static Receipt receipt(String key, int item, long expiresAt) {
    KeyedRequest request = new KeyedRequest("u", key, item, new Fingerprint(-1, item));
    return new Receipt(
        Slot.of(Slot.Kind.TOPIC, "t"),
        request,
        expiresAt,
        LOG,
        List.of(new Receipt.Run(false, 1_000, 3, 2)));
  }

  @Test
  void receipts_areLoaded_andReplacedByNewerOnesOfTheSameRequest() throws Exception {
    Receipt first = receipt("ключ 1", 0, 5_000);
    Receipt second = receipt("ключ 1", 7, 5_000);
    Receipt third = receipt("k", 0, 9_000);
    assertThat(store.loadReceipts()).isEmpty();
    commit(new ReceiptKept(first), new ReceiptKept(second));
    commit(new ReceiptKept(third), new ReceiptKept(third));
    closeAndOpen();
    assertThat(store.loadReceipts()).containsExactlyInAnyOrder(first, second, third);
    assertThat(store.loadDirectory().entries()).isEmpty();
  }

  @Test
  void expiredReceipts_areForgotten_thoseOfTheirSlotAlone() throws Exception {
    Receipt old = receipt("old", 0, 4_999);
    Receipt kept = receipt("kept", 0, 5_000);
    int otherSlot = (old.slot() + 1) % Slot.COUNT;
    KeyedRequest elsewhere = receipt("elsewhere", 0, 1).request();
    Receipt other =
        new Receipt(
            otherSlot, elsewhere, 1, LOG, List.of(new Receipt.Run(false, 1_000, 1L << 40, 100)));
    commit(new ReceiptKept(old), new ReceiptKept(kept), new ReceiptKept(other));
    commit(new ReceiptsExpired(old.slot(), 5_000));
    closeAndOpen();
    assertThat(store.loadReceipts()).containsExactlyInAnyOrder(kept, other);
    commit(new ReceiptsExpired(old.slot(), Long.MAX_VALUE));
    assertThat(store.loadReceipts()).containsExactly(other);
  }

  @Test
  void receipts_ofSeveralRuns_areLoadedAsTheyWereKept() throws Exception {
    Receipt one = receipt("one", 0, 5_000);
    List<Receipt.Run> runs = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      runs.add(new Receipt.Run(i % 2 == 0, ScheduledId.MAX - i, ScheduledId.MAX - 9L * i, 1 + i));
    }
    Receipt many =
        new Receipt(one.slot(), receipt("many", 1, 1).request(), Long.MAX_VALUE, LOG, runs);
    Receipt none = new Receipt(one.slot(), receipt("none", 1, 1).request(), 7, LOG, List.of());
    commit(new ReceiptKept(many), new ReceiptKept(one), new ReceiptKept(none));
    closeAndOpen();
    assertThat(store.loadReceipts()).containsExactlyInAnyOrder(one, many, none);
  }

  // Scheduled messages

  private static ScheduledMessage scheduled(String topic, int log, long number, long dueAt) {
    Payload payload = Payload.of("{\"n\":" + number + "}");
    Payload metadata = number % 3 == 0 ? Payload.of("{\"k\":\"é\"}") : Payload.EMPTY;
    return new ScheduledMessage(
        topic,
        log,
        number,
        new NewMessage(
            payload,
            metadata,
            number % 2 == 0 ? Message.NEVER : number * 7,
            number % 5 == 0 ? new Ordering("key " + number, (int) (number % 10)) : Ordering.NONE,
            dueAt));
  }

  private static ScheduledMessage scheduled(int log, long number, long dueAt) {
    return scheduled("topic-" + log, log, number, dueAt);
  }

  private static MessagesScheduled schedule(ScheduledMessage... messages) {
    return new MessagesScheduled(messages[0].slot(), List.of(messages));
  }

  private static ScheduledRemoved unschedule(ScheduledMessage... messages) {
    List<ScheduledId> ids = Stream.of(messages).map(ScheduledMessage::id).toList();
    return new ScheduledRemoved(messages[0].slot(), ids, ScheduledRemoved.Why.APPENDED);
  }

  private List<ScheduledMessage> allScheduled() throws StoreException {
    return store.readScheduled(
        SlotSet.ALL, ScheduledId.FIRST, Long.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  private List<ScheduledMessage> allScheduledOf(int log) throws StoreException {
    return store.readScheduledOf(log, ScheduledId.FIRST, 0, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  @Test
  void scheduled_ofANewStore_areNone() throws Exception {
    assertThat(allScheduled()).isEmpty();
    assertThat(allScheduledOf(LOG)).isEmpty();
    assertThat(store.countScheduled()).isZero();
    assertThat(store.loadDirectory().lastScheduled()).isZero();
  }

  @Test
  void scheduled_areReadInTheOrderOfTheirIds_withEveryField() throws Exception {
    long year = 365L * 24 * 3600 * 1000;
    List<ScheduledMessage> ordered =
        List.of(
            scheduled(LOG, 4, 0),
            scheduled(LOG + 1, 5, 0),
            scheduled(LOG, 300, 1),
            scheduled(LOG + 1, 70_000, 255),
            scheduled(LOG, 1, 256),
            scheduled(LOG + 1, 2, 1L << 32),
            scheduled((1 << 26) - 1, 3, 1_700_000_000_000L),
            scheduled(LOG, 6, 1_700_000_000_000L),
            scheduled(LOG, 1L << 40, 1_700_000_000_000L),
            scheduled(LOG, 7, 1_700_000_000_000L + year),
            scheduled(LOG, ScheduledId.MAX - 1, ScheduledId.MAX),
            new ScheduledMessage(
                "topic-" + LOG,
                LOG,
                ScheduledId.MAX,
                new NewMessage(
                    ODD_JSON,
                    Payload.EMPTY,
                    0,
                    Ordering.ofKey("y".repeat(Ordering.MAX_KEY_BYTES)),
                    ScheduledId.MAX)));
    for (ScheduledMessage message : ordered.reversed()) {
      commit(schedule(message));
    }
    for (int time = 0; time < 2; time++) {
      assertThat(allScheduled()).isEqualTo(ordered);
      assertThat(store.countScheduled()).isEqualTo(ordered.size());
      for (int log : new int[] {LOG - 1, LOG, LOG + 1, LOG + 2, (1 << 26) - 1}) {
        assertThat(allScheduledOf(log))
            .isEqualTo(ordered.stream().filter(it -> it.incarnation() == log).toList());
      }
      closeAndOpen();
    }
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(ScheduledId.MAX);
    assertThat(store.loadDirectory().entries()).isEmpty();
  }

  @Test
  void scheduled_fromEveryPlace_upToEveryTime() throws Exception {
    List<ScheduledMessage> all = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      all.add(scheduled(LOG, i + 1, 1000 + i / 3));
    }
    commit(new MessagesScheduled(all.getFirst().slot(), all));
    for (int from = 0; from < all.size(); from++) {
      ScheduledId id = all.get(from).id();
      assertThat(store.readScheduled(SlotSet.ALL, id, Long.MAX_VALUE, 100, Long.MAX_VALUE))
          .isEqualTo(all.subList(from, 12));
      assertThat(store.readScheduled(SlotSet.ALL, id.next(), Long.MAX_VALUE, 100, Long.MAX_VALUE))
          .isEqualTo(all.subList(from + 1, 12));
      assertThat(store.readScheduledOf(LOG, id, 0, 2, Long.MAX_VALUE))
          .isEqualTo(all.subList(from, Math.min(from + 2, 12)));
      assertThat(store.readScheduledOf(LOG, id.next(), 0, 100, Long.MAX_VALUE))
          .isEqualTo(all.subList(from + 1, 12));
      for (int skip = 0; skip <= 13; skip++) {
        assertThat(store.readScheduledOf(LOG, id, skip, 3, Long.MAX_VALUE))
            .isEqualTo(all.subList(Math.min(from + skip, 12), Math.min(from + skip + 3, 12)));
      }
    }
    for (long before : new long[] {Long.MIN_VALUE, 0, 1000, 1001, 1003, 1004, ScheduledId.MAX}) {
      assertThat(store.readScheduled(SlotSet.ALL, ScheduledId.FIRST, before, 100, Long.MAX_VALUE))
          .isEqualTo(all.stream().filter(it -> it.message().dueAt() < before).toList());
    }
    ScheduledId late = new ScheduledId(1002, 0, 0);
    assertThat(store.readScheduled(SlotSet.ALL, late, 1002, 100, Long.MAX_VALUE)).isEmpty();
    assertThat(store.readScheduled(SlotSet.ALL, late, 1003, 100, Long.MAX_VALUE))
        .isEqualTo(all.subList(6, 9));
  }

  @Test
  void scheduled_bounds_atUnderAndOver() throws Exception {
    List<ScheduledMessage> all = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      all.add(scheduled(LOG, i + 1, 1000 + i));
    }
    commit(new MessagesScheduled(all.getFirst().slot(), all));
    for (int max = 1; max <= 7; max++) {
      List<ScheduledMessage> expected = all.subList(0, Math.min(max, 6));
      assertThat(store.readScheduled(SlotSet.ALL, ScheduledId.FIRST, 9999, max, Long.MAX_VALUE))
          .isEqualTo(expected);
      assertThat(store.readScheduledOf(LOG, ScheduledId.FIRST, 0, max, Long.MAX_VALUE))
          .isEqualTo(expected);
    }
    long total = all.stream().mapToLong(it -> it.message().size()).sum();
    for (long maxBytes = 0; maxBytes <= total + 1; maxBytes++) {
      List<ScheduledMessage> page =
          store.readScheduled(SlotSet.ALL, ScheduledId.FIRST, 9999, 100, maxBytes);
      int expected = 1;
      long bytes = all.getFirst().message().size();
      while (expected < 6 && bytes < maxBytes) {
        bytes += all.get(expected++).message().size();
      }
      assertThat(page).isEqualTo(all.subList(0, expected));
      assertThat(store.readScheduledOf(LOG, ScheduledId.FIRST, 0, 100, maxBytes)).isEqualTo(page);
    }
  }

  @Test
  void scheduled_thatArePassedOver_countForNothing() throws Exception {
    List<ScheduledMessage> messages = new ArrayList<>();
    for (int i = 1; i <= 30; i++) {
      messages.add(
          new ScheduledMessage(
              "t",
              LOG,
              i,
              new NewMessage(
                  Payload.of("\"" + "x".repeat(100) + "\""),
                  Payload.EMPTY,
                  Message.NEVER,
                  Ordering.NONE,
                  1000 + i)));
    }
    commit(new MessagesScheduled(Slot.of(Slot.Kind.TOPIC, "t"), messages));
    assertThat(store.readScheduledOf(LOG, ScheduledId.FIRST, 20, 100, 250))
        .isEqualTo(messages.subList(20, 23));
    assertThat(store.readScheduledOf(LOG, ScheduledId.FIRST, 30, 100, 250)).isEmpty();
  }

  @Test
  void scheduled_ofOtherSlots_areLeftOut() throws Exception {
    List<ScheduledMessage> all = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      ScheduledMessage message = scheduled(i % 20, i + 1, 1000 + i / 7);
      all.add(message);
      commit(schedule(message));
    }
    SlotSet half = SlotSet.range(0, Slot.COUNT / 2);
    List<ScheduledMessage> expected = all.stream().filter(it -> half.contains(it.slot())).toList();
    assertThat(expected).hasSizeBetween(1, 199);
    List<ScheduledMessage> read = new ArrayList<>();
    ScheduledId from = ScheduledId.FIRST;
    while (true) {
      List<ScheduledMessage> page =
          store.readScheduled(half, from, Long.MAX_VALUE, 7, Long.MAX_VALUE);
      if (page.isEmpty()) {
        break;
      }
      read.addAll(page);
      from = page.getLast().id().next();
    }
    assertThat(read).isEqualTo(expected);
    assertThat(
            store.readScheduled(SlotSet.NONE, ScheduledId.FIRST, Long.MAX_VALUE, 9, Long.MAX_VALUE))
        .isEmpty();
  }

  @Test
  void removedScheduled_areGone_andTheirNumbersStayUsed() throws Exception {
    ScheduledMessage first = scheduled(LOG, 1, 1000);
    ScheduledMessage second = scheduled(LOG, 2, 1000);
    ScheduledMessage other = scheduled(LOG + 1, 9, 1000);
    commit(schedule(first, second), schedule(other));
    commit(unschedule(first), unschedule(other));
    for (int time = 0; time < 2; time++) {
      assertThat(allScheduled()).containsExactly(second);
      assertThat(allScheduledOf(LOG)).containsExactly(second);
      assertThat(allScheduledOf(LOG + 1)).isEmpty();
      assertThat(store.countScheduled()).isEqualTo(1);
      assertThat(store.loadDirectory().lastScheduled()).isEqualTo(9);
      closeAndOpen();
    }
    // Scheduled and removed in one batch.
    ScheduledMessage third = scheduled(LOG, 10, 5);
    commit(schedule(third), unschedule(second, third));
    assertThat(store.countScheduled()).isZero();
    assertThat(allScheduled()).isEmpty();
    assertThat(store.loadDirectory().lastScheduled()).isEqualTo(10);
  }

  @Test
  void scheduledThatIsDue_leavesInTheBatchThatAppendsIt() throws Exception {
    LogWriter log = new LogWriter(LOG);
    List<ScheduledMessage> waiting = new ArrayList<>();
    for (int i = 1; i <= 100; i++) {
      waiting.add(scheduled(LOG, i, 1000 + i));
    }
    commit(new MessagesScheduled(log.slot, waiting));
    AtomicBoolean done = new AtomicBoolean();
    Callable<Void> reader =
        () -> {
          while (!done.get()) {
            // Never fewer: what has left the schedule is in its log.
            int left = allScheduledOf(LOG).size();
            assertThat(left + readAll(LOG).size()).isGreaterThanOrEqualTo(100);
            assertThat(allScheduled().size()).isLessThanOrEqualTo(left);
          }
          return null;
        };
    try (ExecutorService pool = Executors.newFixedThreadPool(1)) {
      Future<Void> reading = pool.submit(reader);
      for (ScheduledMessage due : waiting) {
        commit(unschedule(due), log.append(1));
      }
      done.set(true);
      reading.get(20, TimeUnit.SECONDS);
    }
    assertThat(store.countScheduled()).isZero();
    assertThat(readAll(LOG)).hasSize(100);
  }

  @Test
  void scheduled_ofAStaleSlot_areRefused() throws Exception {
    ScheduledMessage own = scheduled(1, 1, 1000);
    ScheduledMessage stale = scheduled(2, 2, 1000);
    assertThat(own.slot()).isNotEqualTo(stale.slot());
    commit(schedule(own), schedule(stale));
    SlotSet taken = SlotSet.range(stale.slot(), stale.slot() + 1);
    store.openSlots(taken);
    SlotSet refused =
        commit(
            schedule(scheduled(2, 50, 1000)),
            unschedule(stale),
            schedule(scheduled(1, 3, 2000)),
            unschedule(own));
    assertThat(refused).isEqualTo(taken);
    assertThat(allScheduled()).containsExactly(stale, scheduled(1, 3, 2000));
    assertThat(store.countScheduled()).isEqualTo(2);
    assertThat(store.loadDirectory().lastScheduled()).isGreaterThanOrEqualTo(3);
  }

  @Test
  void scheduled_surviveReopen_alsoLargeOnes() throws Exception {
    byte[] large = new byte[3 << 20];
    for (int i = 0; i < large.length; i++) {
      large[i] = (byte) (' ' + (i * 31 + (i >>> 9)) % 90);
    }
    ScheduledMessage big =
        new ScheduledMessage(
            "größe",
            LOG,
            2,
            new NewMessage(
                Payload.wrap(large), Payload.of("{}"), Message.NEVER, Ordering.NONE, 1000));
    ScheduledMessage small = scheduled("größe", LOG, 3, 1000);
    commit(schedule(big, small));
    for (int round = 0; round < 2; round++) {
      store.reopen();
      assertThat(allScheduled()).containsExactly(big, small);
      assertThat(allScheduledOf(LOG)).containsExactly(big, small);
      assertThat(store.readScheduledOf(LOG, ScheduledId.FIRST, 0, 9, 1 << 20)).containsExactly(big);
    }
  }

  @Test
  void removedTopic_leavesItsScheduledMessagesToTheirOwnRecords() throws Exception {
    ScheduledMessage message = scheduled("a", LOG, 1, 1000);
    commit(new EntryPut(topic("a", LOG)), schedule(message));
    commit(new EntryRemoved(topic("a", LOG)));
    assertThat(allScheduledOf(LOG)).containsExactly(message);
    commit(unschedule(message));
    assertThat(store.countScheduled()).isZero();
  }

  // Deliveries and dead letters

  private static final int SUBSCRIPTION = LOG + 20;

  private static Subscription subscription(String id, int number) {
    return new Subscription(
        id,
        number,
        "topic-" + LOG,
        LOG,
        "owner",
        Optional.of(Payload.of("{\"k\": [\"<é>\", 1]}")),
        new DeliveryPolicy(5, 5_000, 300_000, OptionalLong.of(7)),
        3,
        1_700_000_000_000L);
  }

  private static final int SUBSCRIPTION_SLOT = subscription("any", SUBSCRIPTION).slot();

  private static DeliveryChange change(long ordinal, boolean whole) {
    return new DeliveryChange(
        ordinal,
        whole,
        ordinal * 10,
        ordinal * 9,
        new DeliveryChange.Totals(ordinal, 2, Long.MAX_VALUE),
        List.of(new SequenceRange(1, 1), new SequenceRange(5, 1L << 47)),
        List.of(
            new DeliveryChange.Outstanding(
                new SequenceRange(2, 3), 2, ordinal, 1_700_000_000_000L, 60_000, false),
            new DeliveryChange.Outstanding(new SequenceRange(4, 4), 0, 0, -5, 0, true)),
        List.of(new DeliveryChange.Dead(new SequenceRange(7, 9), 5)));
  }

  @Test
  void loadDeliveries_keepsWhatWasAskedOfTheOrder() throws Exception {
    List<Ordering> three =
        List.of(
            Ordering.NONE,
            new Ordering("k", 9),
            Ordering.ofKey("é".repeat(Ordering.MAX_KEY_BYTES / 2)));
    DeliveryChange change =
        new DeliveryChange(
            1,
            false,
            20,
            19,
            DeliveryChange.Totals.NONE,
            List.of(),
            List.of(
                new DeliveryChange.Outstanding(
                    new SequenceRange(2, 4), 1, 1, 1_700_000_000_000L, 60_000, false, three),
                new DeliveryChange.Outstanding(
                    new SequenceRange(5, 5), 1, 0, 0, 0, true, List.of(Ordering.ofPriority(3))),
                new DeliveryChange.Outstanding(new SequenceRange(6, 9), 1, 0, 0, 0, true)),
            List.of(
                new DeliveryChange.Dead(new SequenceRange(10, 12), 5, three),
                new DeliveryChange.Dead(new SequenceRange(13, 1L << 40), 1),
                new DeliveryChange.Dead(
                    new SequenceRange(1L << 41, 1L << 41),
                    Integer.MAX_VALUE,
                    List.of(Ordering.ofKey("z")))));
    commit(new DeliveryChanged(SUBSCRIPTION_SLOT, SUBSCRIPTION, change));
    for (int time = 0; time < 2; time++) {
      assertThat(store.loadDeliveries(SUBSCRIPTION)).containsExactly(change);
      closeAndOpen();
    }
  }

  private static DeliveryChanged changed(int number, long ordinal, boolean whole) {
    return new DeliveryChanged(SUBSCRIPTION_SLOT, number, change(ordinal, whole));
  }

  @Test
  void subscriptions_areEntries_withEveryField() throws Exception {
    Subscription full = subscription("größe", SUBSCRIPTION);
    Subscription bare =
        new Subscription(
            "bare",
            SUBSCRIPTION + 1,
            "topic-" + LOG,
            LOG,
            "",
            Optional.empty(),
            new DeliveryPolicy(1, 0, 0, OptionalLong.empty()),
            1,
            0);
    commit(new EntryPut(full), new EntryPut(bare));
    commit(new EntryPut(full.with(bare.policy())));
    closeAndOpen();
    assertThat(store.loadDirectory().all(Subscription.class))
        .containsExactlyInAnyOrder(full.with(bare.policy()), bare);
    assertThat(store.loadDirectory().lastIncarnation()).isGreaterThanOrEqualTo(SUBSCRIPTION + 1);
  }

  @Test
  void loadDeliveries_returnsTheChangesInTheirOrder_thoseOfTheNumberAlone() throws Exception {
    assertThat(store.loadDeliveries(SUBSCRIPTION)).isEmpty();
    List<DeliveryChange> expected = new ArrayList<>();
    // Past where a number takes one more byte.
    for (long ordinal = 1; ordinal <= 300; ordinal += 3) {
      commit(
          changed(SUBSCRIPTION, ordinal, false),
          changed(SUBSCRIPTION + 1, ordinal, false),
          changed(SUBSCRIPTION, ordinal + 1, false));
      commit(changed(SUBSCRIPTION, ordinal + 2, false));
      for (int i = 0; i < 3; i++) {
        expected.add(change(ordinal + i, false));
      }
    }
    for (int time = 0; time < 2; time++) {
      assertThat(store.loadDeliveries(SUBSCRIPTION)).isEqualTo(expected);
      assertThat(store.loadDeliveries(SUBSCRIPTION + 1)).hasSize(100);
      assertThat(store.loadDeliveries(SUBSCRIPTION - 1)).isEmpty();
      assertThat(store.loadDeliveries(SUBSCRIPTION + 2)).isEmpty();
      closeAndOpen();
    }
  }

  @Test
  void wholeChange_replacesThoseBeforeIt_alsoOfItsOwnBatch() throws Exception {
    commit(changed(SUBSCRIPTION, 1, false), changed(SUBSCRIPTION + 1, 1, false));
    commit(
        changed(SUBSCRIPTION, 2, false),
        changed(SUBSCRIPTION, 3, true),
        changed(SUBSCRIPTION, 4, false));
    for (int time = 0; time < 2; time++) {
      assertThat(store.loadDeliveries(SUBSCRIPTION))
          .containsExactly(change(3, true), change(4, false));
      assertThat(store.loadDeliveries(SUBSCRIPTION + 1)).containsExactly(change(1, false));
      closeAndOpen();
    }
    commit(changed(SUBSCRIPTION, 5, true));
    assertThat(store.loadDeliveries(SUBSCRIPTION)).containsExactly(change(5, true));
  }

  @Test
  void changesOfAStaleSlot_areLeftOut() throws Exception {
    commit(changed(SUBSCRIPTION, 1, false), kept(2, 4));
    store.openSlots(SlotSet.range(SUBSCRIPTION_SLOT, SUBSCRIPTION_SLOT + 1));
    SlotSet refused =
        commit(changed(SUBSCRIPTION, 2, true), kept(6), removed(new SequenceRange(1, 9)));
    assertThat(refused).isEqualTo(SlotSet.range(SUBSCRIPTION_SLOT, SUBSCRIPTION_SLOT + 1));
    assertThat(store.loadDeliveries(SUBSCRIPTION)).containsExactly(change(1, false));
    assertThat(readAll(SUBSCRIPTION)).containsExactly(message(2), message(4));
  }

  private static DeadLettersKept kept(long... sequences) {
    List<Message> messages = new ArrayList<>();
    for (long sequence : sequences) {
      messages.add(message(sequence));
    }
    return new DeadLettersKept(SUBSCRIPTION_SLOT, SUBSCRIPTION, messages);
  }

  private static DeadLettersRemoved removed(SequenceRange... ranges) {
    return new DeadLettersRemoved(SUBSCRIPTION_SLOT, SUBSCRIPTION, List.of(ranges));
  }

  @Test
  void deadLetters_areReadUnderTheSubscriptionsNumber_withHoles() throws Exception {
    // The later ones first: copies come in the order of dying, not of publishing.
    commit(kept(1L << 40), kept(12, 13, 15));
    commit(kept(3), kept(9));
    commit(kept(12));
    List<Long> all = List.of(3L, 9L, 12L, 13L, 15L, 1L << 40);
    for (int time = 0; time < 2; time++) {
      assertThat(readAll(SUBSCRIPTION)).isEqualTo(messages(all));
      assertThat(store.read(SUBSCRIPTION, 4, 1, 1 << 20).messages()).containsExactly(message(9));
      assertThat(store.read(SUBSCRIPTION, 12, 2, 1 << 20).messages())
          .containsExactly(message(12), message(13));
      assertThat(store.read(SUBSCRIPTION, 12, 9, 1).messages()).containsExactly(message(12));
      assertThat(store.read(SUBSCRIPTION, 16, 9, 1).messages()).containsExactly(message(1L << 40));
      assertThat(store.read(SUBSCRIPTION, (1L << 40) + 1, 9, 1).messages()).isEmpty();
      assertThat(readAll(SUBSCRIPTION + 1)).isEmpty();
      assertThat(readAll(SUBSCRIPTION - 1)).isEmpty();
      closeAndOpen();
    }
  }

  private static List<Message> messages(List<Long> sequences) {
    return sequences.stream().map(StoreContract::message).toList();
  }

  @Test
  void deadLetters_areRemovedOneByOne_andByRange() throws Exception {
    commit(kept(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    commit(removed(new SequenceRange(2, 2), new SequenceRange(4, 6), new SequenceRange(90, 99)));
    assertThat(readAll(SUBSCRIPTION)).isEqualTo(messages(List.of(1L, 3L, 7L, 8L, 9L, 10L)));
    // Kept and removed in one batch, and kept again after it was removed.
    commit(kept(20), removed(new SequenceRange(9, 20)), kept(10));
    closeAndOpen();
    assertThat(readAll(SUBSCRIPTION)).isEqualTo(messages(List.of(1L, 3L, 7L, 8L, 10L)));
    commit(kept(2), removed(new SequenceRange(1, 1)));
    assertThat(readAll(SUBSCRIPTION)).isEqualTo(messages(List.of(2L, 3L, 7L, 8L, 10L)));
  }

  @Test
  void removedSubscription_isGoneWithItsDeliveriesAndDeadLetters_thoseOfOthersStay()
      throws Exception {
    Subscription old = subscription("s", SUBSCRIPTION);
    Subscription fresh = subscription("s", SUBSCRIPTION + 1);
    LogWriter log = new LogWriter(LOG);
    commit(new EntryPut(topic("topic-" + LOG, LOG)), log.append(3), new EntryPut(old));
    commit(changed(SUBSCRIPTION, 1, false), kept(1, 2));
    commit(
        changed(SUBSCRIPTION, 2, false),
        kept(3),
        new EntryRemoved(old),
        new EntryPut(fresh),
        changed(SUBSCRIPTION + 1, 1, false));
    for (int time = 0; time < 2; time++) {
      assertThat(store.loadDeliveries(SUBSCRIPTION)).isEmpty();
      assertThat(readAll(SUBSCRIPTION)).isEmpty();
      assertThat(store.loadDeliveries(SUBSCRIPTION + 1)).containsExactly(change(1, false));
      assertThat(store.loadDirectory().all(Subscription.class)).containsExactly(fresh);
      assertThat(readAll(LOG)).isEqualTo(log.written);
      closeAndOpen();
    }
  }

  // Backups

  @Test
  void backup_isThereAsAWhole_orRefusedWithAReason() throws Exception {
    commit(new LogWriter(LOG).append(20), new EntryPut(topic("a", LOG)));
    Path target = backups.resolve("first");
    switch (store.backup(target)) {
      case BackupResult.Written(Path directory, int files, long bytes) -> {
        assertThat(directory).isEqualTo(target);
        assertThat(files).isPositive();
        assertThat(bytes).isPositive();
        assertThat(backups).isDirectoryContaining("glob:**/first");
        assertThat(backups.toFile().list()).containsExactly("first");
      }
      case BackupResult.Refused(String detail) -> {
        assertThat(detail).contains("expected:");
        assertThat(backups).isEmptyDirectory();
      }
    }
    commit(new EntryPut(topic("b", LOG + 1)));
    assertThat(store.loadDirectory().all(Topic.class)).hasSize(2);
  }

  @Test
  void backup_ontoSomethingElse_isRefusedAndLeavesItAlone() throws Exception {
    Path file = Files.writeString(backups.resolve("file"), "mine");
    assertThat(store.backup(backups)).isInstanceOf(BackupResult.Refused.class);
    assertThat(store.backup(file)).isInstanceOf(BackupResult.Refused.class);
    assertThat(backups.toFile().list()).containsExactly("file");
    assertThat(file).hasContent("mine");
  }

  // Health and close

  @Test
  void health_ofAnOpenStore_isWritable() throws Exception {
    commit(new LogWriter(LOG).append(1));
    assertThat(store.health()).isEqualTo(StoreHealth.OK);
    store.reopen();
    assertThat(store.health()).isEqualTo(StoreHealth.OK);
  }

  @Test
  void afterClose_everyCallFailsAndHealthTells() throws Exception {
    commit(new LogWriter(LOG).append(1));
    store.close();
    List<Callable<?>> calls =
        List.of(
            () -> store.openSlots(SlotSet.ALL),
            () -> store.commit(new Batch(LANE, epoch, 2, List.of())),
            () -> store.wasCommitted(LANE, epoch, 1),
            () -> store.extent(LOG),
            () -> store.read(LOG, 1, 1, 1),
            () -> store.runAt(LOG, 1),
            () -> store.loadDirectory(),
            () -> store.loadDeliveries(LOG),
            () -> store.readScheduled(SlotSet.ALL, ScheduledId.FIRST, 1, 1, 1),
            () -> store.readScheduledOf(LOG, ScheduledId.FIRST, 0, 1, 1),
            () -> store.countScheduled(),
            () -> store.backup(backups.resolve("late")),
            () -> {
              store.reopen();
              return 0;
            });
    for (Callable<?> call : calls) {
      assertThatThrownBy(call::call)
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("close");
    }
    assertThat(store.health().writable()).isFalse();
    assertThat(store.health().detail()).contains("closed");
    store.close();
  }

  // Threads

  @Test
  void reads_duringCommits_seeWholeBatches() throws Exception {
    LogWriter log = new LogWriter(LOG);
    AtomicBoolean done = new AtomicBoolean();
    AtomicInteger pages = new AtomicInteger();
    Callable<Void> reader =
        () -> {
          long last = 0;
          boolean again = true;
          while (again) {
            again = !done.get();
            List<Message> page = store.read(LOG, 1, Integer.MAX_VALUE, Long.MAX_VALUE).messages();
            assertThat(page.size() % 10).isZero();
            assertThat(page.size()).isGreaterThanOrEqualTo((int) last);
            for (int i = (int) last; i < page.size(); i++) {
              assertThat(page.get(i)).isEqualTo(message(i + 1));
            }
            last = page.size();
            assertThat((store.extent(LOG).nextSequence() - 1) % 10).isZero();
            pages.incrementAndGet();
          }
          return null;
        };
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      List<Future<Void>> readers = List.of(pool.submit(reader), pool.submit(reader));
      for (int i = 0; i < 100; i++) {
        commit(log.append(7), log.append(3));
      }
      done.set(true);
      for (Future<Void> future : readers) {
        future.get(20, TimeUnit.SECONDS);
      }
    }
    assertThat(pages.get()).isGreaterThanOrEqualTo(2);
    assertThat(readAll(LOG)).isEqualTo(log.written);
  }

  @Test
  void reads_duringReopen_areRightOrFailWithStoreException() throws Exception {
    LogWriter log = new LogWriter(LOG);
    commit(log.append(50), new EntryPut(topic("a", LOG)));
    AtomicBoolean done = new AtomicBoolean();
    Callable<Void> reader =
        () -> {
          while (!done.get()) {
            try {
              assertThat(readAll(LOG)).isEqualTo(log.written);
              assertThat(store.extent(LOG)).isEqualTo(log.extent(1));
              assertThat(store.runAt(LOG, 20)).isPresent();
              assertThat(store.loadDirectory().all(Topic.class)).hasSize(1);
              assertThat(store.health().detail()).isNotEmpty();
            } catch (StoreException e) {
              assertThat(e).hasMessageContaining("open");
            }
          }
          return null;
        };
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      List<Future<Void>> readers = List.of(pool.submit(reader), pool.submit(reader));
      for (int i = 0; i < 10; i++) {
        store.reopen();
        commit();
      }
      done.set(true);
      for (Future<Void> future : readers) {
        future.get(20, TimeUnit.SECONDS);
      }
    }
    assertThat(readAll(LOG)).isEqualTo(log.written);
  }
}
