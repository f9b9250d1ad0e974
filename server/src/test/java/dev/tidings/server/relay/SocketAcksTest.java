// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SocketAcksTest {
  private static final FaultyStore.Rates ALWAYS = new FaultyStore.Rates(1, 0, 0);

  private final FaultyStore store = new FaultyStore(new MemoryStore(), 1);
  private CrankedNode node;
  private Topic topic;
  private SocketAcks acks;

  @BeforeEach
  void makeNode() throws Exception {
    node = CrankedNode.on(store, 1);
    topic = node.createTopic("t");
    acks = new SocketAcks(node.node(), node.executor(0), "c", "ada");
  }

  private void ack(long sequence) {
    acks.acked("t", new MessageId(node.time().wallMs(), sequence, topic.incarnation()));
  }

  private void flush() {
    node.executor(0).run(acks::flush);
    settle();
  }

  private void settle() {
    // As long as a lane in trouble may take until it has made up its mind.
    for (int i = 0; i < 20; i++) {
      node.settle();
      node.time().advance(Duration.ofMillis(500));
    }
  }

  private List<Long> noted() {
    return node.node().directory().consumers(topic.incarnation()).stream()
        .map(Consumer::ackedSequence)
        .toList();
  }

  /// Acks `sequence` and hands it in while the store fails.
  private void failWith(long sequence) {
    var _ = store.rate(FaultyStore.Method.COMMIT, ALWAYS);
    ack(sequence);
    flush();
    var _ = store.rate(FaultyStore.Method.COMMIT, FaultyStore.Rates.NONE);
    settle();
    assertThat(noted()).isEmpty();
  }

  @Test
  void newestAck_isHandedIn_whateverTheirOrder() {
    ack(2);
    ack(5);
    ack(3);
    assertThat(noted()).isEmpty();
    flush();
    assertThat(noted()).containsExactly(5L);
  }

  @Test
  void ackThatAFailingStoreDidNotTake_isHandedInAgain() {
    failWith(4);
    flush();
    assertThat(noted()).containsExactly(4L);
  }

  @Test
  void ackThatCameMeanwhile_doesNotHideANewerOneThatFailed() {
    failWith(4);
    ack(2);
    flush();
    assertThat(noted()).containsExactly(4L);
  }

  @Test
  void ackThatFailed_doesNotHideANewerOneThatCameMeanwhile() {
    failWith(4);
    ack(6);
    flush();
    assertThat(noted()).containsExactly(6L);
  }

  @Test
  void ackOfATopicThatIsGone_isForgotten() {
    ack(4);
    var deleted = node.submit(new DeleteTopic("t", topic.incarnation()));
    settle();
    assertThat(deleted.done()).isEqualTo(topic);
    flush();
    Topic again = node.createTopic("t");
    flush();
    assertThat(node.node().directory().consumers(topic.incarnation())).isEmpty();
    assertThat(node.node().directory().consumers(again.incarnation())).isEmpty();
  }
}
