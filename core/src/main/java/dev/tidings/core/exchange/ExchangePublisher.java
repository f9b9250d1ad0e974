// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.command.Enqueue;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.SerialExecutor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Publishes to exchanges: routes a message without locks, by the directory as it is just then, and
/// hands a copy for every queue to the shards that own them. Any thread.
///
/// Queues that lie in one shard get theirs together, but for those for which something may have to
/// be loaded first: so no queue waits for another's, and what is published from one executor
/// reaches a queue in the order in which it was published. There is no bond between shards: where
/// one refuses, others may have taken theirs.
public final class ExchangePublisher {
  /// So many bytes one command copies at most, but for a single copy.
  private static final long MAX_COPIED = 4L << 20;

  /// So many queues one command serves at most.
  private static final int MAX_COPIES = 1000;

  private final Node node;

  /// A publisher to the exchanges of `node`.
  public ExchangePublisher(Node node) {
    this.node = node;
  }

  /// Where a message went.
  ///
  /// @param copies how many queues got one
  /// @param dropped how many older messages full queues dropped for it
  /// @param full the names of the queues that were full and refused it, in order
  public record Routed(int copies, long dropped, List<String> full) {
    static final Routed NOWHERE = new Routed(0, 0, List.of());

    public Routed {
      full = full.stream().sorted().toList();
    }
  }

  /// Who gets their copies with one command.
  ///
  /// @param overflow of the queues, where they are transient: it matters when memory is short
  /// @param alone the number of the log of the only queue in it; 0 if there may be others
  private record Together(
      int shard, boolean durable, Optional<Queue.Overflow> overflow, int alone) {
    static Together of(Queue queue, Node node) {
      boolean isReady =
          queue.bounds().maxLength().isEmpty() && node.isInMemory(queue.incarnation());
      return new Together(
          queue.slot() % node.shards(),
          queue.durable(),
          queue.durable() ? Optional.empty() : Optional.of(queue.bounds().overflow()),
          isReady ? 0 : queue.incarnation());
    }
  }

  /// Publishes a message.
  ///
  /// @param exchange as the caller was authorised for it
  /// @param key the routing key
  /// @param payload one JSON value
  /// @param priority what work queues order it by
  /// @param home where it is answered
  /// @param reply called once every copy is as safe as its queue keeps it, or one was refused: then
  ///   others may have been put
  public void publish(
      Exchange exchange,
      String key,
      Payload payload,
      Ordering priority,
      SerialExecutor home,
      Consumer<Outcome<Routed>> reply) {
    Set<Target> targets = node.directory().routes().route(exchange, key);
    Optional<Refusal> damage = damage(targets);
    List<Enqueue> commands = commands(targets, payload, priority);
    if (commands.isEmpty()) {
      reply.accept(
          damage
              .<Outcome<Routed>>map(Outcome.Refused::new)
              .orElseGet(() -> Outcome.done(Routed.NOWHERE)));
      return;
    }
    Gathering gathering = new Gathering(commands.size(), damage, reply);
    for (Enqueue command : commands) {
      node.submit(command, home, gathering::answered);
    }
  }

  /// Why a queue of `targets` cannot take its copy, if something of one is damaged.
  private Optional<Refusal> damage(Set<Target> targets) {
    return targets.stream()
        .flatMap(target -> node.directory().damageOfQueue(target.queue()).stream())
        .findFirst()
        .map(detail -> new Refusal(Refusal.Code.DAMAGED, detail));
  }

  private List<Enqueue> commands(Set<Target> targets, Payload payload, Ordering priority) {
    Directory directory = node.directory();
    Map<Together, List<Target>> groups = new HashMap<>();
    for (Target target : targets) {
      Optional<Queue> queue = directory.queue(target.queue());
      if (queue.isPresent() && directory.damageOfQueue(target.queue()).isEmpty()) {
        groups.computeIfAbsent(Together.of(queue.get(), node), _ -> new ArrayList<>()).add(target);
      }
    }
    int most = Math.clamp(MAX_COPIED / Math.max(1, payload.size()), 1, MAX_COPIES);
    List<Enqueue> commands = new ArrayList<>(groups.size());
    groups.forEach((group, all) -> {
      for (int from = 0; from < all.size(); from += most) {
        int to = Math.min(all.size(), from + most);
        commands.add(
            new Enqueue(
                all.subList(from, to), group.durable(), payload, priority, commands.isEmpty()));
      }
    });
    return commands;
  }

  /// What has come of the commands of one message; touched by the executor of its caller alone.
  private static final class Gathering {
    private final Consumer<Outcome<Routed>> reply;
    private final List<String> full = new ArrayList<>();
    private Optional<Refusal> refusal;
    private int open;
    private int copies;
    private long dropped;

    Gathering(int open, Optional<Refusal> refusal, Consumer<Outcome<Routed>> reply) {
      this.open = open;
      this.refusal = refusal;
      this.reply = reply;
    }

    void answered(Outcome<Enqueue.Enqueued> outcome) {
      switch (outcome) {
        case Outcome.Done<Enqueue.Enqueued>(Enqueue.Enqueued enqueued) -> {
          copies += enqueued.copies();
          dropped += enqueued.dropped();
          full.addAll(enqueued.full());
        }
        case Outcome.Refused<Enqueue.Enqueued>(Refusal refused) -> refusal = Optional.of(refused);
      }
      if (--open == 0) {
        reply.accept(
            refusal
                .<Outcome<Routed>>map(Outcome.Refused::new)
                .orElseGet(() -> Outcome.done(new Routed(copies, dropped, full))));
      }
    }
  }
}
