// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// A bounded queue in memory, and who waits at it. Each message goes to one receiver.
///
/// There may be millions, so everything that not every stream needs is made when it is needed. Its
/// shard's [Streams] changes it.
final class Stream {
  /// Heap of one with its entry in the shard's map, besides the bytes of its id.
  static final int OVERHEAD = 160;

  private static final int UNMADE = -1;

  private final String id;
  private int capacity = UNMADE;
  StreamBudget.@Nullable Maker maker;

  private @Nullable StreamMessage head;
  private @Nullable StreamMessage tail;
  private int size;

  private @Nullable LinkedHashSet<Receiving> receivers;
  private @Nullable LinkedHashSet<WaitingSend> senders;
  private @Nullable LinkedHashSet<Replaying> replays;
  // Room kept for messages that are to be durable first.
  int heldRoom;
  // Messages for which no room is kept, on their way to the store or to a receiver who confirms.
  int underway;
  private boolean deleted;

  private @Nullable RecentUuids uuids;
  long usedNs;
  // Whether it is among those that are looked at when they have not been used for some time, and
  // since when.
  boolean watched;
  long watchedNs;

  Stream(String id) {
    this.id = id;
  }

  String id() {
    return id;
  }

  // ---- its queue ----

  /// Whether a send has made it; otherwise there are only some who wait for that.
  boolean isMade() {
    return capacity != UNMADE;
  }

  void make(int room, StreamBudget.Maker by) {
    capacity = room;
    maker = by;
  }

  /// How many messages it holds: 0 for none, so that a sender meets a receiver.
  int capacity() {
    return capacity;
  }

  int size() {
    return size;
  }

  @Nullable StreamMessage first() {
    return head;
  }

  void addLast(StreamMessage message) {
    StreamMessage last = tail;
    if (last == null) {
      head = message;
    } else {
      last.next = message;
    }
    tail = message;
    size++;
  }

  void addFirst(StreamMessage message) {
    message.next = head;
    head = message;
    if (tail == null) {
      tail = message;
    }
    size++;
  }

  /// Removes the first; there is one.
  StreamMessage removeFirst() {
    StreamMessage first = head;
    if (first == null) {
      throw new IllegalStateException("stream " + id + " is empty");
    }
    head = first.next;
    if (head == null) {
      tail = null;
    }
    first.next = null;
    size--;
    return first;
  }

  /// Whether a sender that waits rather than drop a message may go on.
  boolean hasRoom() {
    return capacity == 0 ? receivers() > heldRoom : size + heldRoom < capacity;
  }

  // ---- who waits ----

  int receivers() {
    return receivers == null ? 0 : receivers.size();
  }

  int senders() {
    return senders == null ? 0 : senders.size();
  }

  @Nullable Receiving firstReceiver() {
    return receivers == null ? null : receivers.getFirst();
  }

  @Nullable WaitingSend firstSender() {
    return senders == null ? null : senders.getFirst();
  }

  void add(Receiving receiving) {
    if (receivers == null) {
      receivers = new LinkedHashSet<>();
    }
    receivers.add(receiving);
  }

  void add(WaitingSend send) {
    if (senders == null) {
      senders = new LinkedHashSet<>();
    }
    senders.add(send);
  }

  /// Puts one back that was the first before.
  void addFirst(WaitingSend send) {
    add(send);
    if (senders != null) {
      senders.addFirst(send);
    }
  }

  void add(Replaying replaying) {
    if (replays == null) {
      replays = new LinkedHashSet<>();
    }
    replays.add(replaying);
  }

  void remove(Wait wait) {
    switch (wait) {
      case Receiving receiving -> {
        if (receivers != null && receivers.remove(receiving) && receivers.isEmpty()) {
          receivers = null;
        }
      }
      case WaitingSend send -> {
        if (senders != null && senders.remove(send) && senders.isEmpty()) {
          senders = null;
        }
      }
      case Replaying replaying -> {
        if (replays != null && replays.remove(replaying) && replays.isEmpty()) {
          replays = null;
        }
      }
    }
  }

  /// Those who wait for what is stored, whom it forgets.
  Set<Replaying> takeReplays() {
    Set<Replaying> taken = replays == null ? Set.of() : replays;
    replays = null;
    return taken;
  }

  /// Whether nothing would be lost with it but its capacity and its uuids.
  boolean isIdle() {
    return size == 0 && heldRoom == 0 && underway == 0 && senders == null && !hasReaders();
  }

  /// Whether somebody waits for messages.
  boolean hasReaders() {
    return receivers != null || replays != null;
  }

  /// Notes that it was deleted; what was on its way to or from it then goes nowhere.
  void markDeleted() {
    deleted = true;
  }

  boolean isDeleted() {
    return deleted;
  }

  // ---- the uuids it knows ----

  boolean knows(UUID uuid, long sinceNs) {
    return uuids != null && uuids.contains(uuid, sinceNs);
  }

  /// Notes the uuid of a message it has taken, and returns how many bytes of heap it has grown.
  int learn(UUID uuid, long nowNs) {
    int before = uuidsSize();
    recent().add(uuid, nowNs);
    return uuidsSize() - before;
  }

  /// As [#learn], of one that was taken before those it knows.
  int recall(UUID uuid, long atNs) {
    int before = uuidsSize();
    recent().recall(uuid, atNs);
    return uuidsSize() - before;
  }

  private RecentUuids recent() {
    RecentUuids known = uuids;
    if (known == null) {
      known = new RecentUuids();
      uuids = known;
    }
    return known;
  }

  /// Forgets all uuids, and returns how many bytes of heap it has shrunk.
  int forgetUuids() {
    int before = uuidsSize();
    uuids = null;
    return before;
  }

  private int uuidsSize() {
    return uuids == null ? 0 : uuids.heapSize();
  }

  /// The heap it takes without its messages and uuids.
  static int heapSize(String id) {
    return OVERHEAD + 2 * id.length();
  }
}
