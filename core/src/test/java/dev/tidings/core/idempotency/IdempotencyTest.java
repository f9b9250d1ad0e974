// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.command.ForgetReceipts;
import dev.tidings.core.command.Publish;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.subscription.Subscriptions;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IdempotencyTest {
  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private final ManualTime time = new ManualTime();
  private CrankedNode node;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(new MemoryStore(memory), 2, limits(10, 15), time);
  }

  private static Node.Limits limits(int keysPerUser, int keys) {
    return new Node.Limits(
        64 << 20,
        64 << 20,
        10_000,
        64 << 20,
        new CommitLane.Limits(1000, 16 << 20),
        1000,
        1000,
        new Receipts.Limits(600_000, keysPerUser, keys),
        Subscriptions.Limits.DEFAULT,
        StreamLimits.DEFAULT,
        ExchangeLimits.DEFAULT,
        ScheduleLimits.DEFAULT);
  }

  private Publish publishing(
      CrankedNode on, String topic, String user, String key, int item, String... payloads) {
    Publish plain = on.publishing(topic, payloads);
    Fingerprint fingerprint =
        Fingerprint.of("/", (topic + List.of(payloads)).getBytes(StandardCharsets.UTF_8));
    return new Publish(
        topic,
        plain.authority(),
        plain.messages(),
        Optional.of(new KeyedRequest(user, key, item, fingerprint)));
  }

  private Reply<Publish.Published> publish(String topic, String key, String... payloads) {
    return node.submit(publishing(node, topic, "ada", key, 0, payloads));
  }

  private int stored(String topic) throws Exception {
    int incarnation = node.node().directory().topic(topic).orElseThrow().incarnation();
    return new MemoryStore(memory).read(incarnation, 0, 1000, 1 << 20).messages().size();
  }

  private void restart() throws Exception {
    node = CrankedNode.on(new MemoryStore(memory), 2, limits(10, 15), time);
  }

  @Test
  void repeatedRequest_getsTheSameIds_alsoWhileTheFirstIsUnderWay() throws Exception {
    var first = publish("t", "k", "1", "2");
    node.settleExecutors();
    // Nothing is durable yet: neither is answered.
    var second = publish("t", "k", "1", "2");
    node.settleExecutors();
    assertThat(first.isAnswered()).isFalse();
    assertThat(second.isAnswered()).isFalse();
    node.settle();
    var third = publish("t", "k", "1", "2");
    node.settle();
    assertThat(CrankedNode.ids(second.done())).isEqualTo(CrankedNode.ids(first.done())).hasSize(2);
    assertThat(CrankedNode.ids(third.done())).isEqualTo(CrankedNode.ids(first.done()));
    assertThat(List.of(first, second, third))
        .extracting(reply -> reply.done().repeated())
        .containsExactly(false, true, true);
    assertThat(stored("t")).isEqualTo(2);
  }

  @Test
  void repeatedRequest_afterARestart_getsTheSameIds() throws Exception {
    var first = publish("t", "k", "1");
    node.settle();
    restart();
    var second = publish("t", "k", "1");
    node.settle();
    assertThat(CrankedNode.ids(second.done())).isEqualTo(CrankedNode.ids(first.done()));
    assertThat(stored("t")).isEqualTo(1);
  }

  @Test
  void otherRequestUnderTheKey_isRefused_whateverItsTopic() throws Exception {
    var first = publish("t", "k", "1");
    node.settle();
    var otherBody = publish("t", "k", "2");
    var otherTopic = publish("u", "k", "1");
    node.settle();
    assertThat(CrankedNode.ids(first.done())).hasSize(1);
    assertThat(otherBody.refusal().code()).isEqualTo(Refusal.Code.KEY_REUSED);
    assertThat(otherTopic.refusal().code()).isEqualTo(Refusal.Code.KEY_REUSED);
    assertThat(node.node().directory().topic("u")).isEmpty();
  }

  @Test
  void sameKeyOfAnotherUser_isAnotherKey() throws Exception {
    var ada = node.submit(publishing(node, "t", "ada", "k", 0, "1"));
    node.settle();
    var bob = node.submit(publishing(node, "t", "bob", "k", 0, "1"));
    node.settle();
    assertThat(CrankedNode.ids(bob.done())).isNotEqualTo(CrankedNode.ids(ada.done()));
    assertThat(stored("t")).isEqualTo(2);
  }

  @Test
  void partsOfOneRequest_areAnsweredEachForItself() throws Exception {
    Publish one = publishing(node, "t", "ada", "k", 0, "1");
    KeyedRequest request = one.request().orElseThrow();
    var first = node.submit(one);
    node.settle();
    KeyedRequest part = new KeyedRequest("ada", "k", 5, request.fingerprint());
    Publish plain = node.publishing("u", "1");
    Publish other = new Publish("u", plain.authority(), plain.messages(), Optional.of(part));
    var second = node.submit(other);
    node.settle();
    var again = node.submit(other);
    node.settle();
    assertThat(CrankedNode.ids(first.done())).isNotEqualTo(CrankedNode.ids(second.done()));
    assertThat(CrankedNode.ids(again.done())).isEqualTo(CrankedNode.ids(second.done()));
    assertThat(node.node().receipts().keys()).isEqualTo(1);
  }

  @Test
  void requestOfATopicThatIsGone_isStillAnswered_andMakesNone() throws Exception {
    var first = publish("t", "k", "1");
    node.settle();
    var topic = node.node().directory().topic("t").orElseThrow();
    var deleted = node.submit(new DeleteTopic("t", topic.incarnation()));
    node.settle();
    var again = publish("t", "k", "1");
    node.settle();
    assertThat(deleted.done()).isEqualTo(topic);
    assertThat(CrankedNode.ids(again.done())).isEqualTo(CrankedNode.ids(first.done()));
    assertThat(node.node().directory().topic("t")).isEmpty();
  }

  @Test
  void refusedRequest_leavesTheKeyFree() throws Exception {
    var topic = node.createTopic("t");
    Publish late = publishing(node, "t", "ada", "k", 0, "1");
    var _ = node.submit(new DeleteTopic("t", topic.incarnation()));
    node.settle();
    var refused = node.submit(late);
    node.settle();
    assertThat(refused.refusal().code()).isEqualTo(Refusal.Code.STALE_AUTHORITY);
    assertThat(node.node().receipts().keys()).isZero();
    var other = publish("u", "k", "2");
    node.settle();
    assertThat(CrankedNode.ids(other.done())).hasSize(1);
  }

  @Test
  void keyIsFreeAgain_whenItsTimeIsUp_andTheStoreForgets() throws Exception {
    var first = publish("t", "k", "1");
    node.settle();
    time.advance(Duration.ofMillis(599_999));
    var repeated = publish("t", "k", "1");
    node.settle();
    time.advance(Duration.ofMillis(1));
    var anew = publish("t", "k", "other");
    node.settle();
    assertThat(CrankedNode.ids(repeated.done())).isEqualTo(CrankedNode.ids(first.done()));
    assertThat(CrankedNode.ids(anew.done())).hasSize(1);
    time.advance(Duration.ofMinutes(10));
    for (int slot : node.node().receipts().sweep(time.wallMs())) {
      var _ = node.submit(new ForgetReceipts(slot, time.wallMs()));
    }
    node.settle();
    assertThat(node.node().receipts().keys()).isZero();
    assertThat(new MemoryStore(memory).loadReceipts())
        .allMatch(receipt -> receipt.expiresAt() >= time.wallMs());
  }

  @Test
  void keys_areBounded_forAUserAndInAll() throws Exception {
    var _ = node.createTopic("t");
    List<Reply<Publish.Published>> replies = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      replies.add(publish("t", "k" + i, "1"));
    }
    node.settle();
    assertThat(replies.get(9).done().ids()).hasSize(1);
    assertThat(replies.get(10).refusal().code()).isEqualTo(Refusal.Code.TOO_MANY_KEYS);
    assertThat(replies.get(10).refusal().detail()).contains("10", "15", "600 s");
    var known = publish("t", "k3", "1");
    List<Reply<Publish.Published>> others = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      others.add(node.submit(publishing(node, "t", "bob", "k" + i, 0, "1")));
    }
    node.settle();
    assertThat(CrankedNode.ids(known.done())).isEqualTo(replies.get(3).done().ids());
    assertThat(others.get(4).done().ids()).hasSize(1);
    assertThat(others.get(5).refusal().code()).isEqualTo(Refusal.Code.TOO_MANY_KEYS);
    time.advance(Duration.ofMinutes(10));
    assertThat(node.node().receipts().sweep(time.wallMs())).isNotEmpty();
    var later = publish("t", "k10", "1");
    node.settle();
    assertThat(CrankedNode.ids(later.done())).hasSize(1);
  }

  /// Requests are made again and again, over failures of the store and restarts: none is carried
  /// out twice, and all answers to one agree.
  @Test
  void noRequestIsCarriedOutTwice() throws Exception {
    for (long seed = 1; seed <= 40; seed++) {
      new Trial(seed).run();
    }
  }

  private final class Trial {
    private final Random random;
    private final MemoryStore.Memory trialMemory = new MemoryStore.Memory();
    private final FaultyStore store;
    private CrankedNode trialNode;
    private final Map<String, Set<List<MessageId>>> answers = new HashMap<>();
    private final Map<Reply<Publish.Published>, String> replies = new HashMap<>();

    Trial(long seed) throws Exception {
      random = new Random(seed);
      store = new FaultyStore(new MemoryStore(trialMemory), seed);
      trialNode = CrankedNode.on(store, 2, limits(1000, 1000), new ManualTime());
    }

    void run() throws Exception {
      for (int step = 0; step < 60; step++) {
        String topic = "t" + random.nextInt(3);
        String key = topic + "-" + random.nextInt(6);
        replies.put(
            trialNode.submit(
                publishing(trialNode, topic, "ada", key, 0, key, key), random.nextInt(2)),
            key);
        switch (random.nextInt(6)) {
          case 0 -> crank();
          case 1 -> trialNode.settleExecutors();
          case 2 -> {
            double chance = random.nextDouble() / 2;
            var _ =
                store.rate(
                    FaultyStore.Method.COMMIT, new FaultyStore.Rates(chance / 2, chance / 2, 0));
            crank();
            var _ = store.rate(FaultyStore.Method.COMMIT, FaultyStore.Rates.NONE);
          }
          case 3 -> {
            if (random.nextInt(4) == 0) {
              // What was under way is lost with the process, or was written and never answered.
              if (random.nextBoolean()) {
                crank();
              } else {
                trialNode.settleExecutors();
                long _ = trialNode.node().lane().step();
              }
              trialNode =
                  CrankedNode.on(
                      new MemoryStore(trialMemory), 2, limits(1000, 1000), new ManualTime());
            }
          }
          default -> {}
        }
      }
      crank();
      replies.forEach((reply, key) ->
          reply
              .outcome()
              .filter(outcome -> outcome instanceof Outcome.Done)
              .ifPresent(_ ->
                  answers
                      .computeIfAbsent(key, _ -> new HashSet<>())
                      .add(CrankedNode.ids(reply.done()))));
      assertThat(answers).isNotEmpty();
      assertThat(answers.values()).allMatch(ids -> ids.size() == 1);
      Map<String, Integer> copies = new HashMap<>();
      for (var topic : trialNode.node().directory().topics().values()) {
        for (var message :
            new MemoryStore(trialMemory).read(topic.incarnation(), 0, 1000, 1 << 20).messages()) {
          copies.merge(message.payload().text(), 1, Integer::sum);
        }
      }
      assertThat(copies.values()).allMatch(count -> count == 2);
      assertThat(copies.keySet()).containsAll(answers.keySet());
    }

    private void crank() {
      for (int i = 0; i < 30; i++) {
        trialNode.settle();
        trialNode.time().advance(Duration.ofMillis(500));
      }
    }
  }
}
