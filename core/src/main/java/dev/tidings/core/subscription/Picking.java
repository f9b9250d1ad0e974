// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.core.subscription.MessageLookup.Found;
import dev.tidings.core.subscription.MessageLookup.Gone;
import dev.tidings.core.subscription.MessageLookup.Stretch;
import dev.tidings.core.subscription.MessageLookup.Unknown;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Picks what one lease gives out. Whatever it finds expired, gone or to be parked is so at once;
/// whatever it picks is leased by the same command.
final class Picking {
  /// How far the cursor moves over what no filter wants before it is told.
  private static final long WORTH_TELLING = 10_000;

  /// So many messages that have expired or are gone are passed over before other commands have
  /// their turn.
  private static final int PASSED_OVER_AT_ONCE = 5000;

  /// So many messages are parked before other commands have their turn.
  private static final int PARKED_AT_ONCE = 1000;

  /// While messages of a priority above 0 wait, one of so many that are given out is, by turns, the
  /// one whose wait has been over longest, and the oldest that was never given out.
  private static final int FAIR_TURN = 8;

  private final DeliveryState state;
  private final TopicLog log;
  private final MessageLookup messages;
  private final DeliveryState.Changing changing;
  private final int max;
  private final long now;

  private final List<Delivered> delivered = new ArrayList<>();
  private final List<Delivery> leased = new ArrayList<>();
  private long bytes;
  private boolean tookFresh;
  // Found expired or gone; parked.
  private int passedOver;
  private int parked;
  // What has to be loaded before anything can be given out.
  private Optional<MessageLoad> load = Optional.empty();
  private boolean isOver;

  /// @param changing told what it finds on the way
  /// @param max messages it picks at most; fewer once they take [MessageLoad#MAX_BYTES]
  /// @param now milliseconds since 1970
  Picking(
      DeliveryState state,
      TopicLog log,
      MessageLookup messages,
      DeliveryState.Changing changing,
      int max,
      long now) {
    this.state = state;
    this.log = log;
    this.messages = messages;
    this.changing = changing;
    this.max = max;
    this.now = now;
  }

  /// What has to be loaded before anything can be picked; only if nothing was.
  Optional<MessageLoad> load() {
    return load;
  }

  /// What was picked, in the order in which it is to be handled.
  List<Delivered> delivered() {
    return List.copyOf(delivered);
  }

  /// The deliveries of what was picked, which are to be leased now.
  List<Delivery> leased() {
    return List.copyOf(leased);
  }

  private void add(Delivery delivery, Message message) {
    leased.add(delivery);
    delivery.expiresAt = message.expiresAt();
    delivered.add(new Delivered(message, delivery.attempts));
    bytes += message.size();
  }

  private boolean isFull() {
    return isOver || delivered.size() == max || bytes >= MessageLoad.MAX_BYTES;
  }

  /// Whether so much was passed over that others should have their turn.
  private boolean isTired() {
    return passedOver >= PASSED_OVER_AT_ONCE || parked >= PARKED_AT_ONCE;
  }

  /// Something is not in memory, or others are to have their turn. What was found before is enough
  /// to begin with: it may be gone from memory when the rest has been loaded.
  private void stop(MessageLoad needed) {
    isOver = true;
    if (delivered.isEmpty()) {
      load = Optional.of(needed);
    }
  }

  /// Tells that the cursor has moved, unless it is not worth it: else an empty answer would have to
  /// be written, which only spares a look at a bitmap.
  private void noteMove() {
    boolean isWorthTelling =
        tookFresh
            || passedOver > 0
            || state.next - state.toldNext >= WORTH_TELLING
            || !state.matches.isFiltered();
    changing.moved = isWorthTelling && state.next != state.toldNext;
    state.forgetAheadBelowNext();
  }

  /// Picks: first those whose wait is over, then those that were never delivered, in log order;
  /// those of a higher priority before both.
  void pick() {
    while (!isFull() && highestPriority() > 0) {
      int before = delivered.size();
      long turn = state.prioritisedTurns + 1;
      boolean isFair = turn % FAIR_TURN == 0;
      boolean isPicked = isFair && pickByAge(turn / FAIR_TURN % 2 == 0);
      if (!isPicked && !isOver) {
        pickHighest();
      }
      // What was only looked at has cost nobody a turn.
      state.prioritisedTurns += delivered.size() - before;
    }
    while (!isFull() && state.waiting.first(0).isPresent()) {
      pickAgain(state.waiting.first(0).get());
    }
    if (!isFull()) {
      pickFresh(max);
    }
    noteMove();
  }

