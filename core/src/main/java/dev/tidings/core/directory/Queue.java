// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;
import java.util.OptionalLong;

/// A queue: what exchanges route into it is kept until it is acked, up to its bounds.
///
/// Its messages lie in the log of a topic of its own, whose name nobody else can use, and are
/// consumed through a subscription of its own, which has the queue's name; both come and go with
/// it.
///
/// @param name unique among queues and subscriptions
/// @param incarnation the number of its log, drawn when it was created
/// @param durable whether its messages outlive the process; those of a transient queue are in
///   memory alone
/// @param mode who gets a message
/// @param bounds what it may keep
/// @param ownerId the id of the user or client who created it
/// @param createdAt milliseconds since 1970
/// @param prioritised whether it was ever given a message of a priority above 0 that outlives the
///   process; only then what it holds has to be searched for such after a start
public record Queue(
    String name,
    int incarnation,
    boolean durable,
    Mode mode,
    Bounds bounds,
    String ownerId,
    long createdAt,
    boolean prioritised)
    implements Entry {

  /// A queue that was never given a message of a priority above 0.
  public Queue(
      String name,
      int incarnation,
      boolean durable,
      Mode mode,
      Bounds bounds,
      String ownerId,
      long createdAt) {
    this(name, incarnation, durable, mode, bounds, ownerId, createdAt, /* prioritised= */ false);
  }

  /// What the names of the topics of queues begin with; no other topic's does.
  public static final String TOPIC_PREFIX = "$queue/";

  /// What comes after the names of all of their topics: the character after the slash.
  static final String AFTER_TOPICS = "$queue0";

  /// Who gets a message.
  public enum Mode {
    /// Every subscriber.
    BROADCAST,
    /// One subscriber, until one of them has acked it.
    WORK
  }

  /// What happens to a message that a full queue has no room for.
  public enum Overflow {
    /// The oldest messages make room for it.
    DROP_OLDEST,
    /// It is refused.
    REJECT
  }

  /// What a queue may keep.
  ///
  /// @param maxLength messages that are not acked, 1 or more; empty if they are not counted
  /// @param messageTtlMs how long a message may be delivered, milliseconds, 1 or more; empty for
  ///   ever
  /// @param overflow what happens beyond it
  public record Bounds(OptionalLong maxLength, OptionalLong messageTtlMs, Overflow overflow) {
    /// Those of a queue for which nothing else was said.
    public static final Bounds NONE =
        new Bounds(OptionalLong.empty(), OptionalLong.empty(), Overflow.DROP_OLDEST);

    public Bounds {
      check("maxLength", maxLength);
      check("messageTtlMs", messageTtlMs);
    }

    private static void check(String name, OptionalLong value) {
      if (value.isPresent() && value.getAsLong() < 1) {
        throw new IllegalArgumentException(
            name + ": " + value.getAsLong() + " (expected: 1 or more)");
      }
    }
  }

  /// The name of the topic of the queue `name`.
  public static String topicOf(String name) {
    return TOPIC_PREFIX + name;
  }

  /// Whether `topic` is a name that only the topic of a queue can have.
  public static boolean isReserved(String topic) {
    return topic.startsWith(TOPIC_PREFIX);
  }

  /// The name of the queue whose topic is called `topic`, which [is reserved][#isReserved].
  public static String ofTopic(String topic) {
    return topic.substring(TOPIC_PREFIX.length());
  }

  /// The same, after it was given a message of a priority above 0.
  public Queue asPrioritised() {
    return new Queue(name, incarnation, durable, mode, bounds, ownerId, createdAt, true);
  }

  /// The name of its topic.
  public String topic() {
    return topicOf(name);
  }

  @Override
  public Kind kind() {
    return Kind.QUEUE;
  }

  @Override
  public String key() {
    return name;
  }

  @Override
  public int slot() {
    return slotOf(name);
  }

  /// The slot of the queue `name`.
  public static int slotOf(String name) {
    return Slot.of(Slot.Kind.TOPIC, topicOf(name));
  }
}
