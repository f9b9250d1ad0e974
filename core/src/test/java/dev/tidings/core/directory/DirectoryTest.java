// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.store.DirectoryContents;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DirectoryTest {
  private static Topic topic(String name, String owner) {
    return new Topic(name, 1, owner, false, Optional.of("d"), 5, Set.of());
  }

  private static final Directory EMPTY =
      new Directory(new DirectoryContents(List.of(), 0, List.of()));

  @Test
  void contents_areFoundByEveryKey() {
    User ada = CrankedNode.user("ada", Permission.ADMIN);
    User bob = CrankedNode.user("bob", Permission.READ);
    Directory directory =
        new Directory(
            new DirectoryContents(
                List.of(bob, ada, topic("a", "1"), topic("b", "2"), topic("c", "1")),
                3,
                List.of(
                    new DirectoryContents.Damaged(
                        Entry.Kind.TOPIC, "bad", "checksum; kept in x"))));
    assertThat(directory.topic("b")).contains(topic("b", "2"));
    assertThat(directory.topic("bad")).isEmpty();
    assertThat(directory.damage(Entry.Kind.TOPIC, "bad")).contains("checksum; kept in x");
    assertThat(directory.damage(Entry.Kind.USER, "bad")).isEmpty();
    assertThat(directory.topicsOwnedBy("1")).containsExactly("a", "c");
    assertThat(directory.topicsOwnedBy("3")).isEmpty();
    assertThat(directory.topics().keySet()).containsExactly("a", "b", "c");
    assertThat(directory.topicAfter("")).contains(topic("a", "1"));
    assertThat(directory.topicAfter("a")).contains(topic("b", "2"));
    assertThat(directory.topicAfter("bb")).contains(topic("c", "1"));
    assertThat(directory.topicAfter("c")).isEmpty();
    assertThat(directory.userById(ada.id())).contains(ada);
    assertThat(directory.userByName("bob")).contains(bob);
    assertThat(directory.hasUserWith(Permission.WRITE)).isTrue();
    assertThat(EMPTY.hasUserWith(Permission.READ)).isFalse();
  }

  @Test
  void topicsOfQueues_areNobodysAndCanBeLeftOut() {
    Directory directory =
        new Directory(
            new DirectoryContents(
                List.of(topic("!", "1"), topic("$queue/", "1"), topic("a", "1")), 3, List.of()));
    Optional<Entry> _ = directory.show(topic("$queue/b", "1"));
    assertThat(directory.topicsOwnedBy("1")).containsExactly("!", "a");
    assertThat(directory.openTopicAfter("").orElseThrow().name()).isEqualTo("!");
    assertThat(directory.openTopicAfter("!").orElseThrow().name()).isEqualTo("a");
    directory.hide(topic("$queue/b", "1"));
    assertThat(directory.topicsOwnedBy("1")).containsExactly("!", "a");
  }

  @Test
  void show_addsAndReplaces_andKeepsTheOwnersInStep() {
    Directory directory = new Directory(new DirectoryContents(List.of(), 0, List.of()));
    assertThat(directory.show(topic("b", "1"))).isEmpty();
    assertThat(directory.show(topic("a", "1"))).isEmpty();
    assertThat(directory.show(topic("a", "1").granting("x"))).contains(topic("a", "1"));
    assertThat(directory.topic("a").orElseThrow().grantees()).containsExactly("x");
    assertThat(directory.topicsOwnedBy("1")).containsExactly("a", "b");
    User ada = CrankedNode.user("ada");
    assertThat(directory.show(ada)).isEmpty();
    assertThat(directory.userById(ada.id())).contains(ada);
    assertThat(directory.userByName("ada")).contains(ada);
  }

  @Test
  void indexes_followEveryChange_asIfLoadedAnew() {
    Directory directory = new Directory(new DirectoryContents(List.of(), 0, List.of()));
    Map<String, Entry> entries = new HashMap<>();
    Random random = new Random(7);
    for (int i = 0; i < 3000; i++) {
      Entry entry = randomEntry(random);
      String key = entry.kind() + entry.key();
      Entry known = entries.get(key);
      if (known != null && random.nextInt(3) == 0) {
        directory.hide(known);
        entries.remove(key);
      } else {
        assertThat(directory.show(entry)).isEqualTo(Optional.ofNullable(known));
        entries.put(key, entry);
      }
    }
    Directory anew =
        new Directory(new DirectoryContents(List.copyOf(entries.values()), 0, List.of()));
    assertThat(directory.topics()).isEqualTo(anew.topics()).isNotEmpty();
    assertThat(directory.publicTopics()).isEqualTo(anew.publicTopics());
    assertThat(directory.users()).isEqualTo(anew.users());
    assertThat(directory.activeUsers()).isEqualTo(anew.activeUsers());
    assertThat(directory.logins()).isEqualTo(anew.logins());
    assertThat(directory.clients(0, 100))
        .isEqualTo(anew.clients(0, 100))
        .isSortedAccordingTo(Comparator.comparing(Client::id));
    assertThat(directory.streams()).isEqualTo(anew.streams()).isNotEmpty();
    for (int i = 0; i < 20; i++) {
      assertThat(directory.signingKey("k" + i)).isEqualTo(anew.signingKey("k" + i));
      assertThat(directory.stream("s" + i)).isEqualTo(anew.stream("s" + i));
      assertThat(directory.streamAfter("s" + i)).isEqualTo(anew.streamAfter("s" + i));
    }
    for (int i = 0; i < 5; i++) {
      String user = "u" + i;
      assertThat(directory.topicsOwnedBy(user)).isEqualTo(anew.topicsOwnedBy(user));
      assertThat(directory.topicsOfAfter(user, "t2", 4))
          .isEqualTo(anew.topicsOfAfter(user, "t2", 4))
          .isSortedAccordingTo(Comparator.comparing(Topic::name))
          .allMatch(topic -> topic.ownerId().equals(user) || topic.grantees().contains(user))
          .allMatch(topic -> topic.name().compareTo("t2") > 0);
      assertThat(directory.loginsOf(user)).isEqualTo(anew.loginsOf(user));
      assertThat(directory.userById(user)).isEqualTo(anew.userById(user));
      assertThat(List.copyOf(directory.consumers(i))).isEqualTo(List.copyOf(anew.consumers(i)));
    }
    assertSameExchanges(directory, anew);
  }

  private static void assertSameExchanges(Directory directory, Directory anew) {
    assertThat(directory.exchanges()).isEqualTo(anew.exchanges()).isNotEmpty();
    assertThat(directory.queues()).isEqualTo(anew.queues()).isNotEmpty();
    assertThat(directory.bindings()).isEqualTo(anew.bindings()).isNotEmpty();
    for (Queue queue : anew.queues().values()) {
      assertThat(directory.bindingsOf(queue))
          .isEqualTo(anew.bindingsOf(queue))
          .isSortedAccordingTo(Comparator.comparing(Binding::key))
          .containsExactlyInAnyOrderElementsOf(
              anew.bindings().values().stream()
                  .filter(it -> it.queue().equals(queue.name()))
                  .toList());
    }
    for (int number = 0; number < 120; number++) {
      Exchange exchange = new Exchange("x", number, Exchange.Type.TOPIC, "o", 0);
      int of = number;
      assertThat(directory.bindingsOf(exchange))
          .containsExactlyElementsOf(
              anew.bindings().values().stream().filter(it -> it.exchangeNumber() == of).toList());
    }
  }

  private static final List<Exchange.Type> TYPES =
      List.of(Exchange.Type.DIRECT, Exchange.Type.FANOUT, Exchange.Type.TOPIC);

  private static Entry randomEntry(Random random) {
    String user = "u" + random.nextInt(5);
    int number = random.nextInt(20);
    return switch (random.nextInt(11)) {
      case 0 -> {
        Set<String> grantees = new HashSet<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          grantees.add("u" + random.nextInt(5));
        }
        yield new Topic(
            "t" + number, number, user, random.nextBoolean(), Optional.empty(), 0, grantees);
      }
      case 1 -> new User(user, user, Optional.empty(), "", Set.of(), random.nextBoolean(), 0);
      case 2 ->
          new Login(user + number, user, user, 0, 1, Optional.empty(), 0, "", Optional.empty());
      case 3 -> new Client("c" + number, user, Scopes.of("*"), "", true, number, 0, 0);
      case 4 ->
          new DurableStream(
              "s" + number, DurableStream.FIRST_NUMBER + random.nextInt(9), random.nextInt(3));
      case 6 -> new Exchange("x" + number, number, TYPES.get(number % 3), user, 0);
      case 7 ->
          new Queue(
              "q" + number,
              number,
              random.nextBoolean(),
              Queue.Mode.WORK,
              Queue.Bounds.NONE,
              user,
              0);
      case 8, 9 ->
          new Binding(
              "x",
              random.nextInt(120),
              Exchange.Type.DIRECT,
              "q" + number,
              number,
              "k/" + random.nextInt(3),
              0);
      case 5 -> new SigningKey("k" + number, Payload.of("secret-" + user), 0);
      default -> new Consumer("t", random.nextInt(5), "c" + number, user, random.nextInt(9), 0, 0);
    };
  }

  @Test
  void whatWasRead_staysAsItWas() {
    Directory directory = new Directory(new DirectoryContents(List.of(), 0, List.of()));
    assertThat(directory.show(topic("a", "1"))).isEmpty();
    Map<String, Topic> before = directory.topics();
    Set<String> owned = directory.topicsOwnedBy("1");
    assertThat(directory.show(topic("b", "1"))).isEmpty();
    assertThat(before).containsOnlyKeys("a");
    assertThat(owned).containsExactly("a");
    assertThat(directory.topics()).containsOnlyKeys("a", "b");
  }

  @Test
  void clients_areListedInTheOrderOfTheirIds_fromAnOffset() {
    List<Entry> clients = new ArrayList<>();
    for (String id : List.of("c", "a", "d", "b")) {
      clients.add(new Client(id, "n", Scopes.of("*"), "", true, 1, 0, 0));
    }
    Directory directory = new Directory(new DirectoryContents(clients, 0, List.of()));
    assertThat(directory.clients(0, 2)).extracting(Client::id).containsExactly("a", "b");
    assertThat(directory.clients(3, 2)).extracting(Client::id).containsExactly("d");
    assertThat(directory.clients(4, 2)).isEmpty();
    assertThat(directory.clients(Long.MAX_VALUE, 2)).isEmpty();
    assertThat(directory.client("d")).isPresent();
    assertThat(directory.client("e")).isEmpty();
  }

  @Test
  void streams_areFoundByName_andWalkedInTheOrderOfNames() {
    int number = DurableStream.FIRST_NUMBER;
    DurableStream a = new DurableStream("a", number + 2, 5);
    DurableStream b = new DurableStream("b", number, 5);
    DurableStream c = new DurableStream("c", Integer.MAX_VALUE, 5);
    SigningKey key = new SigningKey("a", Payload.of("secret"), 5);
    Directory directory =
        new Directory(
            new DirectoryContents(
                List.of(c, a, topic("a", "1"), key, b),
                1,
                Integer.MAX_VALUE,
                List.of(new DirectoryContents.Damaged(Entry.Kind.STREAM, "bad", "kept in x"))));
    assertThat(directory.streams().values()).containsExactly(a, b, c);
    assertThat(directory.stream("a")).contains(a);
    assertThat(directory.stream("bad")).isEmpty();
    assertThat(directory.damage(Entry.Kind.STREAM, "bad")).contains("kept in x");
    assertThat(directory.streamAfter("")).contains(a);
    assertThat(directory.streamAfter("a")).contains(b);
    assertThat(directory.streamAfter("bb")).contains(c);
    assertThat(directory.streamAfter("c")).isEmpty();
    assertThat(directory.signingKey("a")).contains(key);
    assertThat(directory.signingKey("b")).isEmpty();
    assertThat(directory.find(Entry.Kind.STREAM, "a")).contains(a);
    assertThat(directory.find(Entry.Kind.KEY, "a")).contains(key);
    directory.hide(a);
    directory.hide(key);
    assertThat(directory.find(Entry.Kind.STREAM, "a")).isEmpty();
    assertThat(directory.find(Entry.Kind.KEY, "a")).isEmpty();
    assertThat(directory.topic("a")).isPresent();
  }

  @Test
  void exchangesQueuesAndBindings_areFoundByEveryKey() {
    Exchange one = new Exchange("one", 1, Exchange.Type.DIRECT, "o", 5);
    Exchange ten = new Exchange("ten", 10, Exchange.Type.FANOUT, "o", 5);
    Queue queue = new Queue("q", 2, true, Queue.Mode.WORK, Queue.Bounds.NONE, "o", 5);
    Queue other = new Queue("q/1", 3, false, Queue.Mode.BROADCAST, Queue.Bounds.NONE, "o", 5);
    Binding empty = Binding.of(one, queue, "", 5);
    Binding slashes = Binding.of(one, queue, "/0/", 5);
    Binding ofTen = Binding.of(ten, queue, "0", 5);
    Binding ofOther = Binding.of(ten, other, "😀", 5);
    Topic ofQueue = new Topic("$queue/q", 2, "o", false, Optional.empty(), 5, Set.of());
    Directory directory =
        new Directory(
            new DirectoryContents(
                List.of(one, ten, queue, empty, slashes, ofTen, ofOther, ofQueue, topic("t", "1")),
                10,
                List.of(new DirectoryContents.Damaged(Entry.Kind.QUEUE, "q/1", "kept in x"))));
    assertThat(directory.bindingsOf(one)).containsExactly(empty, slashes);
    assertThat(directory.bindingsOf(ten)).containsExactly(ofTen, ofOther);
    assertThat(directory.bindingsOf(queue)).containsExactly(empty, slashes, ofTen);
    assertThat(directory.bindingsOf(other)).containsExactly(ofOther);
    assertThat(directory.topicCount()).isEqualTo(1);
    assertThat(directory.queueOf(ofQueue)).contains(queue);
    assertThat(directory.queueOf(topic("q", "o"))).isEmpty();
    assertThat(directory.damageOfQueue("q/1")).contains("kept in x");
    assertThat(directory.damageOfQueue("q")).isEmpty();
    assertThat(directory.bindingAfter("")).contains(empty);
    assertThat(directory.bindingAfter(empty.key())).contains(slashes);
    assertThat(directory.bindingAfter(ofOther.key())).isEmpty();
    for (Entry entry : List.of(one, queue, empty)) {
      assertThat(directory.find(entry.kind(), entry.key())).contains(entry);
    }
    // Its bindings stay where they are, and route nowhere.
    directory.hide(one);
    assertThat(directory.bindingsOf(one)).containsExactly(empty, slashes);
    assertThat(directory.routes().route(one, "")).isEmpty();
    assertThat(directory.routes().route(ten, "any")).hasSize(2);
  }

  @Test
  void numbersOfStreams_beginAboveThoseThatMessageIdsName() {
    assertThat(DurableStream.FIRST_NUMBER).isEqualTo(1 << 26);
    assertThat(new DurableStream("s", 1 << 26, 0).ownNumber()).hasValue(1 << 26);
    assertThatThrownBy(() -> new DurableStream("s", (1 << 26) - 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("67108864 or more");
    assertThatThrownBy(
            () -> new DirectoryContents(List.of(), 0, DurableStream.FIRST_NUMBER - 2, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lastStreamNumber");
  }

  @Test
  void grantees_keepTheirOrder_andCannotBeChanged() {
    Set<String> given = new HashSet<>(Set.of("z"));
    Topic topic = new Topic("t", 1, "o", false, Optional.empty(), 0, given);
    given.add("y");
    Topic more = topic.granting("b").granting("a").granting("z");
    assertThat(topic.grantees()).containsExactly("z");
    assertThat(more.grantees()).containsExactly("z", "b", "a");
    assertThat(topic.granting("b")).isEqualTo(topic.granting("b"));
    assertThatThrownBy(() -> more.grantees().add("x"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void usersClientsAndSigningKeys_keepTheirSecretsToThemselves() {
    User ada = CrankedNode.user("ada", Permission.ADMIN);
    assertThat(ada.toString()).doesNotContain(ada.passwordHash()).contains("ada");
    assertThat(ada.has(Permission.READ)).isTrue();
    Client client = new Client("c", "n", Scopes.of("*"), "$hash", true, 1, 0, 0);
    assertThat(client.toString()).doesNotContain("$hash").contains("n");
    assertThat(CrankedNode.user("bob", Permission.READ).has(Permission.WRITE)).isFalse();
    SigningKey key = new SigningKey("k", Payload.of("psst"), 0);
    assertThat(key.toString()).isEqualTo("SigningKey[k]");
  }
}