  // ---- by priority ----

  private int highestFresh() {
    return state.hasRoom() ? state.priorities.map(PriorityIndex::highest).orElse(0) : 0;
  }

  private int highestPriority() {
    return Math.max(state.waiting.highest(), highestFresh());
  }

  private void pickHighest() {
    int fresh = highestFresh();
    if (state.waiting.highest() >= fresh) {
      pickAgain(state.waiting.first(state.waiting.highest()).orElseThrow());
    } else {
      pickBeforeItsTurn(fresh);
    }
  }

  /// Picks what has waited longest.
  ///
  /// @param again whether rather of those whose wait is over
  /// @return whether there was anything to look at
  private boolean pickByAge(boolean again) {
    Optional<Delivery> longest = state.waiting.longestReady();
    if (longest.isPresent() && (again || !isFreshThere())) {
      pickAgain(longest.get());
      return true;
    }
    long before = state.next;
    int had = delivered.size();
    pickFresh(had + 1);
    return state.next > before || delivered.size() > had;
  }

  private boolean isFreshThere() {
    return state.hasRoom()
        && !state.isPaused()
        && Math.max(state.next, log.firstRetained()) <= log.watermark();
  }

  /// Picks a message from the cursor on, because of its priority.
  private void pickBeforeItsTurn(int priority) {
    PriorityIndex index = state.priorities.orElseThrow();
    long sequence = index.first(priority);
    switch (messages.look(sequence)) {
      case Found(Message message) -> {
        index.remove(sequence, priority);
        if (message.expiredAt(now)) {
          changing.passAhead(sequence);
          expired();
          restIfTired(sequence);
        } else {
          state.ahead.addLong(sequence);
          take(message);
        }
      }
      case Gone() -> {
        changing.passAhead(sequence);
        lost();
        restIfTired(sequence);
      }
      case Unknown() -> stop(messages.load(nextByPriority(index)));
    }
  }

  /// What one lease may give out next of those that never were: by their priorities, and the
  /// oldest, whose turns come among them.
  private List<Long> nextByPriority(PriorityIndex index) {
    int wanted = Math.min(max, MessageLoad.MAX_MESSAGES);
    Set<Long> found = new LinkedHashSet<>();
    for (int priority = index.highest(); priority > 0 && found.size() < wanted; priority--) {
      for (long sequence : index.firsts(priority, wanted - found.size())) {
        found.add(sequence);
      }
    }
    int oldest = Math.max(wanted - found.size(), 1 + wanted / FAIR_TURN);
    long at = Math.max(state.next, log.firstRetained());
    long last = Math.min(log.watermark(), at + MessageLoad.MAX_MESSAGES);
    for (; oldest > 0 && at <= last; at++) {
      if (!state.ahead.contains(at)) {
        found.add(at);
        oldest--;
      }
    }
    return List.copyOf(found);
  }

  // ---- those that wait to be given out again ----

  private void pickAgain(Delivery delivery) {
    switch (messages.look(delivery)) {
      case Found(Message message) -> {
        if (message.expiredAt(now)) {
          changing.settle(delivery);
          expired();
          restIfTired(delivery.sequence);
        } else {
          state.waiting.remove(delivery);
          delivery.attempts++;
          add(delivery, message);
        }
      }
      case Gone() -> {
        changing.settle(delivery);
        lost();
        restIfTired(delivery.sequence);
      }
      case Unknown() -> stop(loadOf(delivery, missingFrom(delivery)));
    }
  }

  /// What has to be loaded of the next that wait: of the log, or of copies, as `first` is.
  private List<Long> missingFrom(Delivery first) {
    return state
        .waiting
        .readyFrom(first)
        .limit(Math.min(max, MessageLoad.MAX_MESSAGES))
        .filter(it -> it.kept == first.kept && messages.look(it) instanceof Unknown)
        .map(it -> it.sequence)
        .toList();
  }

  private MessageLoad loadOf(Delivery delivery, List<Long> sequences) {
    return delivery.kept ? messages.loadCopies(sequences) : messages.load(sequences);
  }

  // ---- those that were never delivered ----

