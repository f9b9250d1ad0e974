// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.ConfirmReceived;
import dev.tidings.core.command.ReceiveFromStream;
import dev.tidings.core.command.ReplayStream;
import dev.tidings.core.command.ReturnReceived;
import dev.tidings.core.command.SendToStream;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.MemoryStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The way through: one of each kind.
class StreamsFirstTest {
  private CrankedNode node;

  @BeforeEach
  void start() throws Exception {
    node = CrankedNode.on(new MemoryStore(), 2);
  }

  private Reply<Boolean> send(String text, int size, long timeoutMs, OptionalLong store) {
    Reply<Boolean> reply =
        node.submit(
            new SendToStream(
                new Sending(
                    "s",
                    UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8)),
                    Payload.of(text),
                    size,
                    timeoutMs,
                    store,
                    "me")));
    node.settle();
    return reply;
  }

  private Reply<Received> receive(int max, long timeoutMs) {
    Reply<Received> reply = node.submit(new ReceiveFromStream(new Receiving("s", max, timeoutMs)));
    node.settle();
    return reply;
  }

  private static List<String> texts(Received received) {
    return received.messages().stream().map(it -> it.payload().text()).toList();
  }

  @Test
  void circular_keepsTheNewest() {
    for (int i = 1; i <= 5; i++) {
      assertThat(send("" + i, 3, 0, OptionalLong.empty()).done()).isTrue();
    }
    assertThat(texts(receive(10, 0).done())).containsExactly("3", "4", "5");
  }

  @Test
  void blocking_waitsForRoom_orItsTimeIsUp() {
    send("1", 1, 1000, OptionalLong.empty());
    Reply<Boolean> second = send("2", 1, 1000, OptionalLong.empty());
    Reply<Boolean> third = send("3", 1, 2000, OptionalLong.empty());
    assertThat(second.isAnswered()).isFalse();
    node.time().advance(Duration.ofMillis(999));
    node.settle();
    assertThat(second.isAnswered()).isFalse();
    node.time().advance(Duration.ofMillis(1));
    node.settle();
    assertThat(second.done()).isFalse();
    assertThat(texts(receive(1, 0).done())).containsExactly("1");
    assertThat(third.done()).isTrue();
    assertThat(texts(receive(1, 0).done())).containsExactly("3");
  }

  @Test
  void rendezvous_isAnsweredWhenConfirmed() {
    Reply<Received> receiver = receive(1, 1000);
    Reply<Boolean> sender = send("1", 0, 1000, OptionalLong.empty());
    assertThat(sender.isAnswered()).isFalse();
    var _ = node.submit(new ReturnReceived(receiver.done()));
    node.settle();
    assertThat(sender.isAnswered()).isFalse();
    Received second = receive(1, 1000).done();
    assertThat(texts(second)).containsExactly("1");
    var _ = node.submit(new ConfirmReceived(second));
    node.settle();
    assertThat(sender.done()).isTrue();
  }

  @Test
  void durable_isReplayed() {
    for (int i = 1; i <= 3; i++) {
      assertThat(send("" + i, 3, 0, OptionalLong.of(60_000)).done()).isTrue();
    }
    Reply<Replayed> beginning =
        node.submit(new ReplayStream(new Replaying("s", Optional.empty(), 2, 0)));
    node.settle();
    Replayed.Found first = (Replayed.Found) beginning.done();
    assertThat(first.messages()).hasSize(2);
    Reply<Replayed> second =
        node.submit(new ReplayStream(new Replaying("s", Optional.of(first.next()), 2, 1000)));
    node.settle();
    Replayed.Found found = (Replayed.Found) second.done();
    assertThat(found.messages()).hasSize(1);
    Reply<Replayed> third =
        node.submit(new ReplayStream(new Replaying("s", Optional.of(found.next()), 2, 1000)));
    node.settle();
    assertThat(third.isAnswered()).isFalse();
    send("4", 3, 0, OptionalLong.of(60_000));
    assertThat(((Replayed.Found) third.done()).messages().getFirst().payload().text())
        .isEqualTo("4");
    assertThat(texts(receive(10, 0).done())).containsExactly("2", "3", "4");
  }
}
