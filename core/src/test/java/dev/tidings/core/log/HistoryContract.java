// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.log.History.Gap;
import dev.tidings.core.log.History.Order;
import dev.tidings.core.log.History.Page;
import dev.tidings.core.log.History.Question;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CrankedExecutor;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord.LogTrimmed;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongPredicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What [History] promises, on any store: a test class says how one is opened.
public abstract class HistoryContract {
  /// The log the tests read.
  protected static final int LOG = 7;

  private static final int OTHER_LOG = 8;
  private static final int SLOT = 1;

  /// Reads of the store one page may cost besides looks for runs, as the limit in the code has it.
  private static final int MAX_READS = 40;

  /// Looks for a run that one hole may cost: a doubling and a halving way over 48 bits, and the
  /// read that met it.
  private static final int LOOKS_PER_HOLE = 100;

  private final ManualTime time = new ManualTime();
  private final Logs logs = new Logs();
  private final CrankedExecutor home = new CrankedExecutor("home");
  private final CrankedExecutor blocking = new CrankedExecutor("blocking");

  private ScriptedReads store;
  private History history;
  private long epoch;
  private long batches;

  // The log as the tests have written it.
  private long next = 1;
  private long messagesEver;
  private long bytesEver;
  private long firstRetained = 1;
  private final List<Message> written = new ArrayList<>();

  /// Opens an empty store.
  protected abstract Store open() throws Exception;

  @BeforeEach
  final void openStore() throws Exception {
    store = new ScriptedReads(open());
    history = new History(store, logs, blocking, time);
    epoch = store.openSlots(SlotSet.ALL);
  }

  @AfterEach
  final void closeStore() throws StoreException {
    store.fails = false;
    store.close();
  }

  // ---- writing ----

  private Message message(Payload payload, long expiresAt) {
    return new Message(
        next++, ManualTime.BEGINNING_MS + written.size(), expiresAt, payload, Payload.EMPTY);
  }

  private void append(int count) throws StoreException {
    append(count, Message.NEVER, Payload.of("1234567890"));
  }