  /// Moves the cursor on until so many messages are
  private void pickFresh(int max) {
    state.atBound = Optional.empty();
    if (!state.hasRoom()) {
      return;
    }
    long last = Math.min(log.watermark(), state.matches.evaluatedTo());
    long at = Math.max(state.next, log.firstRetained());
    while (!isFull() && delivered.size() < max && state.hasRoom() && at <= last) {
      long candidate = state.matches.firstFrom(at);
      if (candidate > last) {
        at = last + 1;
        break;
      }
      at = candidate;
      if (isTired()) {
        stop(freshLoad(candidate, last, max));
        break;
      }
      if (state.ahead.contains(candidate)) {
        at = candidate + 1;
        state.passed++;
        continue;
      }
      int ask = state.matches.isFiltered() ? 1 : max - delivered.size();
      Optional<Stretch> known = messages.stretch(candidate, ask);
      if (known.isEmpty()) {
        stop(freshLoad(candidate, last, max));
        break;
      }
      at = passOver(known.get(), last, max, candidate);
      if (state.atBound.isPresent()) {
        break;
      }
    }
    state.next = Math.max(state.next, at);
    if (state.next > log.watermark() && !state.matches.isFiltered()) {
      // Holes and what was lost on the way are not counted on. What was given up lies above the
      // watermark while it is not durable, and there are no holes.
      state.passed = log.messagesShown() + (state.next - 1 - log.watermark());
    }
  }

  /// Picks from a stretch of the log.
  ///
  /// @return how far it came
  private long passOver(Stretch stretch, long last, int max, long from) {
    long at = from;
    for (Message message : stretch.messages()) {
      if (isFull() || delivered.size() == max || !state.hasRoom()) {
        return at;
      }
      if (message.sequence() > last) {
        // Up to there is nothing, though there was a match.
        return last + 1;
      }
      // What comes instead of a match that is damaged need not match.
      boolean isPassed =
          state.ahead.contains(message.sequence())
              || state.matches.firstFrom(message.sequence()) != message.sequence();
      if (!isPassed && !pass(message)) {
        return at;
      }
      at = message.sequence() + 1;
      state.passed++;
    }
    return Math.max(at, Math.min(stretch.through(), last) + 1);
  }

  /// Picks a message at the cursor, or leaves it behind; false if the cursor cannot pass it.
  private boolean pass(Message message) {
    Ordering ordering = message.ordering();
    if (message.expiredAt(now)) {
      expired();
    } else if (!ordering.hasKey() || !state.lines.isTaken(ordering.key())) {
      take(message);
    } else if (state.lines.parked() < state.limits.parked()) {
      Delivery delivery = new Delivery(message.sequence(), /* kept= */ false, ordering);
      state.put(delivery);
      boolean _ = state.lines.join(delivery);
      changing.touched.put(delivery.sequence, delivery);
      parked++;
    } else {
      state.atBound = Optional.of(ordering.key());
      return false;
    }
    state.priorities.ifPresent(index -> index.remove(message.sequence(), ordering.priority()));
    return true;
  }

  /// Picks a message that was never delivered.
  private void take(Message message) {
    Delivery delivery = new Delivery(message.sequence(), /* kept= */ false, message.ordering());
    delivery.attempts = 1;
    state.put(delivery);
    if (delivery.ordering.hasKey()) {
      boolean _ = state.lines.join(delivery);
    }
    tookFresh = true;
    add(delivery, message);
  }

  private void expired() {
    changing.expired++;
    passedOver++;
  }

  private void lost() {
    changing.lost++;
    passedOver++;
  }

  /// After so much the command is handled again later, when something has been read: what does not
  /// matter.
  private void restIfTired(long sequence) {
    if (isTired()) {
      stop(messages.load(List.of(sequence)));
    }
  }

  private MessageLoad freshLoad(long candidate, long last, int max) {
    if (!state.matches.isFiltered()) {
      long end = Math.min(last, candidate + MessageLoad.MAX_MESSAGES - 1);
      return MessageLoad.ofLog(log, List.of(new SequenceRange(candidate, end)));
    }
    List<Long> candidates = new ArrayList<>();
    long at = candidate;
    while (at <= last && candidates.size() < max) {
      candidates.add(at);
      at = state.matches.firstFrom(at + 1);
    }
    return messages.load(candidates);
  }
}
