// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import static dev.tidings.core.runtime.Refusal.Code.CLIENT_MISSING;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.ChangeClient;
import dev.tidings.core.command.ChangeTopic;
import dev.tidings.core.command.ChangeUser;
import dev.tidings.core.command.CountMessages;
import dev.tidings.core.command.CreateClient;
import dev.tidings.core.command.CreateSubscription;
import dev.tidings.core.command.DeleteClient;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.command.DeleteUser;
import dev.tidings.core.command.GrantAccess;
import dev.tidings.core.command.RevokeAccess;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.store.MemoryStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What happens to those who are at work when somebody takes their rights away.
class AuthorityTest {
  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private CrankedNode node;
  private final List<String> told = new ArrayList<>();

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(new MemoryStore(memory), 2);
    for (Loop loop : node.node().loops()) {
      node.executor(loop.index())
          .run(() -> loop.readers().onPrincipalChange(id -> told.add(loop.index() + " " + id)));
    }
  }

  private static DeleteTopic delete(Topic topic) {
    return new DeleteTopic(topic.name(), topic.incarnation());
  }

  private RecordingReader waitingAt(int loop, String topic, Start start) {
    RecordingReader reader = node.open(loop, topic, start);
    node.settle();
    return reader;
  }

  private static ChangeUser.Change activity(boolean active) {
    return new ChangeUser.Change(
        Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(active));
  }

  // ---- topics that are deleted ----

  @Test
  void deletedTopic_endsItsCursorsOnEveryLoop_beforeTheAnswer() {
    Topic topic = node.createTopic("t");
    var first = waitingAt(0, "t", new Start.Last());
    var second = waitingAt(1, "t", new Start.Earliest());
    var other = waitingAt(1, "u", new Start.Earliest());
    var reply = node.submit(delete(topic));
    while (!reply.isAnswered()) {
      assertThat(node.settleExecutors() > 0 || node.node().lane().step() == 0).isTrue();
    }
    assertThat(first.end()).contains(Reader.End.DELETED);
    assertThat(second.end()).contains(Reader.End.DELETED);
    assertThat(other.end()).isEmpty();
    assertThat(node.node().directory().topic("t")).isEmpty();
    assertThat(node.node().logsInMemory()).isZero();
  }

  @Test
  void answerToADeletion_waitsForEveryLoop() {
    Topic topic = node.createTopic("t");
    int running = topic.slot() % 2;
    var reply = node.submit(delete(topic), running);
    // Everything runs but the other event loop: it has not passed yet.
    for (int i = 0; i < 5; i++) {
      node.executor(running).runUntilIdle();
      long _ = node.node().lane().step();
    }
    assertThat(node.node().directory().topic("t")).isEmpty();
    assertThat(reply.isAnswered()).isFalse();
    node.settle();
    assertThat(reply.isAnswered()).isTrue();
  }

  @Test
  void publishAuthorisedForTheDeletedTopic_isRefused_alsoWhenTheNameHasANewTopic() {
    Topic topic = node.createTopic("t");
    var late = node.publishing("t", "1");
    var deleted = node.submit(delete(topic));
    var refused = node.submit(late);
    node.settle();
    Topic next = node.createTopic("t");
    var refusedToo = node.submit(late);
    node.settle();
    assertThat(deleted.done()).isEqualTo(topic);
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(refusedToo.refusal().code()).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(next.incarnation()).isNotEqualTo(topic.incarnation());
  }

  @Test
  void publishInTheSameBatchAsTheDeletion_isAnswered_andGoneWithTheTopic() throws Exception {
    Topic topic = node.createTopic("t");
    var published = node.publish("t", "1");
    var deleted = node.submit(delete(topic));
    node.settle();
    assertThat(published.done().ids()).hasSize(1);
    assertThat(deleted.done()).isEqualTo(topic);
    assertThat(new MemoryStore(memory).read(topic.incarnation(), 0, 10, 1000).messages()).isEmpty();
    assertThat(node.node().hotTierBytes()).isZero();
  }

  @Test
  void cursorThatWasOpeningTheLogOfADeletedTopic_endsAsDeleted() throws Exception {
    node.createTopic("t");
    var _ = node.publish("t", "1");
    node.settle();
    // A later start: no log is in memory.
    node = CrankedNode.on(new MemoryStore(memory), 2);
    Topic topic = node.node().directory().topic("t").orElseThrow();
    var deleted = node.submit(delete(topic), 0);
    var reader = node.open(1, "t", new Start.Earliest());
    node.settle();
    assertThat(deleted.done()).isEqualTo(topic);
    assertThat(reader.end()).contains(Reader.End.DELETED);
    assertThat(reader.messages()).isEmpty();
    assertThat(node.node().logsInMemory()).isZero();
  }

  @Test
  void whoWaitsForTheName_getsTheNextTopic_notTheDeletedOne() {
    Topic topic = node.createTopic("t");
    var before = waitingAt(0, "t", new Start.Last());
    var deleted = node.submit(delete(topic));
    node.settle();
    var waiting = waitingAt(1, "t", new Start.Last());
    var published = node.publish("t", "new");
    node.settle();
    assertThat(deleted.isAnswered()).isTrue();
    assertThat(published.done().ids()).hasSize(1);
    assertThat(waiting.texts()).containsExactly("new");
    assertThat(before.texts()).isEmpty();
  }

  @Test
  void deletionThatCouldNotBeWritten_leavesTheTopicAsItWas() throws Exception {
    FailingStore failing = new FailingStore(new MemoryStore(memory));
    node = CrankedNode.on(failing, 2);
    Topic topic = node.createTopic("t");
    var reader = waitingAt(1, "t", new Start.Earliest());
    failing.nextCommits(FailingStore.Commit.FAILS_BEFORE);
    var deleted = node.submit(delete(topic));
    node.settle();
    node.time().advance(Duration.ofSeconds(10));
    node.settle();
    var published = node.publish("t", "1");
    node.settle();
    assertThat(deleted.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(published.done().ids()).hasSize(1);
    assertThat(reader.texts()).containsExactly("1");
    assertThat(reader.end()).isEmpty();
  }

  // ---- grants and visibility ----

  @Test
  void revokedGrant_endsTheCursorsOfThoseWhoMayReadNoMore_andLeavesTheOthers() {
    Topic topic = node.createTopic("t");
    for (String user : List.of("ada", "bob")) {
      var _ = node.submit(new GrantAccess("t", topic.incarnation(), user));
    }
    node.settle();
    var ada = new RecordingReader().allowing(it -> it.grantees().contains("ada"));
    var bob = new RecordingReader().allowing(it -> it.grantees().contains("bob"));
    var _ = node.open(1, "t", new Start.Last(), ada);
    var _ = node.open(1, "t", new Start.Last(), bob);
    node.settle();
    var reply = node.submit(new RevokeAccess("t", topic.incarnation(), "ada"));
    node.settle();
    var published = node.publish("t", "1");
    node.settle();
    assertThat(reply.done().grantees()).containsExactly("bob");
    assertThat(published.done().ids()).hasSize(1);
    assertThat(ada.end()).contains(Reader.End.DENIED);
    assertThat(ada.texts()).isEmpty();
    assertThat(bob.texts()).containsExactly("1");
  }

  @Test
  void topicThatIsPublicNoMore_endsTheCursorsOfStrangers() {
    Topic topic = node.createTopic("t");
    var opened = node.submit(visibility(topic, true));
    node.settle();
    var stranger = new RecordingReader().allowing(Topic::isPublic);
    var _ = node.open(1, "t", new Start.Last(), stranger);
    node.settle();
    var closed = node.submit(visibility(topic, false));
    node.settle();
    assertThat(opened.done().isPublic()).isTrue();
    assertThat(closed.done().isPublic()).isFalse();
    assertThat(stranger.end()).contains(Reader.End.DENIED);
  }

  private static ChangeTopic visibility(Topic topic, boolean isPublic) {
    return new ChangeTopic(
        topic.name(),
        topic.incarnation(),
        Optional.of(isPublic),
        Optional.empty(),
        Optional.empty());
  }

  @Test
  void grantRevokedWhileACursorsLogIsBeingOpened_endsTheCursor() throws Exception {
    node.createTopic("t");
    var _ = node.publish("t", "1");
    node.settle();
    node = CrankedNode.on(new MemoryStore(memory), 2);
    Topic topic = node.node().directory().topic("t").orElseThrow();
    var granted = node.submit(new GrantAccess("t", topic.incarnation(), "ada"));
    node.settle();
    var ada = new RecordingReader().allowing(it -> it.grantees().contains("ada"));
    var _ = node.open(1, "t", new Start.Earliest(), ada);
    // The read of the log is under way; the revocation overtakes it.
    var revoked = node.submit(new RevokeAccess("t", topic.incarnation(), "ada"));
    for (int i = 0; i < 10; i++) {
      node.executors().forEach(CrankedExecutor::runUntilIdle);
      long _ = node.node().lane().step();
    }
    node.settle();
    assertThat(granted.isAnswered()).isTrue();
    assertThat(revoked.isAnswered()).isTrue();
    assertThat(ada.messages()).isEmpty();
    assertThat(ada.end()).contains(Reader.End.DENIED);
  }

  @Test
  void revokeOfWhatIsNotGranted_isRefused() {
    Topic topic = node.createTopic("t");
    var reply = node.submit(new RevokeAccess("t", topic.incarnation(), "ada"));
    node.settle();
    assertThat(reply.refusal().code()).isEqualTo(Refusal.Code.NOT_GRANTED);
  }

  // ---- users ----

  @Test
  void disabledUser_isToldOnEveryLoop_beforeTheAnswer() {
    User ada = node.createUser("ada", Permission.READ);
    var reply = node.submit(new ChangeUser("ada", ada.id(), activity(false)));
    while (!reply.isAnswered()) {
      assertThat(node.settleExecutors() > 0 || node.node().lane().step() == 0).isTrue();
    }
    assertThat(told).containsExactlyInAnyOrder("0 " + ada.id(), "1 " + ada.id());
    assertThat(node.node().directory().userById(ada.id()).orElseThrow().active()).isFalse();
    assertThat(node.node().directory().activeUsers()).isZero();
  }

  @Test
  void userWhoMayDoMoreThanBefore_disturbsNobody() {
    User ada = node.createUser("ada", Permission.READ);
    var change =
        new ChangeUser.Change(
            Optional.of(Optional.of("ada@x")),
            Optional.empty(),
            Optional.of(Set.of(Permission.READ, Permission.WRITE)),
            Optional.empty());
    var reply = node.submit(new ChangeUser("ada", ada.id(), change));
    node.settle();
    assertThat(reply.done().email()).contains("ada@x");
    assertThat(told).isEmpty();
  }

  @Test
  void deletedUser_isToldAndGone_andTheNextOfTheNameIsAnother() {
    User ada = node.createUser("ada", Permission.ADMIN);
    var reply = node.submit(new DeleteUser("ada", ada.id()));
    node.settle();
    var again = node.submit(new DeleteUser("ada", ada.id()));
    node.settle();
    assertThat(reply.done()).isEqualTo(ada);
    assertThat(told).hasSize(2);
    assertThat(again.refusal().code()).isEqualTo(Refusal.Code.USER_MISSING);
    assertThat(node.node().directory().userByName("ada")).isEmpty();
    assertThat(node.node().directory().hasUserWith(Permission.ADMIN)).isFalse();
  }

  @Test
  void changedClient_isToldAlsoIfNothingIsDifferent_andItsTokensCountNoMore() {
    Client client = createClient();
    assertThat(told).isEmpty();
    node.time().advance(Duration.ofSeconds(1));
    var reply =
        node.submit(new ChangeClient(client.id(), client.name(), client.scopes(), client.active()));
    node.settle();
    Client changed = reply.done();
    assertThat(changed.tokenVersion()).isEqualTo(client.tokenVersion() + 1);
    assertThat(changed.createdAt()).isEqualTo(client.createdAt());
    assertThat(changed.updatedAt()).isEqualTo(node.time().wallMs());
    assertThat(changed.secretHash()).isEqualTo(client.secretHash());
    assertThat(node.node().directory().client(client.id())).contains(changed);
    assertThat(told).containsExactlyInAnyOrder("0 " + client.id(), "1 " + client.id());
  }

  @Test
  void deletedClient_isToldAndGone() {
    Client client = createClient();
    var reply = node.submit(new DeleteClient(client.id()));
    node.settle();
    var again = node.submit(new DeleteClient(client.id()));
    var change = node.submit(new ChangeClient(client.id(), "n", Scopes.of("*"), true));
    node.settle();
    assertThat(reply.done()).isEqualTo(client);
    assertThat(told).containsExactlyInAnyOrder("0 " + client.id(), "1 " + client.id());
    assertThat(again.refusal()).isEqualTo(new Refusal(CLIENT_MISSING, "Client not found"));
    assertThat(change.refusal().code()).isEqualTo(CLIENT_MISSING);
    assertThat(node.node().directory().client(client.id())).isEmpty();
  }

  @Test
  void answerToAChangeOfAClient_waitsForEveryLoop() {
    Client client = createClient();
    int running = client.slot() % 2;
    var reply = node.submit(new DeleteClient(client.id()), running);
    for (int i = 0; i < 5; i++) {
      node.executor(running).runUntilIdle();
      long _ = node.node().lane().step();
    }
    assertThat(node.node().directory().client(client.id())).isEmpty();
    assertThat(reply.isAnswered()).isFalse();
    node.settle();
    assertThat(reply.isAnswered()).isTrue();
  }

  private Client createClient() {
    Client client = new Client("id-1", "app", Scopes.of("topics:read"), "h", true, 1, 5, 5);
    var reply = node.submit(new CreateClient(client));
    node.settle();
    assertThat(reply.done()).isEqualTo(client);
    return client;
  }

  @Test
  void commandAuthorisedBeforeARevocation_isHandledBeforeItsAnswer_alsoWhenItWaitsForALog()
      throws Exception {
    node.createTopic("t");
    User ada = node.createUser("ada", Permission.WRITE);
    var _ = node.publish("t", "1");
    node.settle();
    node = CrankedNode.on(new MemoryStore(memory), 2);
    var publish = node.publish("t", "2");
    var disabled = node.submit(new ChangeUser("ada", ada.id(), activity(false)), 1);
    // Reads of the store hang; all else goes on.
    for (int i = 0; i < 20; i++) {
      node.executors().forEach(CrankedExecutor::runUntilIdle);
      long _ = node.node().lane().step();
    }
    assertThat(node.node().directory().userById(ada.id()).orElseThrow().active()).isFalse();
    assertThat(publish.isAnswered()).isFalse();
    assertThat(disabled.isAnswered()).isFalse();
    node.settle();
    assertThat(publish.done().ids()).hasSize(1);
    assertThat(disabled.done().active()).isFalse();
  }

  @Test
  void messageAuthorisedBeforeARevocation_isShownBeforeItsAnswer() {
    User ada = node.createUser("ada", Permission.WRITE);
    node.createTopic("t");
    var reader = waitingAt(0, "t", new Start.Last());
    var first = node.publish("t", "1");
    node.settle();
    var disabled = node.submit(new ChangeUser("ada", ada.id(), activity(false)), 1);
    int _ = node.settleExecutors();
    long _ = node.node().lane().step();
    // Durable, but no event loop has passed: whoever asks there has been answered by the old
    // rights.
    var published = node.publish("t", "2");

    int _ = node.settleExecutors();

    // The message is handled but not written: answered now, it would appear after the answer.
    assertThat(first.isAnswered()).isTrue();
    assertThat(disabled.isAnswered()).isFalse();
    node.settle();
    assertThat(published.done().ids()).hasSize(1);
    assertThat(disabled.done().active()).isFalse();
    assertThat(reader.texts()).containsExactly("1", "2");
  }

  @Test
  void revocation_isAnswered_alsoWhenTheStoreFailsOnWhatWasAuthorisedBefore() throws Exception {
    FailingStore failing = new FailingStore(new MemoryStore(memory));
    node = CrankedNode.on(failing, 2);
    User ada = node.createUser("ada", Permission.WRITE);
    node.createTopic("t");
    var first = node.publish("t", "1");
    node.settle();
    var disabled = node.submit(new ChangeUser("ada", ada.id(), activity(false)), 1);
    int _ = node.settleExecutors();
    long _ = node.node().lane().step();
    var published = node.publish("t", "2");
    failing.nextCommits(FailingStore.Commit.FAILS_BEFORE);

    node.settle();
    node.time().advance(Duration.ofSeconds(10));
    node.settle();

    assertThat(first.isAnswered()).isTrue();
    assertThat(published.refusal().code()).isEqualTo(Refusal.Code.STORE_UNAVAILABLE);
    assertThat(disabled.done().active()).isFalse();
  }

  @Test
  void secondChangeThatFindsNothingToDo_waitsForEveryLoopToo() {
    User ada = node.createUser("ada", Permission.READ);
    int running = ada.slot() % 2;
    var first = node.submit(new ChangeUser("ada", ada.id(), activity(false)), running);
    for (int i = 0; i < 5; i++) {
      node.executor(running).runUntilIdle();
      long _ = node.node().lane().step();
    }
    var second = node.submit(new ChangeUser("ada", ada.id(), activity(false)), running);
    for (int i = 0; i < 5; i++) {
      node.executor(running).runUntilIdle();
      long _ = node.node().lane().step();
    }
    assertThat(first.isAnswered()).isFalse();
    assertThat(second.isAnswered()).isFalse();
    node.settle();
    assertThat(first.done().active()).isFalse();
    assertThat(second.done().active()).isFalse();
  }

  @Test
  void newPassword_endsTokensOfForgottenLoginsToo() {
    User ada = node.createUser("ada", Permission.READ);
    var change =
        new ChangeUser.Change(
            Optional.empty(), Optional.of("$new"), Optional.empty(), Optional.empty());
    var reply = node.submit(new ChangeUser("ada", ada.id(), change));
    node.settle();
    assertThat(reply.done().tokenVersion()).isEqualTo(ada.tokenVersion() + 1);
    assertThat(told).hasSize(2);
  }

  @Test
  void callThatHasToLoadOneThingAfterAnother_takesEffectBeforeTheAnswer() throws Exception {
    Topic topic = node.createTopic("t");
    var created =
        node.submit(
            new CreateSubscription(
                "s",
                "t",
                topic.incarnation(),
                CrankedNode.OWNER,
                Optional.empty(),
                new DeliveryPolicy(5, 5_000, 300_000, OptionalLong.empty()),
                new CreateSubscription.From.Now()));
    node.settle();
    Client client = createClient();
    node = CrankedNode.on(new MemoryStore(memory), 2);
    // Needs the log of the topic, and then what the subscription has delivered.
    var counted = node.submit(new CountMessages(created.done()));
    var deleted = node.submit(new DeleteClient(client.id()));
    boolean more = true;
    while (more && !deleted.isAnswered()) {
      node.executors().forEach(CrankedExecutor::runUntilIdle);
      more = node.node().lane().step() == 0;
      more |= node.executors().stream().anyMatch(executor -> executor.pending() > 0);
      if (!more) {
        // A read of the store takes longer than anything else.
        more = node.blocking().runOne();
      }
    }
    assertThat(deleted.isAnswered()).isTrue();
    assertThat(counted.isAnswered()).isTrue();
  }
}