  private void append(int count, long expiresAt, Payload payload) throws StoreException {
    List<Message> run = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      run.add(message(payload, expiresAt));
      written.add(run.getLast());
    }
    store.commit(
        new Batch(
            0,
            epoch,
            ++batches,
            List.of(new MessagesAppended(SLOT, LOG, messagesEver, bytesEver, run))));
    messagesEver += count;
    bytesEver += (long) count * payload.size();
  }

  private void appendExpired(int count) throws StoreException {
    append(count, time.wallMs(), Payload.of("1234567890"));
  }

  /// The log goes on so much higher.
  private void skip(long sequences) {
    next += sequences;
  }

  private void trim(long to) throws StoreException {
    firstRetained = Math.max(firstRetained, to);
    store.commit(new Batch(0, epoch, ++batches, List.of(new LogTrimmed(SLOT, LOG, to))));
  }

  // ---- asking ----

  private <T> Outcome<T> settled(List<Outcome<T>> replies) {
    boolean more = true;
    while (more) {
      more = blocking.runOne() || home.runOne();
    }
    assertThat(replies).hasSize(1);
    return replies.getFirst();
  }

  private static <T> T done(Outcome<T> outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return ((Outcome.Done<T>) outcome).result();
  }

  private static Refusal.Code refused(Outcome<?> outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Refused.class);
    return ((Outcome.Refused<?>) outcome).refusal().code();
  }

  private Outcome<Page> ask(Order order, Optional<MessageId> after, int limit) {
    List<Outcome<Page>> replies = new ArrayList<>();
    history.page(new Question(LOG, order, after, limit), home, replies::add);
    return settled(replies);
  }

  private Page page(Order order, int limit) {
    return done(ask(order, Optional.empty(), limit));
  }

  private Page page(Order order, long after, int limit) {
    return done(ask(order, Optional.of(id(after)), limit));
  }

  private static MessageId id(long sequence) {
    return new MessageId(ManualTime.BEGINNING_MS, sequence, LOG);
  }

  private List<Long> after(Long... sequences) {
    List<Outcome<List<Long>>> replies = new ArrayList<>();
    history.messagesAfter(LOG, List.of(sequences), home, replies::add);
    return done(settled(replies));
  }

  /// Every page from one end of the log to the other.
  private List<Page> pages(Order order, int limit) {
    return pages(order, limit, Integer.MAX_VALUE);
  }

  /// As above, and each has read the store at most so often.
  private List<Page> pages(Order order, int limit, int maxReads) {
    List<Page> pages = new ArrayList<>();
    Optional<MessageId> after = Optional.empty();
    do {
      store.reads = 0;
      Page page = done(ask(order, after, limit));
      assertThat(store.reads).isLessThanOrEqualTo(maxReads);
      assertThat(page.messages()).hasSizeLessThanOrEqualTo(limit);
      assertThat(page.next()).isNotEqualTo(after);
      pages.add(page);
      after = page.next();
    } while (after.isPresent());
    return pages;
  }

  private static List<Message> messages(List<Page> pages) {
    return pages.stream().flatMap(page -> page.messages().stream()).toList();
  }

  private static List<Long> sequences(Page page) {
    return page.messages().stream().map(Message::sequence).toList();
  }

  private static List<Long> sequences(List<Page> pages) {
    return messages(pages).stream().map(Message::sequence).toList();
  }

  private static List<Long> gapsOf(Page page) {
    return page.gaps().stream()
        .flatMap(gap -> LongStream.of(gap.from().sequence(), gap.to().sequence()).boxed())
        .toList();
  }

  private static List<Long> range(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private List<Message> retained() {
    return written.stream().filter(message -> message.sequence() >= firstRetained).toList();
  }

  // ---- pages ----

  @ParameterizedTest
  @EnumSource(Order.class)
  void emptyLog_hasAnEmptyPage(Order order) {
    Page page = page(order, 10);

    assertThat(page).isEqualTo(new Page(List.of(), List.of(), 0, Optional.empty()));
    assertThat(page(order, 0, 10)).isEqualTo(page);
    assertThat(after(0L, 5L)).containsExactly(0L, 0L);
  }

  @Test
  void pages_goFromEitherEnd() throws Exception {
    append(4);
    append(1);
    append(5);

    Page oldest = page(Order.ASCENDING, 3);
    assertThat(sequences(oldest)).containsExactly(1L, 2L, 3L);
    assertThat(oldest.next()).contains(MessageId.of(written.get(2), LOG));
    assertThat(oldest.retained()).isEqualTo(10);
    Page newest = page(Order.DESCENDING, 3);
    assertThat(sequences(newest)).containsExactly(10L, 9L, 8L);
    assertThat(newest.next()).contains(MessageId.of(written.get(7), LOG));
    assertThat(newest.retained()).isEqualTo(10);

    assertThat(sequences(page(Order.ASCENDING, 3, 4))).containsExactly(4L, 5L, 6L, 7L);
    assertThat(sequences(page(Order.DESCENDING, 8, 4))).containsExactly(7L, 6L, 5L, 4L);
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 10, 11})
  void limitAroundTheNumberOfMessages_goesOnUntilAnEmptyPage(int limit) throws Exception {
    append(10);

    for (Order order : Order.values()) {
      List<Page> pages = pages(order, limit);
      assertThat(pages).hasSize(limit < 10 ? 3 : 2);
      assertThat(pages.getLast().messages()).isEmpty();
      assertThat(messages(pages)).containsExactlyInAnyOrderElementsOf(written);
    }
  }

  @Test
  void endOfTheLog_isAPlaceToGoOnFrom() throws Exception {
    append(2);
    Page page = page(Order.ASCENDING, 10);
    append(2);

    assertThat(sequences(done(ask(Order.ASCENDING, page.next(), 10)))).containsExactly(3L, 4L);
  }

  @Test
  void placeBeforeEverything_isBeforeTheFirst() throws Exception {
    append(2);
    Optional<MessageId> before = Optional.of(new MessageId(5, 0, 0));

    assertThat(sequences(done(ask(Order.ASCENDING, before, 10)))).containsExactly(1L, 2L);
    assertThat(done(ask(Order.DESCENDING, before, 10)).messages()).isEmpty();
  }

  @Test
  void idThisLogNeverGave_readsFromTheEndTheOrderBeginsWith() throws Exception {
    append(3);
    for (MessageId never : List.of(id(4), new MessageId(5, 2, OTHER_LOG))) {
      assertThat(sequences(done(ask(Order.ASCENDING, Optional.of(never), 10))))
          .containsExactly(1L, 2L, 3L);
      assertThat(sequences(done(ask(Order.DESCENDING, Optional.of(never), 10))))
          .containsExactly(3L, 2L, 1L);
    }
  }

  // ---- what is left out ----

  @Test
  void expiredMessages_areLeftOut_butRetained() throws Exception {
    append(2);
    appendExpired(3);
    append(2);

    assertThat(sequences(page(Order.ASCENDING, 3))).containsExactly(1L, 2L, 6L);
    assertThat(sequences(page(Order.DESCENDING, 3))).containsExactly(7L, 6L, 2L);
    assertThat(page(Order.ASCENDING, 10).gaps()).isEmpty();
    assertThat(page(Order.ASCENDING, 10).retained()).isEqualTo(7);
    assertThat(after(2L)).containsExactly(5L);
  }

  @Test
  void expiredMessagesAlone_endTheLog() throws Exception {
    appendExpired(3);

    assertThat(page(Order.ASCENDING, 10).next()).isEmpty();
    assertThat(page(Order.DESCENDING, 10).next()).isEmpty();
  }

  /// More than a page looks at: it comes back short, and the client goes on.
  @ParameterizedTest
  @EnumSource(Order.class)
  void manyExpiredMessages_costBoundedWorkAPage(Order order) throws Exception {
    append(1);
    for (int i = 0; i < 30; i++) {
      appendExpired(1000);
    }
    append(1);

    List<Page> pages = pages(order, 10, MAX_READS + 4);

    assertThat(pages.size()).isBetween(3, 6);
    assertThat(messages(pages)).containsExactlyInAnyOrder(written.getFirst(), written.getLast());
    assertThat(pages).allSatisfy(page -> assertThat(page.gaps()).isEmpty());
  }

  @Test
  void trimmedMessages_areAGapToWhoStoodBeforeThem() throws Exception {
    append(5);
    append(5);
    trim(8);

    Page page = page(Order.ASCENDING, 3, 10);
    assertThat(sequences(page)).containsExactly(8L, 9L, 10L);
    assertThat(gapsOf(page)).containsExactly(3L, 8L);
    assertThat(page.retained()).isEqualTo(3);
    assertThat(page(Order.ASCENDING, 7, 10).gaps()).isEmpty();
    assertThat(page(Order.ASCENDING, 10).gaps()).isEmpty();
    assertThat(sequences(page(Order.DESCENDING, 10))).containsExactly(10L, 9L, 8L);
    assertThat(page(Order.DESCENDING, 8, 10).next()).isEmpty();
    assertThat(after(0L, 7L, 8L, 10L)).containsExactly(3L, 3L, 2L, 0L);
  }

  @Test
  void everythingTrimmed_leavesNothing() throws Exception {
    append(5);
    trim(6);

    for (Order order : Order.values()) {
      assertThat(page(order, 10)).isEqualTo(new Page(List.of(), List.of(), 0, Optional.empty()));
      assertThat(page(order, 3, 10).messages()).isEmpty();
    }
    assertThat(after(0L)).containsExactly(0L);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 300, LogExtent.LAPSE_STEP, 1L << 32, 1L << 47})
  void hole_isLeaptOver_toldAndNotCounted(long hole) throws Exception {
    append(3);
    skip(hole);
    append(3);
    long first = 4 + hole;

    store.reads = 0;
    Page back = page(Order.DESCENDING, 10);
    assertThat(sequences(back)).containsExactly(first + 2, first + 1, first, 3L, 2L, 1L);
    assertThat(gapsOf(back)).containsExactly(3L, first);
    assertThat(store.reads).isLessThan(LOOKS_PER_HOLE);
    Page forth = page(Order.ASCENDING, 10);
    assertThat(sequences(forth)).containsExactly(1L, 2L, 3L, first, first + 1, first + 2);
    assertThat(gapsOf(forth)).containsExactly(3L, first);
    assertThat(forth.retained()).isEqualTo(6);
    assertThat(after(0L, 3L, 3 + hole, first)).containsExactly(6L, 3L, 3L, 2L);
    // Places within the hole, as a page that was cut short there tells them.
    long within = 4 + hole / 2;
    assertThat(sequences(page(Order.ASCENDING, within - 1, 1))).containsExactly(first);
    assertThat(sequences(page(Order.DESCENDING, within, 1))).containsExactly(3L);
  }

  @Test
  void manyHoles_costBoundedWorkAPage() throws Exception {
    for (int i = 0; i < 100; i++) {
      append(1);
      skip(LogExtent.LAPSE_STEP);
    }

    List<Page> pages = pages(Order.DESCENDING, 100, MAX_READS * LOOKS_PER_HOLE);

    assertThat(messages(pages).reversed()).isEqualTo(written);
    assertThat(pages(Order.ASCENDING, 100).getFirst().gaps()).hasSize(99);
    assertThat(after(0L)).containsExactly(100L);
  }

  /// After a lapse the log goes on higher although nothing has been appended yet.
  @ParameterizedTest
  @ValueSource(ints = {1, 4096})
  void holeAtTheEnd_isLeaptOver(int lapses) throws Exception {
    append(300);
    store.lapses = lapses;

    store.reads = 0;
    Page page = page(Order.DESCENDING, 100);
    assertThat(store.reads).isLessThan(LOOKS_PER_HOLE);
    assertThat(sequences(page)).isEqualTo(range(201, 300).reversed());
    assertThat(page.retained()).isEqualTo(300);
    assertThat(page.gaps()).isEmpty();
    assertThat(sequences(pages(Order.ASCENDING, 100))).isEqualTo(range(1, 300));
    assertThat(after(299L, 300L, 1000L)).containsExactly(1L, 0L, 0L);
  }

  @Test
  void damagedMessages_areGaps() throws Exception {
    append(4);
    append(4);
    append(4);
    LongPredicate second = sequence -> sequence == 2;
    store.damaged = second.or(sequence -> sequence > 4 && sequence <= 8);

    Page forth = page(Order.ASCENDING, 20);
    assertThat(sequences(forth)).containsExactly(1L, 3L, 4L, 9L, 10L, 11L, 12L);
    assertThat(gapsOf(forth)).containsExactly(1L, 3L, 4L, 9L);
    Page back = page(Order.DESCENDING, 20);
    assertThat(back.messages()).isEqualTo(forth.messages().reversed());
    assertThat(gapsOf(back)).containsExactly(4L, 9L, 1L, 3L);
    assertThat(back.next()).map(MessageId::sequence).contains(1L);
  }

  @Test
  void whatIsNotDurable_isHidden() throws Exception {
    append(5);
    LogExtent durable = store.extent(LOG);
    append(1);
    append(3);
    logs.put(new TopicLog("t", LOG, durable, new HotTier(1 << 20)));

    assertThat(sequences(page(Order.ASCENDING, 10))).isEqualTo(range(1, 5));
    assertThat(sequences(page(Order.DESCENDING, 10))).isEqualTo(range(1, 5).reversed());
    assertThat(page(Order.ASCENDING, 5, 10).messages()).isEmpty();
    assertThat(page(Order.ASCENDING, 10).retained()).isEqualTo(5);
    assertThat(after(0L, 4L, 5L, 7L)).containsExactly(5L, 1L, 0L, 0L);
  }

  // ---- places by time ----

  private long firstAtOrAfter(long timestamp) {
    List<Outcome<Long>> replies = new ArrayList<>();
    history.firstAtOrAfter(LOG, timestamp, home, replies::add);
    return done(settled(replies));
  }

  @Test
  void firstAtOrAfter_findsEachMessageByItsTime_overRunsAndHoles() throws Exception {
    append(1);
    append(300);
    skip(1L << 30);
    append(2);
    append(40);
    for (Message message : written) {
      assertThat(firstAtOrAfter(message.timestamp())).isEqualTo(message.sequence());
    }
    assertThat(firstAtOrAfter(0)).isEqualTo(1);
    assertThat(firstAtOrAfter(written.getLast().timestamp() + 1)).isEqualTo(next);
  }

  @Test
  void firstAtOrAfter_ofWhatIsTrimmed_isTheFirstRetained() throws Exception {
    append(10);
    append(10);
    trim(8);
    assertThat(firstAtOrAfter(0)).isEqualTo(8);
    assertThat(firstAtOrAfter(written.get(7).timestamp())).isEqualTo(8);
    assertThat(firstAtOrAfter(written.get(12).timestamp())).isEqualTo(13);
  }

  @Test
  void firstAtOrAfter_ofAnEmptyLog_isItsNext() {
    assertThat(firstAtOrAfter(0)).isEqualTo(1);
  }

  @Test
  void firstAtOrAfter_passesOverNothingThatIsNotDurable() throws Exception {
    append(5);
    LogExtent durable = store.extent(LOG);
    append(3);
    logs.put(new TopicLog("t", LOG, durable, new HotTier(1 << 20)));
    assertThat(firstAtOrAfter(written.get(6).timestamp())).isEqualTo(6);
    assertThat(firstAtOrAfter(written.get(4).timestamp())).isEqualTo(5);
  }

  // ---- size ----

  @ParameterizedTest
  @ValueSource(ints = {40_000, 200_000, 1 << 20, 5 << 20})
  void largeMessages_fillAPageBeforeItsLimit(int size) throws Exception {
    Payload large = Payload.wrap(new byte[size]);
    for (int i = 0; i < 2; i++) {
      append(2, Message.NEVER, large);
      append(1);
      append(150);
      append(3, Message.NEVER, large);
    }
    for (Order order : Order.values()) {
      List<Page> pages = pages(order, 100);
      List<Message> all = messages(pages);
      assertThat(order == Order.ASCENDING ? all : all.reversed()).isEqualTo(written);
      assertThat(pages)
          .allSatisfy(page ->
              assertThat(page.messages().stream().mapToLong(Message::size).sum())
                  .isLessThan((4 << 20) + size));
    }
  }

  // ---- any log ----

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void anyLog_isTheSameBothWaysAndCountsRight(long seed) throws Exception {
    Random random = new Random(seed);
    for (int round = 0; round < 4; round++) {
      change(random);
      checkBothWays(random);
      checkCounts(random);
    }
  }

  private void change(Random random) throws StoreException {
    for (int i = 0; i < 15; i++) {
      switch (random.nextInt(6)) {
        case 0, 1 -> append(1 + random.nextInt(5));
        case 2 -> append(1 + random.nextInt(400));
        case 3 -> appendExpired(1 + random.nextInt(100));
        case 4 -> {
          // Only what follows an append is a hole.
          skip(random.nextBoolean() ? random.nextInt(600) : random.nextLong(1L << 33));
          append(1 + random.nextInt(3));
        }
        case 5 -> trimSome(random);
        default -> throw new AssertionError();
      }
    }
  }

  private void trimSome(Random random) throws StoreException {
    List<Message> retained = retained();
    if (retained.size() > 10) {
      trim(retained.get(random.nextInt(retained.size() / 4)).sequence());
    }
  }

  private void checkBothWays(Random random) {
    List<Message> expected =
        retained().stream().filter(message -> !message.expiredAt(time.wallMs())).toList();
    List<Page> forth = pages(Order.ASCENDING, 1 + random.nextInt(100));
    List<Page> back = pages(Order.DESCENDING, 1 + random.nextInt(100));

    assertThat(messages(forth)).isEqualTo(expected);
    assertThat(messages(back).reversed()).isEqualTo(expected);
    List<Gap> gaps = new ArrayList<>(holes());
    assertThat(forth.stream().flatMap(page -> page.gaps().stream())).isEqualTo(gaps);
    Collections.reverse(gaps);
    assertThat(back.stream().flatMap(page -> page.gaps().stream())).isEqualTo(gaps);
    forth.forEach(page -> assertThat(page.retained()).isEqualTo(retained().size()));
  }

  private List<Gap> holes() {
    List<Message> retained = retained();
    List<Gap> holes = new ArrayList<>();
    for (int i = 1; i < retained.size(); i++) {
      Message before = retained.get(i - 1);
      Message after = retained.get(i);
      if (after.sequence() > before.sequence() + 1) {
        holes.add(new Gap(MessageId.of(before, LOG), MessageId.of(after, LOG)));
      }
    }
    return holes;
  }

  private void checkCounts(Random random) {
    for (int i = 0; i < 20; i++) {
      long sequence =
          random.nextBoolean() && !written.isEmpty()
              ? written.get(random.nextInt(written.size())).sequence()
              : random.nextLong(next);
      long expected = retained().stream().filter(message -> message.sequence() > sequence).count();
      assertThat(after(sequence)).containsExactly(expected);
    }
  }

  // ---- trouble ----

  @Test
  void storeThatCannotBeRead_isToldWithoutItsWords() throws Exception {
    append(3);
    store.fails = true;
    assertThat(refused(ask(Order.ASCENDING, Optional.empty(), 1)))
        .isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(ask(Order.ASCENDING, Optional.empty(), 1).toString()).doesNotContain("disk");
    store.fails = false;
    store.crashes = true;
    assertThat(refused(ask(Order.DESCENDING, Optional.empty(), 1)))
        .isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    store.crashes = false;
    assertThat(page(Order.ASCENDING, 10).messages()).hasSize(3);
  }

  @Test
  void questionsBeyondTheBound_areRefused_andTakenAgainOnceOthersAreAnswered() throws Exception {
    append(1);
    List<Outcome<Page>> replies = new ArrayList<>();
    Question question = new Question(LOG, Order.ASCENDING, Optional.empty(), 1);
    for (int i = 0; i < History.MAX_IN_FLIGHT; i++) {
      history.page(question, home, replies::add);
    }
    blocking.runUntilIdle();
    List<Outcome<Page>> beyond = new ArrayList<>();
    history.page(question, home, beyond::add);
    home.runUntilIdle();

    assertThat(replies).hasSize(History.MAX_IN_FLIGHT).allSatisfy(HistoryContract::done);
    assertThat(refused(beyond.getFirst())).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(page(Order.ASCENDING, 1).messages()).hasSize(1);
  }

  @Test
  void readsThatAreNotTakenAnyMore_areRefused() throws Exception {
    History stopped =
        new History(
            store,
            logs,
            _ -> {
              throw new RejectedExecutionException("stopped");
            },
            time);
    for (int i = 0; i <= History.MAX_IN_FLIGHT; i++) {
      List<Outcome<List<Long>>> replies = new ArrayList<>();
      stopped.messagesAfter(LOG, List.of(0L), home, replies::add);
      assertThat(refused(settled(replies))).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    }
  }
}
