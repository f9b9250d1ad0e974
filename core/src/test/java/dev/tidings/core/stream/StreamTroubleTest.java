// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.ConfirmReceived;
import dev.tidings.core.command.LeaveStream;
import dev.tidings.core.command.ReceiveFromStream;
import dev.tidings.core.command.ReplayStream;
import dev.tidings.core.command.ReturnReceived;
import dev.tidings.core.command.SendToStream;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CrankedExecutor;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/// Random callers at a few streams whose store fails: what was answered is what is there.
class StreamTroubleTest {
  private static final List<String> STREAMS = List.of("a", "b", "c");
  private static final long TTL_MS = Duration.ofDays(1).toMillis();

  @Property(tries = 200)
  void whatWasAnswered_isWhatIsThere(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 200) int steps) throws Exception {
    new World(seed).run(steps);
  }

  private record Sent(Sending sending, String text, Reply<Boolean> reply) {}

  private static final class World {
    private final Random random;
    private final FaultyStore store;
    private final CrankedNode node;
    private final List<Sent> sent = new ArrayList<>();
    private final List<StreamCall> gone = new ArrayList<>();
    private final Map<StreamCall, Reply<?>> open = new HashMap<>();
    private final List<Received> inHand = new ArrayList<>();
    private final List<String> received = new ArrayList<>();
    private int texts;

    World(long seed) throws StoreException {
      random = new Random(seed);
      store = new FaultyStore(new MemoryStore(), seed);
      node = CrankedNode.on(store, 2);
      trouble();
    }

    private void trouble() {
      Rates rates = new Rates(0.1, 0.1, 0.1);
      var _ = store.rate(Method.COMMIT, rates);
      var _ = store.rate(Method.REOPEN, new Rates(0.3, 0, 0.1));
      var _ = store.rate(Method.WAS_COMMITTED, new Rates(0.2, 0, 0));
      var _ = store.rate(Method.EXTENT, rates);
      var _ = store.rate(Method.READ, rates);
    }

    void run(int steps) {
      for (int i = 0; i < steps; i++) {
        act();
        crank(random.nextInt(4));
        collect();
      }
      heal();
      check();
    }

    private void act() {
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3 -> send();
        case 4, 5, 6 -> receive(pick(STREAMS), 1 + random.nextInt(3), random.nextInt(2_000));
        case 7 -> {
          List<StreamCall> waiting = List.copyOf(open.keySet());
          if (!waiting.isEmpty() && random.nextBoolean()) {
            StreamCall call = pick(waiting);
            gone.add(call);
            var _ = submit(new LeaveStream(call));
          }
        }
        case 8 -> {
          if (!inHand.isEmpty()) {
            settle(inHand.remove(random.nextInt(inHand.size())), random.nextBoolean());
          }
        }
        default -> node.time().advance(Duration.ofMillis(random.nextInt(400)));
      }
    }

    private <T> T pick(List<T> from) {
      return from.get(random.nextInt(from.size()));
    }

    private <R> Reply<R> submit(Command<R> command) {
      return node.submit(command, random.nextInt(2));
    }

    private void send() {
      boolean again = !sent.isEmpty() && random.nextInt(8) == 0;
      Sending former = again ? sent.getLast().sending() : null;
      String text = again ? sent.getLast().text() : "" + texts++;
      Sending sending =
          new Sending(
              former == null ? pick(STREAMS) : former.stream(),
              UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8)),
              Payload.of(text),
              random.nextInt(4),
              // Nothing is dropped, so that everything taken is received.
              1 + random.nextInt(4_000),
              random.nextInt(3) > 0 ? OptionalLong.of(TTL_MS) : OptionalLong.empty(),
              "me");
      Reply<Boolean> reply = submit(new SendToStream(sending));
      sent.add(new Sent(sending, text, reply));
      open.put(sending, reply);
    }

    private void receive(String stream, int max, long timeoutMs) {
      Receiving receiving = new Receiving(stream, max, timeoutMs);
      open.put(receiving, submit(new ReceiveFromStream(receiving)));
    }

    /// Takes what has been answered.
    private void collect() {
      open.entrySet()
          .removeIf(entry -> {
            Reply<?> reply = entry.getValue();
            if (reply.isAnswered() && entry.getKey() instanceof Receiving) {
              inHand.add((Received) reply.done());
            }
            return reply.isAnswered();
          });
    }

    private void settle(Received handed, boolean arrived) {
      if (arrived) {
        handed.messages().forEach(it -> received.add(it.payload().text()));
        if (handed.needsConfirmation()) {
          var _ = submit(new ConfirmReceived(handed));
        }
      } else {
        var _ = submit(new ReturnReceived(handed));
      }
    }

    private void crank(int tasks) {
      for (int i = 0; i < tasks; i++) {
        switch (random.nextInt(4)) {
          case 0, 1 -> {
            CrankedExecutor loop = node.executor(random.nextInt(2));
            boolean _ = loop.runOne();
          }
          case 2 -> {
            boolean _ = node.blocking().runOne();
          }
          default -> {
            long _ = node.node().lane().step();
          }
        }
      }
    }

    private void heal() {
      store.faultsOff();
      for (int i = 0; i < 10; i++) {
        node.time().advance(Duration.ofSeconds(3));
        node.settle();
        collect();
        inHand.forEach(it -> settle(it, true));
        inHand.clear();
        node.settle();
        STREAMS.forEach(it -> receive(it, 1_000, 0));
        node.settle();
        collect();
      }
    }

    private List<String> stored(String stream) {
      Replaying replaying = new Replaying(stream, Optional.empty(), 10_000, 0);
      Reply<Replayed> reply = submit(new ReplayStream(replaying));
      node.settle();
      return reply.done() instanceof Replayed.Found found
          ? found.messages().stream().map(Message::payload).map(Payload::text).toList()
          : List.of();
    }

    private void check() {
      assertThat(node.node().lane().status().accepting()).isTrue();
      assertThat(gone).containsAll(open.keySet());
      // Taken at most once, also where it was sent again.
      assertThat(received).doesNotHaveDuplicates();
      Map<String, List<String>> logs = new HashMap<>();
      for (String stream : STREAMS) {
        logs.put(stream, stored(stream));
        assertThat(logs.get(stream)).doesNotHaveDuplicates();
      }
      Map<String, Boolean> taken = new HashMap<>();
      for (Sent each : sent) {
        boolean isDone =
            each.reply().outcome().equals(Optional.of(Outcome.done(/* result= */ true)));
        taken.merge(each.text(), isDone, Boolean::logicalOr);
      }
      for (Sent each : sent) {
        List<String> log = logs.getOrDefault(each.sending().stream(), List.of());
        boolean isReceived = received.contains(each.text());
        if (taken.getOrDefault(each.text(), false)) {
          assertThat(isReceived).as("%s, which was taken, is received", each.text()).isTrue();
        } else if (isCertain(each.text())) {
          assertThat(isReceived || log.contains(each.text()))
              .as("%s, which was not taken, is there", each.text())
              .isFalse();
        }
        if (log.contains(each.text())) {
          assertThat(received).contains(each.text());
        }
      }
      StreamFigures figures = node.node().streamFigures();
      for (int i = 0; i < 4; i++) {
        node.time().advance(Duration.ofSeconds(60));
        node.node().tend(node.time(), node.executor(0));
        node.settle();
      }
      assertThat(figures.messages()).isZero();
      assertThat(figures.receivers()).isZero();
      assertThat(figures.senders()).isZero();
      assertThat(figures.streams()).isZero();
      assertThat(figures.bytes()).isZero();
      assertThat(node.node().backlog().commands()).isZero();
      assertThat(node.node().backlog().bytes()).isZero();
    }

    /// Whether everybody who sent it was told, and nobody that the outcome is unknown.
    private boolean isCertain(String text) {
      return sent.stream()
          .filter(it -> it.text().equals(text))
          .allMatch(it ->
              switch (it.reply().outcome().orElse(null)) {
                case null -> false;
                case Outcome.Done<Boolean> _ -> true;
                case Outcome.Refused<Boolean>(Refusal refusal) ->
                    refusal.code() != Refusal.Code.OUTCOME_UNKNOWN;
              });
    }
  }
}
