// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedExecutor;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Outbox;
import dev.tidings.core.store.OutboxMessage;
import dev.tidings.core.store.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A node with a pump, driven by hand.
final class Pumping {
  private static final int MAX_STEPS = 100_000;

  final MemoryStore.Memory memory = new MemoryStore.Memory();
  final LeftMessages left = new LeftMessages(memory);
  private final int loops;
  private final Node.Limits limits;
  private final long seed;
  private int starts;
  FaultyStore store;
  ManualTime time = new ManualTime();
  CrankedNode node;
  OutboxPump pump;
  Runnable whileReading = () -> {};

  Pumping(int loops, Node.Limits limits, long seed) throws StoreException {
    this.loops = loops;
    this.limits = limits;
    this.seed = seed;
    store = new FaultyStore(left, seed);
    node = CrankedNode.on(store, loops, limits, time);
    pump = newPump();
  }

  static Pumping create() throws StoreException {
    return new Pumping(1, CrankedNode.LIMITS, 1);
  }

  private OutboxPump newPump() {
    Outbox outbox = new SlowOutbox(store.outbox().orElseThrow());
    return new OutboxPump(node.node(), outbox, time, node.executor(0));
  }

  /// Other things go on between the reading of a page and its being there.
  private final class SlowOutbox implements Outbox {
    private final Outbox outbox;

    private SlowOutbox(Outbox outbox) {
      this.outbox = outbox;
    }

    @Override
    public List<OutboxMessage> read(Set<String> without, int maxMessages, long maxBytes)
        throws StoreException {
      List<OutboxMessage> page = outbox.read(without, maxMessages, maxBytes);
      whileReading.run();
      return page;
    }

    @Override
    public void await(Duration timeout) throws StoreException, InterruptedException {
      outbox.await(timeout);
    }
  }

  /// Another process takes over; this one is cranked no more, unless it is cranked by itself.
  void restart() throws StoreException {
    starts++;
    long seed = this.seed + starts;
    time = new ManualTime();
    store = new FaultyStore(left, seed);
    node = CrankedNode.on(store, loops, limits, time);
    pump = newPump();
  }

  // ---- cranking ----

  /// Runs everything until nothing is left to do without more time passing.
  void settle() {
    boolean more = true;
    for (int i = 0; more; i++) {
      assertThat(i).as("steps without coming to rest").isLessThan(MAX_STEPS);
      node.settle();
      more = pump.step() instanceof OutboxPump.Next.Step;
      more |= node.executors().stream().anyMatch(it -> it.pending() > 0);
    }
  }

  /// Time passes at once, and everything settles.
  void pass(long ms) {
    time.advance(Duration.ofMillis(ms));
    settle();
  }

  void passInSteps(long ms, long step) {
    for (long passed = 0; passed < ms; passed += step) {
      pass(step);
    }
  }

  /// One thing more, whichever has something to do.
  void crankOne(int which) {
    crankOne(which, node, pump);
  }

  /// One thing more of a node and its pump.
  static void crankOne(int which, CrankedNode node, OutboxPump pump) {
    switch (which) {
      case 0 -> {
        OutboxPump.Next _ = pump.step();
      }
      case 1 -> {
        long _ = node.node().lane().step();
      }
      case 2 -> {
        boolean _ = node.blocking().runOne();
      }
      default -> {
        for (CrankedExecutor executor : node.executors()) {
          boolean _ = executor.runOne();
        }
      }
    }
  }

  /// The store comes back for good, and the node takes notice.
  void heal() throws StoreException {
    store.up();
    store.faultsOff();
    store.reopen();
    settle();
    for (int i = 0;
        node.node().lane().phase() != CommitLane.Phase.RUNNING
            || !node.node().lane().status().accepting();
        i++) {
      assertThat(i).as("%s", node.node().lane().status()).isLessThan(100);
      pass(500);
    }
    // Pauses and topics put aside take two seconds each at most, some after one another.
    passInSteps(15_000, 500);
  }

  // ---- asking ----

  <R> R done(Command<R> command) {
    Reply<R> reply = node.submit(command);
    settle();
    return reply.done();
  }

  Topic create(String name) {
    return done(creating(name));
  }

  static CreateTopic creating(String name) {
    return new CreateTopic(name, CrankedNode.OWNER, false, Optional.empty());
  }

  Topic topic(String name) {
    return node.node().directory().topic(name).orElseThrow();
  }

  Topic delete(String name) {
    return done(new DeleteTopic(name, topic(name).incarnation()));
  }

  OutboxPump.Figures figures() {
    return pump.figures();
  }

  /// Nothing waits, and nobody is owed an answer.
  void checkEmpty() throws StoreException {
    assertThat(left.waiting).isEmpty();
    assertThat(left.outbox().orElseThrow().read(Set.of(), 1, 1)).isEmpty();
    assertThat(node.node().backlog().commands()).isZero();
    assertThat(node.node().backlog().bytes()).isZero();
  }
}
