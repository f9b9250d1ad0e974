// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Messages left for topics that come and go, in random steps with faults, takeovers and logs that
/// cannot be opened, from a seed. [LeftMessages] judges each commit.
final class OutboxSimulationTest {
  private static final long TIME_NS = Duration.ofSeconds(6).toNanos();
  private static final int STEPS = 3_000;

  @Test
  void everyMessage_isDeliveredOnceAndInOrder() throws Exception {
    // A fresh seed each time, printed when it fails; -Dtidings.seed=N repeats one.
    Long repeated = Long.getLong("tidings.seed");
    long seed = repeated != null ? repeated : new Random().nextLong();
    long startNs = System.nanoTime();
    do {
      try {
        new World(seed).run();
      } catch (Throwable e) {
        throw new AssertionError("seed " + seed + ": repeat with -Dtidings.seed=" + seed, e);
      }
      seed++;
    } while (repeated == null && System.nanoTime() - startNs < TIME_NS);
  }

  /// A process that was taken over from, and does not know.
  private record Former(CrankedNode node, OutboxPump pump) {}

  private static final class World {
    private static final List<String> STAYING = List.of("stays", "stays too");
    private static final List<String> PASSING = List.of("a", "b", "c");

    private final Random random;
    private final Pumping on;
    private final boolean hasFaults;
    private final List<Former> former = new ArrayList<>();
    private final List<Integer> logs = new ArrayList<>();
    private long left;

    World(long seed) throws StoreException {
      random = new Random(seed);
      hasFaults = random.nextInt(4) > 0;
      Node.Limits limits =
          new Node.Limits(
              1 << 20,
              1 << 20,
              random.nextBoolean() ? 3 : 10_000,
              1 << 20,
              new CommitLane.Limits(1 + random.nextInt(50), 1 << 20));
      on = new Pumping(1 + random.nextInt(3), limits, seed);
      for (String name : STAYING) {
        logs.add(on.create(name).incarnation());
      }
    }

    void run() throws Exception {
      setRates();
      boolean isSlow = random.nextBoolean();
      on.whileReading =
          () -> {
            for (int i = isSlow ? random.nextInt(40) : 0; i > 0; i--) {
              if (random.nextInt(5) == 0) {
                on.time.advance(Duration.ofMillis(random.nextInt(1000)));
              }
              on.crankOne(1 + random.nextInt(3));
            }
          };
      for (int i = 0; i < STEPS; i++) {
        step();
      }
      on.left.unreadable.clear();
      // From here on everything comes to rest.
      on.whileReading = () -> {};
      on.heal();
      judge();
    }

    private void setRates() {
      if (!hasFaults) {
        return;
      }
      for (Method method :
          List.of(Method.COMMIT, Method.WAS_COMMITTED, Method.EXTENT, Method.READ_OUTBOX)) {
        double often = random.nextInt(3) * 0.05;
        var _ = on.store.rate(method, new Rates(often, often, often));
      }
      if (random.nextInt(4) == 0) {
        // Long enough for callers to be told that the outcome is unknown.
        var _ = on.store.rate(Method.WAS_COMMITTED, new Rates(0.95, 0, 0));
      }
    }

    private void step() throws StoreException {
      switch (random.nextInt(40)) {
        case 0, 1, 2, 3 -> leave();
        case 4 -> {
          var _ = on.node.submit(Pumping.creating(oneOf(PASSING)));
        }
        case 5 -> {
          Optional<Topic> topic = on.node.node().directory().topic(oneOf(PASSING));
          topic.ifPresent(it -> {
            var _ = on.node.submit(new DeleteTopic(it.name(), it.incarnation()));
          });
        }
        case 6, 7, 8 -> on.time.advance(Duration.ofMillis(random.nextInt(1000)));
        case 9 -> rarely();
        case 10 -> {
          if (!former.isEmpty()) {
            Former one = former.get(random.nextInt(former.size()));
            for (int i = 0; i < 5; i++) {
              Pumping.crankOne(random.nextInt(4), one.node(), one.pump());
            }
          }
        }
        default -> on.crankOne(random.nextInt(4));
      }
    }

    private void leave() {
      String topic =
          random.nextInt(20) == 0 ? "nowhere" : oneOf(random.nextBoolean() ? STAYING : PASSING);
      int count = random.nextInt(50) == 0 ? 1500 : 1 + random.nextInt(4);
      for (int i = 0; i < count; i++) {
        long _ = on.left.leave(topic, random.nextInt(30));
        left++;
      }
    }

    private void rarely() throws StoreException {
      switch (random.nextInt(12)) {
        case 0 -> {
          on.store.down();
          on.time.advance(Duration.ofMillis(random.nextInt(10_000)));
        }
        case 1, 2, 3 -> on.store.up();
        case 4 -> {
          former.add(new Former(on.node, on.pump));
          on.restart();
          setRates();
        }
        case 5 -> on.left.unreadable.add(logs.get(random.nextInt(logs.size())));
        case 6, 7 -> on.left.unreadable.clear();
        default -> setRates();
      }
    }

    private String oneOf(List<String> names) {
      return names.get(random.nextInt(names.size()));
    }

    private void judge() throws StoreException {
      on.checkEmpty();
      assertThat(on.left.delivered.values()).allSatisfy(ids -> assertThat(ids).isSorted());
      assertThat(on.left.dropped.values()).allSatisfy(ids -> assertThat(ids).isSorted());
      assertThat(on.left.dropped).doesNotContainKeys("stays", "stays too");
      assertThat(on.left.delivered).doesNotContainKey("nowhere");
      assertThat(
              LeftMessages.all(on.left.delivered).size() + LeftMessages.all(on.left.dropped).size())
          .isEqualTo(left);
      assertThat(on.figures().aside()).isZero();
    }
  }
}
