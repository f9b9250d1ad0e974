// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.ForwardingStore;
import dev.tidings.core.store.MemoryStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommandsTest {
  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private CrankedNode node;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(new MemoryStore(memory), 2);
  }

  private static Refusal.Code code(Reply<?> reply) {
    return reply.refusal().code();
  }

  @Test
  void createTopic_storesWhatWasAsked() throws Exception {
    var reply = node.submit(new CreateTopic("t", "ada", true, Optional.of("a topic")));
    node.settle();
    Topic topic = reply.done();
    assertThat(topic)
        .isEqualTo(
            new Topic(
                "t", 1, "ada", true, Optional.of("a topic"), ManualTime.BEGINNING_MS, Set.of()));
    assertThat(node.node().directory().topic("t")).contains(topic);
    assertThat(new MemoryStore(memory).loadDirectory().all(Topic.class)).containsExactly(topic);
  }

  @Test
  void createTopic_ofATakenName_isRefused() {
    node.createTopic("t");
    var reply = node.submit(new CreateTopic("t", "bob", true, Optional.empty()));
    node.settle();
    assertThat(code(reply)).isEqualTo(Refusal.Code.TOPIC_EXISTS);
    assertThat(reply.refusal().detail()).isEqualTo("Topic 't' already exists");
  }

  @Test
  void createUser_ofATakenName_isRefused() {
    User ada = node.createUser("ada");
    assertThat(node.node().directory().userById(ada.id())).contains(ada);
    User other =
        new User(UUID.randomUUID().toString(), "ada", Optional.empty(), "h", Set.of(), true, 0);
    var reply = node.submit(new CreateUser(other));
    node.settle();
    assertThat(code(reply)).isEqualTo(Refusal.Code.USER_EXISTS);
    assertThat(reply.refusal().detail()).isEqualTo("Username 'ada' already exists");
    assertThat(node.node().directory().userById(other.id())).isEmpty();
  }

  @Test
  void grantAccess_addsAGrantee_andSeesUncommittedOnes() {
    Topic topic = node.createTopic("t");
    var first = node.submit(new GrantAccess("t", topic.incarnation(), "ada"));
    var second = node.submit(new GrantAccess("t", topic.incarnation(), "bob"));
    var again = node.submit(new GrantAccess("t", topic.incarnation(), "ada"));
    node.settle();
    assertThat(first.done().grantees()).containsExactly("ada");
    assertThat(second.done().grantees()).containsExactly("ada", "bob");
    assertThat(code(again)).isEqualTo(Refusal.Code.ALREADY_GRANTED);
    assertThat(again.refusal().detail()).isEqualTo("User ada already has access to topic t");
  }

  /// Anyone who may write could create topics, and an owner grants, until the memory was full.
  @Test
  void topicsAndGrants_areBounded() throws Exception {
    Node.Limits many = CrankedNode.LIMITS;
    node =
        CrankedNode.on(
            new MemoryStore(memory),
            2,
            new Node.Limits(
                many.hotTierBytes(),
                many.pageCacheBytes(),
                many.pendingCommands(),
                many.pendingBytes(),
                many.batch(),
                2,
                1,
                many.receipts(),
                many.subscriptions(),
                many.streams(),
                many.exchanges(),
                many.schedule()),
            new ManualTime());
    Topic topic = node.createTopic("t");
    node.createTopic("u");
    var created = node.submit(new CreateTopic("v", "ada", true, Optional.empty()));
    var published = node.publish("v", "1");
    var granted = node.submit(new GrantAccess("t", topic.incarnation(), "ada"));
    var over = node.submit(new GrantAccess("t", topic.incarnation(), "bob"));
    var fine = node.publish("t", "1");
    node.settle();
    assertThat(code(created)).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(created.refusal().detail()).contains("limit: 2");
    assertThat(code(published)).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(granted.done().grantees()).containsExactly("ada");
    assertThat(code(over)).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(CrankedNode.ids(fine.done())).hasSize(1);
  }

  @Test
  void grantAccess_toAMissingOrAnotherTopic_isRefused() {
    Topic topic = node.createTopic("t");
    var missing = node.submit(new GrantAccess("u", 1, "ada"));
    var stale = node.submit(new GrantAccess("t", topic.incarnation() + 1, "ada"));
    node.settle();
    assertThat(code(missing)).isEqualTo(Refusal.Code.TOPIC_MISSING);
    assertThat(code(stale)).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(stale.refusal().code().retryable()).isTrue();
  }

  @Test
  void publish_creatingATopic_makesTheCallerItsOwner() {
    var reply = node.publish("t", "1", "2");
    node.settle();
    assertThat(CrankedNode.ids(reply.done()).stream().map(MessageId::sequence))
        .containsExactly(1L, 2L);
    assertThat(CrankedNode.ids(reply.done()).stream().map(MessageId::timestamp))
        .containsOnly(ManualTime.BEGINNING_MS);
    Topic topic = node.node().directory().topic("t").orElseThrow();
    assertThat(topic.ownerId()).isEqualTo(CrankedNode.OWNER);
    assertThat(topic.isPublic()).isFalse();
    assertThat(CrankedNode.ids(reply.done()).getFirst().incarnation())
        .isEqualTo(topic.incarnation());
  }

  @Test
  void publish_withAuthorityForAnotherState_isRefused() {
    Topic topic = node.createTopic("t");
    var creating =
        node.submit(
            new Publish(
                "t", new Publish.Authority.Creating("ada", "d"), CrankedNode.messages("1")));
    var other =
        node.submit(
            new Publish(
                "t",
                new Publish.Authority.Existing(topic.incarnation() + 1),
                CrankedNode.messages("1")));
    var missing =
        node.submit(new Publish("u", new Publish.Authority.Existing(1), CrankedNode.messages("1")));
    node.settle();
    assertThat(code(creating)).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(code(other)).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(code(missing)).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(node.node().directory().topic("u")).isEmpty();
  }

  @Test
  void publish_ofNothing_isAnErrorOfTheCaller() {
    assertThatThrownBy(() -> new Publish("t", new Publish.Authority.Existing(1), List.of()))
        .hasMessageContaining("expected: 1 or more");
  }

  @Test
  void trimLog_ofAMissingTopic_isRefused() {
    Topic topic = node.createTopic("t");
    Topic gone = new Topic("gone", 9, "o", false, Optional.empty(), 0, Set.of());
    var missing = node.submit(new TrimLog(gone, 1));
    var done = node.submit(new TrimLog(topic, 1));
    node.settle();
    assertThat(code(missing)).isEqualTo(Refusal.Code.TOPIC_MISSING);
    assertThat(done.done()).isEqualTo(1);
  }

  @Test
  void damagedNames_stayTaken() throws Exception {
    CrankedNode damaged =
        CrankedNode.on(
            new WithDirectory(
                new DirectoryContents(
                    List.of(),
                    5,
                    List.of(
                        new DirectoryContents.Damaged(Entry.Kind.TOPIC, "t", "kept in x"),
                        new DirectoryContents.Damaged(Entry.Kind.USER, "ada", "kept in y")))),
            1);
    var topic = damaged.submit(new CreateTopic("t", "a", false, Optional.empty()));
    var publish = damaged.publish("t", "1");
    var user = damaged.submit(new CreateUser(CrankedNode.user("ada")));
    var other = damaged.publish("ada", "1");
    damaged.settle();
    assertThat(code(topic)).isEqualTo(Refusal.Code.DAMAGED);
    assertThat(code(publish)).isEqualTo(Refusal.Code.DAMAGED);
    assertThat(code(user)).isEqualTo(Refusal.Code.DAMAGED);
    assertThat(user.refusal().detail()).isEqualTo("kept in y");
    assertThat(CrankedNode.ids(other.done()).getFirst().incarnation()).isEqualTo(6);
  }

  @Test
  void withoutNumbersLeft_topicsAreRefused() throws Exception {
    CrankedNode full =
        CrankedNode.on(
            new WithDirectory(
                new DirectoryContents(List.of(), MessageId.MAX_INCARNATION - 1, List.of())),
            1);
    var last = full.submit(new CreateTopic("t", "a", false, Optional.empty()));
    var topic = full.submit(new CreateTopic("u", "a", false, Optional.empty()));
    var publish = full.publish("v", "1");
    full.settle();
    assertThat(last.done().incarnation()).isEqualTo(MessageId.MAX_INCARNATION);
    assertThat(code(topic)).isEqualTo(Refusal.Code.EXHAUSTED);
    assertThat(code(publish)).isEqualTo(Refusal.Code.EXHAUSTED);
  }

  // ---- the shard ----

  @Test
  void commandsThatWaitForALog_areHandledInOrder_andOneLoadServesThem() throws Exception {
    var first = node.publish("t", "1");
    node.settle();
    assertThat(CrankedNode.ids(first.done())).hasSize(1);
    CrankedNode again = CrankedNode.on(new MemoryStore(memory), 1);
    // Its schedule has been read.
    again.settle();
    List<Reply<Publish.Published>> replies = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      replies.add(again.publish("t", "a", "b"));
    }
    var elsewhere = again.publish("u", "1");
    int _ = again.executor(0).runUntilIdle();
    assertThat(again.blocking().pending()).isEqualTo(1);
    again.settle();
    List<Long> sequences =
        replies.stream()
            .flatMap(it -> CrankedNode.ids(it.done()).stream())
            .map(MessageId::sequence)
            .toList();
    assertThat(sequences).containsExactly(2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L);
    assertThat(CrankedNode.ids(elsewhere.done())).hasSize(1);
  }

  /// A reply that threw while those who waited for a log were served left the rest unanswered.
  @Test
  void replyThatThrows_whileALogHasLoaded_keepsNobodyFromTheirTurn() throws Exception {
    var _ = node.publish("t", "1");
    node.settle();
    CrankedNode again = CrankedNode.on(new MemoryStore(memory), 1);
    Topic topic = again.node().directory().topic("t").orElseThrow();
    var home = again.executor(0);
    home.run(() ->
        again
            .node()
            .submit(
                new OpenLog(topic),
                home,
                _ -> {
                  throw new IllegalStateException("the caller is broken");
                }));
    var next = again.publish("t", "2");
    again.settle();
    assertThat(CrankedNode.ids(next.done())).hasSize(1);
    assertThat(again.node().backlog().commands()).isZero();
  }

  // ---- the bound on what waits ----

  @Test
  void backlog_refusesWhatIsOverItsBoundOfCommands() throws Exception {
    CrankedNode small = bounded(3, 1 << 20);
    List<Reply<Topic>> replies = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      replies.add(small.submit(new CreateTopic("t" + i, "a", false, Optional.empty())));
    }
    assertThat(small.node().backlog().commands()).isEqualTo(3);
    small.settle();
    assertThat(replies.get(2).done().name()).isEqualTo("t2");
    assertThat(code(replies.get(3))).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(code(replies.get(4))).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(replies.get(4).refusal().detail()).contains("limit: 3");
    assertThat(small.node().backlog().commands()).isZero();
    assertThat(small.node().backlog().bytes()).isZero();
    assertThat(small.createTopic("t9").name()).isEqualTo("t9");
  }

  @Test
  void backlog_refusesWhatIsOverItsBoundOfBytes_butAdmitsOneLargeCommandAlone() throws Exception {
    CrankedNode small = bounded(100, 5000);
    String large = "\"" + "x".repeat(6000) + "\"";
    var alone = small.publish("t", large);
    var second = small.publish("u", "1");
    small.settle();
    assertThat(CrankedNode.ids(alone.done())).hasSize(1);
    assertThat(code(second)).isEqualTo(Refusal.Code.OVERLOADED);
    var fits = small.publish("u", "1");
    var over = small.publish("v", large);
    small.settle();
    assertThat(CrankedNode.ids(fits.done())).hasSize(1);
    assertThat(code(over)).isEqualTo(Refusal.Code.OVERLOADED);
    assertThat(small.node().backlog().bytes()).isZero();
  }

  private static CrankedNode bounded(int commands, long bytes) throws Exception {
    return CrankedNode.on(
        new MemoryStore(),
        1,
        new Node.Limits(1 << 20, 1 << 20, commands, bytes, new CommitLane.Limits(1000, 1 << 20)),
        new ManualTime());
  }

  @Test
  void ack_movesAConsumerForwardOnly_andGoesWithTheTopic() throws Exception {
    Topic topic = node.createTopic("t");
    var first = node.submit(ack(topic, "c", 5));
    node.settle();
    var earlier = node.submit(ack(topic, "c", 3));
    var later = node.submit(ack(topic, "c", 9));
    var other = node.submit(ack(topic, "d", 1));
    node.settle();
    assertThat(first.done().ackedSequence()).isEqualTo(5);
    assertThat(earlier.done().ackedSequence()).isEqualTo(5);
    assertThat(later.done().ackedSequence()).isEqualTo(9);
    assertThat(node.node().directory().consumers(topic.incarnation()))
        .containsExactly(later.done(), other.done());
    var deleted = node.submit(new DeleteTopic("t", topic.incarnation()));
    var late = node.submit(ack(topic, "e", 1));
    node.settle();
    assertThat(deleted.done()).isEqualTo(topic);
    assertThat(code(late)).isEqualTo(Refusal.Code.TOPIC_MISSING);
    assertThat(new MemoryStore(memory).loadDirectory().all(Consumer.class)).isEmpty();
  }

  @Test
  void consumers_areBounded_andThoseNotHeardOfForLongMakeRoom() throws Exception {
    Topic topic = node.createTopic("t");
    for (int i = 0; i < NoteAck.MAX_CONSUMERS; i++) {
      var _ = node.submit(ack(topic, "c" + i, 1));
      node.settle();
      node.time().advance(Duration.ofMillis(1));
    }
    var known = node.submit(ack(topic, "c0", 2));
    var oneMore = node.submit(ack(topic, "one-more", 1));
    node.settle();
    assertThat(known.done().ackedSequence()).isEqualTo(2);
    assertThat(code(oneMore)).isEqualTo(Refusal.Code.LIMIT_REACHED);
    assertThat(node.node().directory().consumerCount()).isEqualTo(NoteAck.MAX_CONSUMERS);

    long before = ManualTime.BEGINNING_MS + 3;
    var stale = node.node().directory().consumersNotHeardOfSince(before, 10);
    assertThat(stale).extracting(Consumer::clientId).containsExactlyInAnyOrder("c1", "c2");
    // Heard of again meanwhile: it stays.
    var again = node.submit(ack(topic, "c2", 5));
    stale.forEach(consumer -> {
      var _ = node.submit(new RemoveEntry(consumer));
    });
    node.settle();
    assertThat(again.isAnswered()).isTrue();
    var later = node.submit(ack(topic, "one-more", 1));
    node.settle();
    assertThat(later.done().clientId()).isEqualTo("one-more");
    assertThat(node.node().directory().consumers(topic.incarnation()))
        .extracting(Consumer::clientId)
        .contains("c0", "c2", "one-more")
        .doesNotContain("c1");
    assertThat(new MemoryStore(memory).loadDirectory().all(Consumer.class))
        .hasSize(node.node().directory().consumerCount());
  }

  private static NoteAck ack(Topic topic, String clientId, long sequence) {
    return new NoteAck(topic.name(), topic.incarnation(), clientId, "ada", sequence, 7);
  }

  /// An empty memory store with a directory of its own.
  private static final class WithDirectory extends ForwardingStore {
    private final DirectoryContents contents;

    WithDirectory(DirectoryContents contents) {
      super(new MemoryStore());
      this.contents = contents;
    }

    @Override
    public DirectoryContents loadDirectory() {
      return contents;
    }
  }
}
