// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.command;

import dev.tidings.core.directory.Queue;
import dev.tidings.core.exchange.Target;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.runtime.LogLoad;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.ShardState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Puts a message that was published to an exchange into queues of one shard: all that have room,
/// or none if it is refused. A queue that is gone by now gets nothing, as if it had been unbound
/// just before.
///
/// @param targets queues whose slots one shard owns, one or more, and either all durable or all
///   transient
/// @param durable which of both
/// @param payload one JSON value; all copies share it in memory
/// @param priority what work queues order it by
/// @param holdsPayload whether the payload counts among what waits: with the first of the commands
///   that share it
public record Enqueue(
    List<Target> targets, boolean durable, Payload payload, Ordering priority, boolean holdsPayload)
    implements Command<Enqueue.Enqueued> {
  private static final long OVERHEAD = 200;
  private static final long PER_COPY = 200;

  public Enqueue {
    targets = List.copyOf(targets);
  }

  /// What became of the copies.
  ///
  /// @param copies how many queues got one
  /// @param dropped how many older messages made room for them
  /// @param full the names of the queues that refused theirs
  public record Enqueued(int copies, long dropped, List<String> full) {
    public Enqueued {
      full = List.copyOf(full);
    }
  }

  @Override
  public int slot() {
    return Queue.slotOf(targets.getFirst().queue());
  }

  @Override
  public long size() {
    return OVERHEAD + PER_COPY * targets.size() + (holdsPayload ? payload.size() : 0);
  }

  @Override
  public boolean writes() {
    return durable;
  }

  @Override
  public boolean isTransient() {
    return !durable;
  }

  @Override
  public Step<Enqueued> handle(ShardState state) {
    List<Queue> queues = new ArrayList<>(targets.size());
    List<String> full = new ArrayList<>();
    for (Target target : targets) {
      Optional<Queue> queue =
          state.queue(target.queue()).filter(it -> it.incarnation() == target.incarnation());
      if (queue.isEmpty()) {
        continue;
      }
      Optional<Load> missing = missing(state, queue.get());
      if (missing.isPresent()) {
        return new Step.Needs<>(missing.get());
      }
      if (isFull(state, queue.get())) {
        full.add(queue.get().name());
      } else {
        queues.add(queue.get());
      }
    }
    boolean dropping =
        queues.stream().allMatch(it -> it.bounds().overflow() == Queue.Overflow.DROP_OLDEST);
    // Asked once: other shards change it meanwhile.
    boolean isShort = !durable && !state.hasTransientRoom(payload.size(), targets.size());
    if (isShort && !(dropping && state.mayExceedTransientMemory())) {
      return Step.refused(
          Refusal.Code.OVERLOADED,
          "transient queues hold as much as they may (memory.transient-queues-size); try again when"
              + " messages have been consumed");
    }
    long dropped = 0;
    for (Queue queue : queues) {
      dropped += put(state, queue, isShort);
    }
    return Step.done(new Enqueued(queues.size(), dropped, full));
  }

  /// The deliveries only matter where something is counted.
  private static Optional<Load> missing(ShardState state, Queue queue) {
    if (queue.bounds().maxLength().isPresent()) {
      return QueueContents.missing(state, queue);
    }
    return state.log(queue.incarnation()).isPresent()
        ? Optional.empty()
        : Optional.of(new LogLoad(queue.topic(), queue.incarnation()));
  }

  private static boolean isFull(ShardState state, Queue queue) {
    OptionalLong max = queue.bounds().maxLength();
    return queue.bounds().overflow() == Queue.Overflow.REJECT
        && max.isPresent()
        && QueueContents.of(state, queue).length() >= max.getAsLong();
  }

  /// @param isShort whether its oldest have to make room in memory
  /// @return how many older messages were dropped
  private long put(ShardState state, Queue queue, boolean isShort) {
    state.append(
        state.topic(queue.topic()).orElseThrow(),
        state.log(queue.incarnation()).orElseThrow(),
        List.of(
            new NewMessage(
                payload,
                Payload.EMPTY,
                queue.bounds().messageTtlMs().orElse(Message.NEVER),
                priority,
                NewMessage.NOW)));
    boolean isFirst = priority.priority() > 0 && !queue.prioritised();
    if (isFirst && queue.durable() && queue.mode() == Queue.Mode.WORK) {
      state.put(queue.asPrioritised());
    }
    if (queue.bounds().overflow() == Queue.Overflow.REJECT) {
      return 0;
    }
    OptionalLong max = queue.bounds().maxLength();
    long dropped = max.isPresent() ? QueueContents.of(state, queue).dropTo(max.getAsLong()) : 0;
    Optional<Load> unknown = isShort ? QueueContents.missing(state, queue) : Optional.empty();
    if (unknown.isPresent()) {
      // Nothing waits for it: what comes later must not overtake this message. It drops next time.
      state.want(unknown.get());
    } else if (isShort) {
      QueueContents contents = QueueContents.of(state, queue);
      // An eighth, so that not every publish has to; the newest stays.
      long length = contents.length();
      dropped += contents.dropTo(length - Math.min(length - 1, 1 + length / 8));
    }
    return dropped;
  }
}
