// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.CreateUser;
import dev.tidings.core.command.GrantAccess;
import dev.tidings.core.command.Publish;
import dev.tidings.core.command.TrimLog;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.FailingStore.Commit;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreHealth;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CommitLaneTest {
  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private final FailingStore store = new FailingStore(new MemoryStore(memory));
  private CrankedNode node;
  private CommitLane lane;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(store, 2);
    lane = node.node().lane();
  }

  private List<Long> sequences(Reply<Publish.Published> reply) {
    return CrankedNode.ids(reply.done()).stream().map(MessageId::sequence).toList();
  }

  private void settleAfter(Duration time) {
    node.time().advance(time);
    node.settle();
  }

  // ---- group commit ----

  @Test
  void commandsThatWait_shareOneBatch() {
    node.createTopic("t");
    store.batches.clear();
    for (int i = 0; i < 20; i++) {
      var _ = node.publish("t", "" + i);
    }
    node.settle();
    assertThat(store.batches).hasSize(1);
    assertThat(store.batches.getFirst().records()).hasSize(20);
  }

  @Test
  void batch_endsAtItsBoundOfMessages_whichOnlyASingleCommandExceeds() throws Exception {
    CrankedNode small = withBatches(new CommitLane.Limits(10, 1 << 20));
    var _ = small.createTopic("t");
    store.batches.clear();
    for (int size : new int[] {4, 4, 4, 25, 1}) {
      var _ = small.publish("t", numbered(size));
    }
    small.settle();
    assertThat(store.batches.stream().map(CommitLaneTest::messages)).containsExactly(8, 4, 25, 1);
  }

  @Test
  void batch_endsAtItsBoundOfBytes() throws Exception {
    CrankedNode small = withBatches(new CommitLane.Limits(1000, 3000));
    var _ = small.createTopic("t");
    store.batches.clear();
    for (int i = 0; i < 4; i++) {
      var _ = small.publish("t", "\"" + "x".repeat(1000) + "\"");
    }
    small.settle();
    assertThat(store.batches.stream().map(CommitLaneTest::messages)).containsExactly(2, 2);
  }

  private CrankedNode withBatches(CommitLane.Limits batch) throws Exception {
    return CrankedNode.on(
        store, 2, new Node.Limits(1 << 20, 1 << 20, 1000, 1 << 20, batch), new ManualTime());
  }

  private static String[] numbered(int count) {
    String[] payloads = new String[count];
    for (int i = 0; i < count; i++) {
      payloads[i] = "" + i;
    }
    return payloads;
  }

  private static int messages(dev.tidings.core.store.Batch batch) {
    return batch.records().stream()
        .mapToInt(record ->
            ((dev.tidings.core.store.StoreRecord.MessagesAppended) record).messages().size())
        .sum();
  }

  @Test
  void batchNumbers_rise() {
    node.createTopic("a");
    node.createTopic("b");
    assertThat(store.batches.stream().map(dev.tidings.core.store.Batch::number))
        .containsExactly(1L, 2L);
  }

  // ---- apply, persist, then show ----

  @Test
  void nothingIsAnsweredOrShown_beforeItIsDurable() {
    RecordingReader reader = node.open(1, "t", new Start.Last());
    var reply = node.publish("t", "1");
    node.settleExecutors();
    assertThat(reply.isAnswered()).isFalse();
    assertThat(reader.messages()).isEmpty();
    assertThat(node.node().directory().topic("t")).isEmpty();

    assertThat(lane.step()).isZero();
    assertThat(reply.isAnswered()).isFalse();
    assertThat(node.node().directory().topic("t")).isPresent();

    node.settle();
    assertThat(sequences(reply)).containsExactly(1L);
    assertThat(reader.texts()).containsExactly("1");
  }

  @Test
  void refusal_waitsForWhatItSaw() {
    var created = node.submit(new CreateTopic("t", "a", false, Optional.empty()));
    var refused = node.submit(new CreateTopic("t", "b", false, Optional.empty()));
    node.settleExecutors();
    assertThat(created.isAnswered()).isFalse();
    assertThat(refused.isAnswered()).isFalse();
    node.settle();
    assertThat(created.done().ownerId()).isEqualTo("a");
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.TOPIC_EXISTS);
  }

  @Test
  void refusal_ofWhatDidNotBecomeDurable_isNotGiven() {
    store.nextCommits(Commit.FAILS_BEFORE);
    var created = node.submit(new CreateTopic("t", "a", false, Optional.empty()));
    var refused = node.submit(new CreateTopic("t", "b", false, Optional.empty()));
    node.settle();
    assertThat(created.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
  }

  @Test
  void refusal_withNothingPending_isGivenAtOnce() {
    node.createTopic("t");
    store.batches.clear();
    var refused = node.submit(new CreateTopic("t", "b", false, Optional.empty()));
    node.settleExecutors();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.TOPIC_EXISTS);
    assertThat(store.batches).isEmpty();
  }

  @Test
  void replies_comeOnTheirHomeExecutor() {
    var onZero = node.submit(node.publishing("t", "1"), 0);
    var onOne = node.submit(node.publishing("u", "1"), 1);
    // Reply itself fails if it is called from elsewhere.
    node.settle();
    assertThat(CrankedNode.ids(onZero.done())).hasSize(1);
    assertThat(CrankedNode.ids(onOne.done())).hasSize(1);
  }

  // ---- failing ----

  @Test
  void failureBeforeTheEffect_refusesTheBatchAndThoseBehindIt_unsent() {
    Topic topic = node.createTopic("t");
    RecordingReader reader = node.open(1, "t", new Start.Last());
    node.settle();
    store.batches.clear();
    store.nextCommits(Commit.FAILS_BEFORE);
    var first = node.publish("t", "1");
    node.settleExecutors();
    assertThat(lane.step()).isZero();
    var behind = node.publish("t", "2");
    node.settle();

    assertThat(first.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(behind.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(store.batches).hasSize(2); // the failed one and the probe
    assertThat(store.batches.getLast().records()).isEmpty();
    assertThat(reader.messages()).isEmpty();
    assertThat(lane.status().accepting()).isTrue();

    var after = node.publish("t", "3");
    node.settle();
    assertThat(sequences(after)).containsExactly(1L);
    assertThat(reader.texts()).containsExactly("3");
    assertThat(reader.gapsBefore()).isEmpty();
    assertThat(node.node().directory().topic("t")).contains(topic);
  }

  @Test
  void failureAfterTheEffect_isAnsweredDoneAndDelivered() {
    node.createTopic("t");
    RecordingReader reader = node.open(1, "t", new Start.Last());
    node.settle();
    store.nextCommits(Commit.FAILS_AFTER);
    var first = node.publish("t", "1");
    node.settle();
    var second = node.publish("t", "2");
    node.settle();
    assertThat(sequences(first)).containsExactly(1L);
    assertThat(sequences(second)).containsExactly(2L);
    assertThat(reader.texts()).containsExactly("1", "2");
  }

  @Test
  void whatWasQueuedBehindAFailure_isUndone_whileWhatTurnedOutDurableStays() throws Exception {
    CrankedNode small = withBatches(new CommitLane.Limits(1, 1 << 20));
    var _ = small.createTopic("t");
    store.nextCommits(Commit.FAILS_AFTER);
    var first = small.publish("t", "1");
    var second = small.publish("t", "2");
    small.settle();
    assertThat(sequences(first)).containsExactly(1L);
    assertThat(second.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    var third = small.publish("t", "3");
    small.settle();
    assertThat(sequences(third)).containsExactly(2L);
  }

  @Test
  void revert_takesBackTopicsUsersGrantsAndLogs() {
    Topic kept = node.createTopic("kept");
    store.nextCommits(Commit.FAILS_BEFORE);
    var topic = node.submit(new CreateTopic("t", "a", false, Optional.empty()));
    var user = node.submit(new CreateUser(CrankedNode.user("ada", Permission.READ)));
    var grant = node.submit(new GrantAccess("kept", kept.incarnation(), "ada"));
    var implicit = node.publish("made-by-publishing", "1");
    node.settle();
    for (Reply<?> reply : List.of(topic, user, grant, implicit)) {
      assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    }
    assertThat(node.node().logsInMemory()).isEqualTo(1);

    Topic made = node.createTopic("t");
    assertThat(made.incarnation()).isGreaterThan(kept.incarnation());
    assertThat(node.createUser("ada").username()).isEqualTo("ada");
    var granted = node.submit(new GrantAccess("kept", kept.incarnation(), "ada"));
    var again = node.publish("made-by-publishing", "2");
    node.settle();
    assertThat(granted.done().grantees()).containsExactly("ada");
    assertThat(sequences(again)).containsExactly(1L);
  }

  @Test
  void whileTheStoreIsDown_commandsAreRefusedAtOnce_andMemoryStaysReadable() {
    var _ = node.publish("t", "1");
    node.settle();
    store.down = true;
    var failed = node.publish("t", "2");
    node.settle();
    assertThat(lane.status().accepting()).isFalse();
    var refused = node.publish("t", "3");
    node.settleExecutors();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(failed.isAnswered()).isFalse();

    RecordingReader reader = node.open(1, "t", new Start.Earliest());
    node.settle();
    assertThat(reader.texts()).containsExactly("1");

    store.down = false;
    settleAfter(Duration.ofSeconds(3));
    assertThat(failed.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(lane.status().accepting()).isTrue();
    assertThat(reader.texts()).containsExactly("1");
  }

  @ParameterizedTest
  @EnumSource(
      value = Commit.class,
      names = {"FAILS_BEFORE", "FAILS_AFTER"})
  void afterPatience_theOutcomeIsUnknown_andResolvesEitherWayLater(Commit outcome) {
    node.createTopic("t");
    RecordingReader reader = node.open(1, "t", new Start.Last());
    node.settle();
    store.nextCommits(outcome);
    var reply = node.publish("t", "1");
    node.settleExecutors();
    assertThat(lane.step()).isZero();
    store.down = true;
    node.settle();
    assertThat(reply.isAnswered()).isFalse();
    settleAfter(Duration.ofSeconds(3));
    assertThat(reply.isAnswered()).isFalse();
    settleAfter(Duration.ofSeconds(3));
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.OUTCOME_UNKNOWN);
    assertThat(reader.messages()).isEmpty();
    assertThat(node.node().backlog().commands()).isZero();

    store.down = false;
    settleAfter(Duration.ofSeconds(3));
    boolean durable = outcome == Commit.FAILS_AFTER;
    assertThat(reader.texts()).isEqualTo(durable ? List.of("1") : List.of());
    var next = node.publish("t", "2");
    node.settle();
    assertThat(sequences(next)).containsExactly(durable ? 2L : 1L);
    assertThat(reader.texts()).isEqualTo(durable ? List.of("1", "2") : List.of("2"));
  }

  /// A refusal that waited for the failed batch was never answered while the store stayed away.
  @Test
  void afterPatience_refusalsThatWaitedForTheBatch_areAnsweredToo() {
    var created = node.submit(new CreateTopic("t", "a", false, Optional.empty()));
    var refused = node.submit(new CreateTopic("t", "b", false, Optional.empty()));
    node.settleExecutors();
    store.down = true;
    node.settle();
    settleAfter(Duration.ofSeconds(6));
    settleAfter(Duration.ofSeconds(6));
    assertThat(created.refusal().code()).isEqualTo(Refusal.Code.OUTCOME_UNKNOWN);
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    store.down = false;
    settleAfter(Duration.ofSeconds(6));
    assertThat(lane.status().accepting()).isTrue();
  }

  /// The lane slept through the end of its callers' patience until the next attempt to reopen.
  @Test
  void resolving_sleepsNoLongerThanThePatience() {
    var _ = node.publish("t", "1");
    node.settleExecutors();
    store.down = true;
    long startNs = node.time().monotonicNs();
    long sleepNs = lane.step();
    while (node.time().monotonicNs() - startNs < CommitLane.RESOLVE_PATIENCE.toNanos()) {
      node.time().advance(Duration.ofNanos(sleepNs));
      sleepNs = lane.step();
    }
    assertThat(node.time().monotonicNs() - startNs)
        .isEqualTo(CommitLane.RESOLVE_PATIENCE.toNanos());
  }

  @Test
  void probing_goesOnUntilItSucceeds() {
    node.createTopic("t");
    store.nextCommits(Commit.FAILS_BEFORE, Commit.FAILS_BEFORE, Commit.FAILS_AFTER);
    var reply = node.publish("t", "1");
    node.settle();
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(lane.status().accepting()).isFalse();
    settleAfter(Duration.ofSeconds(1));
    assertThat(lane.status().accepting()).isFalse();
    settleAfter(Duration.ofSeconds(1));
    assertThat(lane.status().accepting()).isTrue();
    var next = node.publish("t", "2");
    node.settle();
    assertThat(sequences(next)).containsExactly(1L);
  }

  @Test
  void probing_waitsForAHealthyStore() {
    store.nextCommits(Commit.FAILS_BEFORE);
    store.health = new StoreHealth(false, "disk full", List.of());
    var reply = node.publish("t", "1");
    node.settle();
    assertThat(reply.isAnswered()).isTrue();
    assertThat(lane.status().accepting()).isFalse();
    store.health = StoreHealth.OK;
    settleAfter(Duration.ofSeconds(3));
    assertThat(lane.status().accepting()).isTrue();
  }

  @Test
  void failingAgainAndAgain_keepsSequencesConsecutive() {
    node.createTopic("t");
    List<Commit> outcomes = List.of(Commit.WORKS, Commit.FAILS_BEFORE, Commit.FAILS_AFTER);
    List<Long> given = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      store.nextCommits(outcomes.get(i % outcomes.size()));
      var reply = node.publish("t", "a", "b");
      node.settle();
      settleAfter(Duration.ofSeconds(10));
      if (reply.outcome().orElseThrow() instanceof Outcome.Done) {
        given.addAll(sequences(reply));
      }
    }
    assertThat(given).hasSize(16);
    for (int i = 0; i < given.size(); i++) {
      assertThat(given.get(i)).isEqualTo(i + 1);
    }
  }

  @Test
  void unwritableStore_refusesWithoutTrying_andHealsByItself() {
    node.createTopic("t");
    store.health = new StoreHealth(false, "2 MB left of 1 GB (needs 64 MB)", List.of());
    settleAfter(Duration.ofSeconds(2));
    store.batches.clear();
    var refused = node.publish("t", "1");
    node.settle();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(refused.refusal().detail()).contains("2 MB left");
    assertThat(store.batches).isEmpty();
    store.health = StoreHealth.OK;
    settleAfter(Duration.ofSeconds(2));
    var done = node.publish("t", "2");
    node.settle();
    assertThat(sequences(done)).containsExactly(1L);
  }

  /// When a probe failed and the reopening after it too, the store was never reopened again: it
  /// waited for that, and the lane for its health.
  @Test
  void failedProbe_whoseReopeningFailsToo_isHealedLater() {
    node.createTopic("t");
    store.nextCommits(Commit.FAILS_BEFORE, Commit.FAILS_BEFORE);
    var reply = node.publish("t", "1");
    node.settle();
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(lane.status().accepting()).isFalse();
    store.reopensToFail = 3;
    for (int i = 0; i < 6; i++) {
      settleAfter(Duration.ofSeconds(3));
    }
    assertThat(lane.status().accepting()).isTrue();
    var next = node.publish("t", "2");
    node.settle();
    assertThat(sequences(next)).containsExactly(1L);
  }

  /// While a commit hung, every publisher was let in to wait without limit and the server went on
  /// saying that it was ready.
  @Test
  void commitThatHangs_letsNobodyElseIn_untilItReturns() {
    node.createTopic("t");
    List<Reply<Publish.Published>> meanwhile = new ArrayList<>();
    store.duringCommit =
        () -> {
          node.time().advance(CommitLane.STALL_PATIENCE);
          assertThat(lane.status().accepting()).isTrue();
          node.time().advance(Duration.ofMillis(1));
          assertThat(lane.status().accepting()).isFalse();
          meanwhile.add(node.publish("t", "2"));
          node.settleExecutors();
        };
    var first = node.publish("t", "1");
    node.settleExecutors();
    assertThat(lane.step()).isZero();
    store.duringCommit = () -> {};
    assertThat(meanwhile.getFirst().refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(lane.status().accepting()).isTrue();
    var next = node.publish("t", "3");
    node.settle();
    assertThat(sequences(first)).containsExactly(1L);
    assertThat(sequences(next)).containsExactly(2L);
  }

  /// Retention, which alone frees space, was refused while the disk was nearly full, and after a
  /// failed commit the lane did not even try.
  @Test
  void storeLowOnSpace_takesTrimsAlone() throws Exception {
    Topic topic = node.createTopic("t");
    var _ = node.publish("t", "1", "2", "3");
    node.settle();
    store.health = StoreHealth.lowOnSpace("2 MB left of 1 GB (needs 64 MB)", List.of());
    settleAfter(Duration.ofSeconds(2));
    var refused = node.publish("t", "4");
    var trimmed = node.submit(new TrimLog(topic, 2));
    node.settle();
    assertThat(lane.status().accepting()).isFalse();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(trimmed.done()).isEqualTo(2L);
    assertThat(store.extent(topic.incarnation()).firstRetained()).isEqualTo(2);

    store.nextCommits(Commit.FAILS_BEFORE);
    var failed = node.submit(new TrimLog(topic, 3));
    node.settle();
    assertThat(failed.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    var again = node.submit(new TrimLog(topic, 3));
    node.settle();
    assertThat(again.done()).isEqualTo(3L);
    assertThat(lane.status().accepting()).isFalse();

    store.health = StoreHealth.OK;
    settleAfter(Duration.ofSeconds(2));
    assertThat(lane.status().accepting()).isTrue();
  }

  // ---- faults of others ----

  /// A runtime exception out of the store left its batch unanswered for ever and stopped the lane
  /// for good.
  @Test
  void crashOfTheStore_isAFailedCommit() {
    node.createTopic("t");
    store.nextCommits(Commit.CRASHES);
    var reply = node.publish("t", "1");
    node.settle();
    settleAfter(Duration.ofSeconds(6));
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(node.node().backlog().commands()).isZero();
    var next = node.publish("t", "2");
    node.settle();
    assertThat(sequences(next)).containsExactly(1L);
  }

  @Test
  void callerWhoseReplyThrows_keepsNobodyFromTheirAnswer() {
    CrankedExecutor home = node.executor(0);
    var before = node.publish("t", "1");
    home.run(() ->
        node.node()
            .submit(
                node.publishing("t", "2"),
                home,
                _ -> {
                  throw new IllegalStateException("the caller is broken");
                }));
    var after = node.submit(new CreateTopic("u", "a", false, Optional.empty()));
    node.settle();
    assertThat(CrankedNode.ids(before.done())).hasSize(1);
    assertThat(after.done().name()).isEqualTo("u");
    assertThat(node.node().backlog().commands()).isZero();
  }

  /// An executor that takes no more tasks, as an event loop at shutdown, kept the others from their
  /// answers and broke the lane.
  @Test
  void executorThatIsGone_keepsNobodyFromTheirAnswer() {
    CrankedExecutor gone =
        new CrankedExecutor("gone") {
          @Override
          public void execute(Runnable task) {
            throw new java.util.concurrent.RejectedExecutionException("closed");
          }
        };
    gone.run(() -> node.node().submit(node.publishing("t", "1"), gone, _ -> {}));
    var other = node.submit(node.publishing("u", "2"));
    node.settle();
    assertThat(CrankedNode.ids(other.done())).hasSize(1);
    assertThat(lane.status().accepting()).isTrue();
  }

  /// An Error out of the store ended the lane's thread, while the server went on saying that it
  /// takes writes and nobody was answered.
  @Test
  void errorInTheLane_answersEveryone_andEndsAllWriting() throws Exception {
    node.createTopic("t");
    store.nextCommits(Commit.BREAKS);
    var reply = node.publish("t", "1");
    node.settleExecutors();
    Thread thread = Thread.ofPlatform().name("commit-lane").start(lane::run);
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!reply.isAnswered()) {
      node.settleExecutors();
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.onSpinWait();
    }
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.OUTCOME_UNKNOWN);
    assertThat(lane.status().accepting()).isFalse();
    var later = node.publish("t", "2");
    node.settleExecutors();
    assertThat(later.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    lane.stop();
    thread.join(10_000);
    assertThat(thread.isAlive()).isFalse();
    node.settleExecutors();
    assertThat(node.node().backlog().commands()).isZero();
  }

  /// An Error in a handler left half of a command behind, which the next command's watermark
  /// showed.
  @Test
  void errorInAHandler_endsAllWriting() {
    node.createTopic("t");
    store.batches.clear();
    var half = node.submit(new Breaking(node.publishing("t", "half")));
    var next = node.publish("t", "2");
    node.settle();
    assertThat(half.refusal().code()).isEqualTo(Refusal.Code.INTERNAL);
    assertThat(next.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(lane.status().accepting()).isFalse();
    assertThat(store.batches).isEmpty();
    RecordingReader reader = node.open(0, "t", new Start.Earliest());
    node.settle();
    assertThat(reader.messages()).isEmpty();
  }

  /// Publishes, and then fails with an Error.
  private record Breaking(Publish publish) implements Command<Publish.Published> {
    @Override
    public int slot() {
      return publish.slot();
    }

    @Override
    public long size() {
      return publish.size();
    }

    @Override
    public boolean writes() {
      return true;
    }

    @Override
    public Step<Publish.Published> handle(ShardState state) {
      Step<Publish.Published> _ = publish.handle(state);
      throw new OutOfMemoryError("none left for the rest");
    }
  }

  /// An Error while a log was read left all who waited for it without an answer, then and later.
  @Test
  void errorWhileALogIsLoaded_isToldToThoseWhoWait() throws Exception {
    node.createTopic("t");
    CrankedNode again = CrankedNode.on(store, 1);
    store.readsBreak = true;
    var waiting = again.publish("t", "1");
    again.settle();
    assertThat(waiting.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    store.heal();
    var next = again.publish("t", "2");
    again.settle();
    assertThat(sequences(next)).containsExactly(1L);
  }

  // ---- fencing ----

  @Test
  void anotherOwner_fencesThisOne_whichWritesNoMore() throws Exception {
    var _ = node.publish("t", "1");
    node.settle();
    CrankedNode other = CrankedNode.on(new MemoryStore(memory), 1);
    var fenced = node.publish("t", "2");
    node.settle();
    assertThat(fenced.refusal().code()).isEqualTo(Refusal.Code.FENCED);
    assertThat(lane.status().accepting()).isFalse();
    var later = node.publish("t", "3");
    settleAfter(Duration.ofMinutes(1));
    assertThat(later.refusal().code()).isEqualTo(Refusal.Code.FENCED);

    var taken = other.publish("t", "4");
    RecordingReader reader = other.open(0, "t", new Start.Earliest());
    other.settle();
    assertThat(sequences(taken)).containsExactly(2L);
    assertThat(reader.texts()).containsExactly("1", "4");

    // What the other writes is not shown here, and what is durable stays readable.
    RecordingReader here = node.open(0, "t", new Start.Earliest());
    node.settle();
    assertThat(here.texts()).containsExactly("1");
  }

  /// The next owner's first batch made the store forget that the former owner's last one was
  /// durable, so a stored message was answered as not written.
  @Test
  void failedCommit_isResolvedRightly_thoughAnotherOwnerHasWrittenMeanwhile() throws Exception {
    var _ = node.publish("t", "1");
    node.settle();
    store.nextCommits(Commit.FAILS_AFTER);
    var unknown = node.publish("t", "2");
    node.settleExecutors();
    assertThat(lane.step()).isZero();
    CrankedNode other = CrankedNode.on(new MemoryStore(memory), 1);
    var taken = other.publish("t", "3");
    other.settle();
    node.settle();
    assertThat(sequences(taken)).containsExactly(3L);
    assertThat(sequences(unknown)).containsExactly(2L);
  }

  // ---- stopping ----

  @Test
  void stop_writesWhatWasHandedIn() {
    List<Reply<Publish.Published>> replies = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      replies.add(node.publish("t" + i, "1"));
    }
    node.settleExecutors();
    lane.stop();
    lane.run();
    node.settleExecutors();
    assertThat(replies).allSatisfy(reply -> assertThat(CrankedNode.ids(reply.done())).hasSize(1));
  }

  /// Stopping while a failed commit was being resolved left its callers without an answer.
  @Test
  void stop_whileResolving_answersThatTheOutcomeIsUnknown() {
    var reply = node.publish("t", "1");
    node.settleExecutors();
    store.down = true;
    assertThat(lane.step()).isZero();
    lane.stop();
    lane.run();
    node.settleExecutors();
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.OUTCOME_UNKNOWN);
    var late = node.publish("t", "2");
    node.settleExecutors();
    assertThat(late.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
  }

  @Test
  void run_onAThreadOfItsOwn_wakesForEverySubmission() throws Exception {
    ConcurrentLinkedQueue<Outcome<Publish.Published>> answers = new ConcurrentLinkedQueue<>();
    Thread thread = Thread.ofPlatform().name("commit-lane").start(lane::run);
    SerialExecutor inline =
        new SerialExecutor() {
          @Override
          public boolean isCurrent() {
            return true;
          }

          @Override
          public void execute(Runnable task) {
            task.run();
          }

          @Override
          public void executeAfter(long delayNs, Runnable task) {
            throw new UnsupportedOperationException("nobody waits for time to pass here");
          }
        };
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    for (int i = 1; i <= 200; i++) {
      Publish publish = node.publishing("t" + i, "1");
      node.node().submit(publish, inline, answers::add);
      while (answers.size() < i) {
        node.settleExecutors();
        assertThat(System.nanoTime()).isLessThan(deadline);
        Thread.onSpinWait();
      }
    }
    lane.stop();
    thread.join(10_000);
    assertThat(thread.isAlive()).isFalse();
    assertThat(answers).allSatisfy(it -> assertThat(it).isInstanceOf(Outcome.Done.class));
  }

  @Test
  void log_isTheSameForAllWhoOpenIt() {
    node.createTopic("t");
    TopicLog log = node.log("t");
    assertThat(node.log("t")).isSameAs(log);
    assertThatThrownBy(() -> node.executor(0).checkCurrent())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("loop-0");
  }
}
