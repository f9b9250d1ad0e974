// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.command.ReplayStream;
import dev.tidings.core.command.StoreSending;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.Command.Step;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.TimeSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The streams of one shard: what they hold, and who waits at them.
///
/// A send takes a message into the queue of its stream. In *circular* mode it drops the oldest if
/// there is no room; in *blocking* mode it waits for room; in a stream without a buffer it meets a
/// receiver (*rendezvous*). The mode is that of the send, the capacity that of the send which made
/// the stream. Those who wait are served in the order in which they came.
///
/// A message that is to be stored enters the queue when it is durable, in the order of the log; a
/// blocking one has got its room before it is stored, so that one which found none has left nothing
/// behind.
///
/// Belongs to the shard's executor.
public final class Streams {
  private static final long NONE = Long.MAX_VALUE;

  // One answer holds so many bytes, and what the message has that exceeds it.
  private static final long MAX_BYTES = 4 * 1024 * 1024;

  private final TimeSource time;
  private final Host host;
  private final StreamLimits limits;
  private final StreamBudget budget;
  private final StreamFigures figures;
  // In the order of their ids, for lists; one takes no more heap here than in a hash table.
  private final TreeMap<String, Stream> streams = new TreeMap<>();
  private final TreeSet<Wait> deadlines = new TreeSet<>();
  private long waits;
  // When a timer will look at the deadlines.
  private long armedNs = NONE;
  // What is sent just now and not taken yet.
  private final Map<Sent, WaitingSend> waiting = new HashMap<>();
  // Those that are on their way to the store, by the number of their log, in its order.
  private final Map<Integer, ArrayDeque<WaitingSend>> storing = new HashMap<>();
  // Each once, roughly in the order of their last use.
  private final ArrayDeque<Stream> watched = new ArrayDeque<>();
  private volatile long nextDueNs = NONE;
  private long lastTimestamp;

  /// What the shard does for its streams.
  public interface Host {
    /// Appends what is sent to the log of its stream, which is in memory or not yet there.
    ///
    /// @return empty if no numbers for further logs are left
    Optional<Appended> append(Sending sending);

    /// Lets go of what is in memory of the log of a stream, if all of it is durable.
    void release(String stream);

    /// Hands in a command of the shard's own, after the present one.
    <R> void submit(Command<R> command, Consumer<Outcome<R>> reply);

    /// Runs a task after so many nanoseconds.
    void after(long delayNs, Runnable task);
  }

  /// A message in the log of its stream.
  ///
  /// @param number of the log
  public record Appended(int number, Message message) {}

  // The stream itself, not its id: one that was deleted has nothing to do with its successor.
  private record Sent(Stream stream, UUID uuid) {}

  /// The streams of one shard.
  ///
  /// @param pool shared by all shards
  public Streams(TimeSource time, StreamPool pool, Host host) {
    this.time = time;
    this.host = host;
    this.limits = pool.limits();
    this.budget = pool.budget();
    this.figures = pool.figures();
  }

  // ---- sending ----

  /// Takes a message, or makes its sender wait. The log of its stream is in memory or not yet
  /// there, if it is to be stored.
  ///
  /// @return yields whether it was taken before the time was up
  public Step<Boolean> send(Sending sending) {
    Stream known = streams.get(sending.stream());
    Optional<Step<Boolean>> repeated = known == null ? Optional.empty() : repeated(known, sending);
    if (repeated.isPresent()) {
      return repeated.get();
    }
    Stream made = known != null && known.isMade() ? known : null;
    int capacity = made == null ? sending.capacity() : made.capacity();
    if (capacity == 0 && !sending.isBlocking() && !sending.isDurable()) {
      return Step.refused(
          Refusal.Code.NO_BUFFER,
          "stream '"
              + sending.stream()
              + "' holds no messages, and the send does not wait for a"
              + " receiver");
    }
    Optional<String> noRoom =
        made == null ? budget.noRoomForStream(sending.principalId()) : Optional.empty();
    if (noRoom.isPresent()) {
      return Step.refused(Refusal.Code.LIMIT_REACHED, noRoom.get());
    }
    long costs = StreamMessage.heapSize(sending.payload());
    if (made == null) {
      costs += Stream.heapSize(sending.stream());
    }
    StreamMessage oldest = dropped(made, sending);
    if (!budget.take(costs - (oldest == null ? 0 : oldest.heapSize()))) {
      return Step.refused(Refusal.Code.OVERLOADED, budget.full());
    }
    if (oldest != null) {
      // What it drops is released again then.
      budget.takeAnyway(oldest.heapSize());
    }
    Stream stream = open(sending.stream());
    if (made == null) {
      stream.make(sending.capacity(), budget.made(sending.principalId()));
    }
    use(stream);
    return sending.isDurable() ? sendDurable(stream, sending) : sendInMemory(stream, sending);
  }

  /// The message that has to make room for what is sent; null if none has to.
  private static @Nullable StreamMessage dropped(@Nullable Stream stream, Sending sending) {
    return stream == null
            || sending.isBlocking()
            || stream.capacity() == 0
            || stream.size() < stream.capacity()
        ? null
        : stream.first();
  }

  /// What becomes of a message that the stream has, or is about to have, already.
  private Optional<Step<Boolean>> repeated(Stream stream, Sending sending) {
    if (stream.knows(sending.uuid(), time.monotonicNs() - limits.deduplication().toNanos())) {
      figures.repeated.increment();
      return Optional.of(Step.done(true));
    }
    WaitingSend first = waiting.isEmpty() ? null : waiting.get(new Sent(stream, sending.uuid()));
    if (first == null) {
      return Optional.empty();
    }
    if (first.isWaiting() && !sending.isBlocking()) {
      // It waits for nothing, so not for the first either.
      figures.sendTimeouts.increment();
      return Optional.of(Step.done(false));
    }
    figures.repeated.increment();
    sending.forgetPayload();
    first.ask(sending, time.monotonicNs());
    return Optional.of(new Step.Waits<>(sending.answer()));
  }

  private Step<Boolean> sendInMemory(Stream stream, Sending sending) {
    StreamMessage message = messageOf(sending);
    forgetExpired(stream);
    boolean hasBuffer = stream.capacity() > 0;
    if (!sending.isBlocking() || (hasBuffer && stream.hasRoom())) {
      taken(stream, sending.uuid());
      enter(stream, message);
      dropOldest(stream);
      return Step.done(true);
    }
    return waits(new WaitingSend(sending, message, stream));
  }

  private StreamMessage messageOf(Sending sending) {
    return new StreamMessage(sending.uuid(), timestamp(), Message.NEVER, sending.payload());
  }

  private Step<Boolean> waits(WaitingSend send) {
    Sending sending = send.sending();
    send.ask(sending, time.monotonicNs());
    waiting.put(sentBy(send), send);
    wait(send, send.stream()::add);
    serve(send.stream());
    return new Step.Waits<>(sending.answer());
  }

  private void wait(WaitingSend send, Consumer<WaitingSend> add) {
    add.accept(send);
    begin(send, send.endsNs());
    figures.senders.increment();
  }

  private static Sent sentBy(WaitingSend send) {
    return new Sent(send.stream(), send.sending().uuid());
  }

  private Step<Boolean> sendDurable(Stream stream, Sending sending) {
    WaitingSend send = new WaitingSend(sending, messageOf(sending), stream);
    forgetExpired(stream);
    if (sending.isBlocking() && !stream.hasRoom()) {
      return waits(send);
    }
    if (sending.isBlocking()) {
      holdRoom(send);
    } else {
      stream.underway++;
    }
    waiting.put(sentBy(send), send);
    return store(send);
  }

  /// Appends a message to the log of its stream. It enters the queue when it is durable.
  ///
  /// @return done, which is to be said when it is durable
  public Step<Boolean> store(WaitingSend send) {
    Optional<Appended> appended = host.append(send.sending());
    if (appended.isEmpty()) {
      Refusal refusal =
          new Refusal(
              Refusal.Code.EXHAUSTED, "all numbers are used; no stream can be stored any more");
      refuse(send, refusal);
      return new Step.Answer<>(new Outcome.Refused<>(refusal));
    }
    send.log = appended.get().number();
    storing.computeIfAbsent(send.log, _ -> new ArrayDeque<>()).add(send);
    return Step.done(true);
  }

  /// The messages that were appended last to the log with that number are durable.
  public void appended(int number, List<Message> messages) {
    ArrayDeque<WaitingSend> sends = storing.get(number);
    if (sends == null) {
      return;
    }
    Stream stream = null;
    for (Message message : messages) {
      WaitingSend send = sends.pollFirst();
      if (send != null) {
        stream = send.stream();
        stored(send, message);
      }
    }
    if (sends.isEmpty()) {
      storing.remove(number);
    }
    if (stream != null) {
      wakeReplays(stream);
    }
  }

  /// How many messages at the end of the log with that number have not entered their queue yet.
  public int storing(int number) {
    ArrayDeque<WaitingSend> sends = storing.get(number);
    return sends == null ? 0 : sends.size();
  }

  private void stored(WaitingSend send, Message message) {
    Stream stream = send.stream();
    // In a stream without a buffer one that does not wait for a receiver is only stored.
    boolean enters = stream.capacity() > 0 || send.holdsRoom || stream.receivers() > 0;
    releaseRoom(send);
    withdraw(send);
    if (streams.get(stream.id()) == stream) {
      taken(stream, send.sending().uuid());
      if (enters) {
        StreamMessage copy =
            new StreamMessage(
                send.sending().uuid(), message.timestamp(), message.expiresAt(), message.payload());
        budget.takeAnyway(copy.heapSize());
        enter(stream, copy);
      }
      // One that has waited for its room drops nothing, though what was given back may fill it.
      if (stream.capacity() > 0 && !send.sending().isBlocking()) {
        dropOldest(stream);
      }
    }
    send.answer(Outcome.done(true));
  }

  /// Whether the stream in which `send`, which is about to be stored, has got its room is still
  /// there.
  public boolean isWanted(WaitingSend send) {
    return !send.stream().isDeleted();
  }

  private void holdRoom(WaitingSend send) {
    send.holdsRoom = true;
    send.stream().heldRoom++;
  }

  /// It is no longer on its way to the store.
  private void releaseRoom(WaitingSend send) {
    if (send.holdsRoom) {
      send.holdsRoom = false;
      send.stream().heldRoom--;
    } else {
      send.stream().underway--;
    }
  }

  /// Ends a send that cannot be carried out.
  private void refuse(WaitingSend send, Refusal refusal) {
    if (waiting.remove(sentBy(send), send)) {
      releaseRoom(send);
      budget.release(send.message().heapSize());
      send.answer(new Outcome.Refused<>(refusal));
      serve(send.stream());
    }
  }

  /// Goes back to what is durable: what was on its way to the store will never be there.
  public void revert() {
    List<WaitingSend> lost = new ArrayList<>();
    storing.values().forEach(lost::addAll);
    storing.clear();
    Refusal refusal =
        new Refusal(Refusal.Code.STORE_UNAVAILABLE, "the store failed; the message was not stored");
    lost.forEach(send -> refuse(send, refusal));
  }

  /// A message was taken: its uuid is remembered.
  private void taken(Stream stream, UUID uuid) {
    figures.sent.increment();
    budget.takeAnyway(stream.learn(uuid, time.monotonicNs()));
    use(stream);
  }

  /// Puts a message at the end of the queue, and serves those who wait.
  private void enter(Stream stream, StreamMessage message) {
    stream.addLast(message);
    figures.messages.increment();
    serve(stream);
  }

  private void dropOldest(Stream stream) {
    while (stream.size() > stream.capacity()) {
      discardFirst(stream);
      figures.dropped.increment();
    }
  }

  private void discardFirst(Stream stream) {
    budget.release(stream.removeFirst().heapSize());
    figures.messages.decrement();
  }

  private void discardAll(Stream stream) {
    while (stream.size() > 0) {
      discardFirst(stream);
    }
  }

  private long timestamp() {
    lastTimestamp = Math.max(lastTimestamp, time.wallMs());
    return lastTimestamp;
  }

  // ---- serving those who wait ----

  /// Gives what there is to those who wait for it, and room to those who wait for that.
  private void serve(Stream stream) {
    admit(stream);
    for (Receiving first = stream.firstReceiver(); first != null; first = stream.firstReceiver()) {
      Received received = take(stream, first.max());
      if (received.handed().isEmpty()) {
        break;
      }
      end(first);
      stream.remove(first);
      figures.receivers.decrement();
      first.answer().give(Outcome.done(received));
    }
  }

  /// Takes what there is, at most `max` messages.
  private Received take(Stream stream, int max) {
    List<Received.Handed> handed = new ArrayList<>(Math.min(max, 16));
    long bytes = 0;
    while (handed.size() < max && bytes < MAX_BYTES) {
      forgetExpired(stream);
      WaitingSend sender = stream.firstSender();
      if (stream.size() > 0) {
        StreamMessage message = stream.removeFirst();
        figures.messages.decrement();
        budget.release(message.heapSize());
        handed.add(new Received.Handed(message, stream, Optional.empty()));
        bytes += message.heapSize();
        admit(stream);
      } else if (stream.isMade()
          && stream.capacity() == 0
          && sender != null
          && !sender.sending().isDurable()
          && (stream.heldRoom == 0 || stream.receivers() == 0)) {
        // Who waits while room is held for a message on its way to the store waits for that one.
        // Its sender is answered when the receiver has got it, and waits on if not.
        stopWaiting(sender);
        stream.underway++;
        handed.add(new Received.Handed(sender.message(), stream, Optional.of(sender)));
        bytes += sender.message().heapSize();
      } else {
        break;
      }
    }
    if (!handed.isEmpty()) {
      figures.received.add(handed.size());
      use(stream);
    }
    return new Received(stream.id(), handed);
  }

  private void forgetExpired(Stream stream) {
    boolean waitsForRoom = stream.firstSender() != null;
    for (StreamMessage first = stream.first();
        first != null && first.expires() && first.expiredAt(time.wallMs());
        first = stream.first()) {
      discardFirst(stream);
      figures.expired.increment();
    }
    if (waitsForRoom) {
      // Who has waited for the room comes before whoever found it.
      admit(stream);
    }
  }

  /// Lets senders go on as far as there is room.
  private void admit(Stream stream) {
    while (stream.isMade() && stream.hasRoom()) {
      WaitingSend first = stream.firstSender();
      if (first == null) {
        break;
      }
      if (first.sending().isDurable()) {
        stopWaiting(first);
        holdRoom(first);
        host.submit(new StoreSending(first), outcome -> storingAnswered(first, outcome));
      } else if (stream.capacity() > 0) {
        stopWaiting(first);
        waiting.remove(sentBy(first));
        taken(stream, first.sending().uuid());
        stream.addLast(first.message());
        figures.messages.increment();
        first.answer(Outcome.done(true));
      } else {
        // It meets the next receiver itself.
        break;
      }
    }
  }

  private void storingAnswered(WaitingSend send, Outcome<Boolean> outcome) {
    if (outcome instanceof Outcome.Refused<Boolean>(Refusal refusal)) {
      if (refusal.code() == Refusal.Code.OUTCOME_UNKNOWN) {
        // It may yet turn out to be there; those who wait need not.
        send.answer(outcome);
      } else {
        ArrayDeque<WaitingSend> sends = storing.get(send.log);
        if (sends != null && sends.remove(send) && sends.isEmpty()) {
          storing.remove(send.log);
        }
        refuse(send, refusal);
      }
    }
  }

  private void stopWaiting(WaitingSend send) {
    end(send);
    send.stream().remove(send);
    figures.senders.decrement();
  }

  // ---- receiving ----

  /// Takes messages, or makes the receiver wait for one.
  ///
  /// @return yields what there was, nothing if the time was up
  public Step<Received> receive(Receiving receiving) {
    Stream known = streams.get(receiving.stream());
    // Those who came first are served first.
    if (known != null && known.receivers() == 0) {
      Received received = take(known, receiving.max());
      if (!received.handed().isEmpty()) {
        return Step.done(received);
      }
    }
    if (receiving.timeoutMs() <= 0) {
      figures.receiveTimeouts.increment();
      return Step.done(Received.nothing(receiving.stream()));
    }
    Stream stream = open(receiving.stream());
    stream.add(receiving);
    begin(receiving, time.monotonicNs() + receiving.timeoutMs() * 1_000_000);
    figures.receivers.increment();
    // In a stream without a buffer a receiver is the room that a sender waits for.
    admit(stream);
    return new Step.Waits<>(receiving.answer());
  }

  /// What was given has been received: the senders who wait to hear of it do.
  public void confirm(Received received) {
    for (Received.Handed each : received.handed()) {
      each.send()
          .ifPresent(send -> {
            if (waiting.remove(sentBy(send), send)) {
              send.stream().underway--;
              budget.release(send.message().heapSize());
              if (streams.get(received.stream()) == each.from()) {
                taken(each.from(), send.sending().uuid());
              }
              send.answer(Outcome.done(true));
            }
          });
    }
  }

  /// What was given has not been received: it goes back to the front.
  public void giveBack(Received received) {
    figures.returned.add(received.handed().size());
    for (Received.Handed each : received.handed().reversed()) {
      if (each.send().isPresent()) {
        waitAgain(each.send().get());
      } else if (!each.from().isDeleted()) {
        Stream stream = made(each.from());
        budget.takeAnyway(each.message().heapSize());
        figures.messages.increment();
        stream.addFirst(each.message());
      }
    }
    Stream stream = streams.get(received.stream());
    if (stream != null) {
      serve(stream);
      use(stream);
    }
  }

  /// The stream with the id of `former`, which is made again if it has been let go of since.
  private Stream made(Stream former) {
    Stream stream = open(former.id());
    StreamBudget.Maker maker = former.maker;
    if (!stream.isMade() && maker != null) {
      budget.takeAnyway(Stream.heapSize(stream.id()));
      stream.make(former.capacity(), budget.made(maker.principalId()));
    }
    return stream;
  }

  /// A sender whose receiver has gone waits on, as the first.
  private void waitAgain(WaitingSend send) {
    send.stream().underway--;
    if (send.stream().isDeleted()) {
      deleted(send);
    } else if (!send.isAskedFor()) {
      withdraw(send);
    } else if (send.endsNs() - time.monotonicNs() <= 0) {
      timedOut(send);
    } else {
      wait(send, send.stream()::addFirst);
    }
  }

  // ---- leaving ----

  /// Calls off a call that waits.
  ///
  /// @return whether it did
  public boolean leave(StreamCall call) {
    return switch (call) {
      case Receiving receiving -> leave(receiving);
      case Sending sending -> leave(sending);
      case Replaying replaying -> leave(replaying);
    };
  }

  /// What is on its way to the receiver is not called back.
  private boolean leave(Receiving receiving) {
    boolean waited = receiving.isWaiting();
    if (waited) {
      stopWaiting(receiving);
    }
    return waited;
  }

  private void stopWaiting(Receiving receiving) {
    end(receiving);
    figures.receivers.decrement();
    left(receiving.stream(), receiving);
  }

  /// If nobody else sends the same, nothing was sent, unless the message has been taken by now.
  private boolean leave(Sending sending) {
    WaitingSend send = sending.waitsFor;
    if (send == null) {
      // It may still wait for the log of its stream.
      sending.callOff();
      return false;
    }
    send.stopAsking(sending);
    if (!send.isWaiting()) {
      return false;
    }
    if (send.isAskedFor()) {
      end(send);
      begin(send, send.endsNs());
    } else {
      stopWaiting(send);
      withdraw(send);
    }
    return true;
  }

  private void withdraw(WaitingSend send) {
    waiting.remove(sentBy(send), send);
    budget.release(send.message().heapSize());
  }

  private boolean leave(Replaying replaying) {
    boolean waited = !replaying.isOver() && replaying.isParked();
    replaying.finish();
    if (replaying.isWaiting()) {
      stopWaiting(replaying);
    }
    return waited;
  }

  private void stopWaiting(Replaying replaying) {
    end(replaying);
    figures.replays.decrement();
    left(replaying.stream(), replaying);
  }

  /// A stream that is only waited at is gone with the last who does.
  private void left(String id, Wait wait) {
    Stream stream = streams.get(id);
    if (stream != null) {
      stream.remove(wait);
      if (!stream.isMade() && stream.isIdle() && !stream.watched) {
        streams.remove(id);
      }
    }
  }

  // ---- replays ----

  /// The replay has found nothing: it waits, or its time is up.
  ///
  /// @return yields [Replayed.Waiting] if it has waited before, and will be answered later
  public Step<Replayed> await(Replaying replaying) {
    boolean wasParked = replaying.isParked();
    long nowNs = time.monotonicNs();
    if (replaying.timeoutMs() <= 0 || replaying.endsNs(nowNs) - nowNs <= 0) {
      figures.receiveTimeouts.increment();
      return Step.done(new Replayed.Nothing());
    }
    open(replaying.stream()).add(replaying);
    begin(replaying, replaying.endsNs(nowNs));
    figures.replays.increment();
    return answeredLater(replaying, wasParked);
  }

  /// The replay has looked at much and found nothing yet: it goes on after what else there is to
  /// do.
  ///
  /// @return as [#await] does
  public Step<Replayed> goOn(Replaying replaying) {
    boolean wasParked = replaying.isParked();
    long _ = replaying.endsNs(time.monotonicNs());
    replayAgain(replaying);
    return answeredLater(replaying, wasParked);
  }

  private static Step<Replayed> answeredLater(Replaying replaying, boolean wasParked) {
    return wasParked ? Step.done(new Replayed.Waiting()) : new Step.Waits<>(replaying.answer());
  }

  private void replayAgain(Replaying replaying) {
    host.submit(new ReplayStream(replaying), outcome -> answer(replaying, outcome));
  }

  /// Counts what a replay has found, and keeps the log in memory for a while.
  public void replayed(String id, int messages) {
    figures.replayed.add(messages);
    use(open(id));
  }

  private void wakeReplays(Stream stream) {
    Stream present = streams.get(stream.id());
    if (present == null) {
      return;
    }
    for (Replaying replaying : present.takeReplays()) {
      end(replaying);
      figures.replays.decrement();
      replayAgain(replaying);
    }
  }

  private void answer(Replaying replaying, Outcome<Replayed> outcome) {
    boolean waitsOn =
        outcome instanceof Outcome.Done<Replayed>(Replayed replayed)
            && replayed instanceof Replayed.Waiting;
    if (!waitsOn && !replaying.isOver()) {
      replaying.finish();
      replaying.answer().give(outcome);
    }
  }

  // ---- time ----

  private void begin(Wait wait, long deadlineNs) {
    wait.begin(deadlineNs, ++waits);
    deadlines.add(wait);
    arm();
  }

  private void end(Wait wait) {
    if (wait.isWaiting()) {
      deadlines.remove(wait);
      wait.end();
    }
  }

  private void arm() {
    if (!deadlines.isEmpty() && deadlines.first().deadlineNs() < armedNs) {
      long atNs = deadlines.first().deadlineNs();
      armedNs = atNs;
      host.after(Math.max(0, atNs - time.monotonicNs()), () -> rings(atNs));
    }
  }

  private void rings(long atNs) {
    if (armedNs == atNs) {
      armedNs = NONE;
      expire();
      arm();
    }
  }

  /// Ends those whose time is up.
  private void expire() {
    long nowNs = time.monotonicNs();
    while (!deadlines.isEmpty() && deadlines.first().deadlineNs() - nowNs <= 0) {
      switch (deadlines.first()) {
        case Receiving receiving -> {
          stopWaiting(receiving);
          figures.receiveTimeouts.increment();
          receiving.answer().give(Outcome.done(Received.nothing(receiving.stream())));
        }
        case WaitingSend send -> {
          // What has expired takes no room: then it has waited for nothing.
          forgetExpired(send.stream());
          if (send.isWaiting()) {
            stopWaiting(send);
            timedOut(send);
          }
        }
        case Replaying replaying -> {
          stopWaiting(replaying);
          figures.receiveTimeouts.increment();
          answer(replaying, Outcome.done(new Replayed.Nothing()));
        }
      }
    }
  }

  private void timedOut(WaitingSend send) {
    withdraw(send);
    figures.sendTimeouts.increment();
    send.answer(Outcome.done(false));
  }

  // ---- coming and going ----

  private Stream open(String id) {
    Stream known = streams.get(id);
    if (known != null) {
      return known;
    }
    Stream stream = new Stream(id);
    streams.put(id, stream);
    return stream;
  }

  /// Notes that a stream is used: it is looked at again when it has not been for some time.
  private void use(Stream stream) {
    stream.usedNs = time.monotonicNs();
    if (!stream.watched) {
      watch(stream, stream.usedNs);
    }
  }

  private void watch(Stream stream, long nowNs) {
    stream.watched = true;
    stream.watchedNs = nowNs;
    watched.add(stream);
    if (nextDueNs == NONE) {
      nextDueNs = nowNs + keepsNs();
    }
  }

  /// How long the uuid of a message is remembered, milliseconds.
  public long deduplicationMs() {
    return limits.deduplication().toMillis();
  }

  /// How long a stream is kept that is not used, with its uuids.
  private long keepsNs() {
    return Math.max(limits.idle().toNanos(), limits.deduplication().toNanos());
  }

  /// When [#tend] has something to do, by the monotonic clock. Any thread.
  public long nextDueNs() {
    return nextDueNs;
  }

  /// Lets go of streams that are empty and have not been used for some time, and of the uuids of
  /// the others: looks at most at `max`. That happens after one to two times as long as they are
  /// kept.
  public void tend(int max) {
    long nowNs = time.monotonicNs();
    for (int i = 0; i < max; i++) {
      Stream stream = watched.peekFirst();
      if (stream == null || stream.watchedNs + keepsNs() - nowNs > 0) {
        break;
      }
      watched.removeFirst();
      stream.watched = false;
      if (stream.usedNs + keepsNs() - nowNs > 0) {
        watch(stream, nowNs);
      } else {
        unused(stream, nowNs);
      }
    }
    Stream next = watched.peekFirst();
    nextDueNs = next == null ? NONE : next.watchedNs + keepsNs();
  }

  private void unused(Stream stream, long nowNs) {
    budget.release(stream.forgetUuids());
    forgetExpired(stream);
    StreamMessage first = stream.first();
    if (streams.get(stream.id()) != stream) {
      // It was deleted; the log is that of its successor.
      return;
    }
    if (stream.isIdle()) {
      free(stream);
      host.release(stream.id());
    } else if (first == null || first.expires()) {
      // Somebody waits, or it will be empty by itself. One that only holds messages is looked at
      // when they have been received.
      watch(stream, nowNs);
    }
  }

  private void free(Stream stream) {
    if (streams.remove(stream.id(), stream) && stream.isMade()) {
      budget.release(Stream.heapSize(stream.id()));
      StreamBudget.Maker maker = stream.maker;
      if (maker != null) {
        budget.freed(maker);
      }
    }
  }

  // ---- for operators ----

  /// A stream as operators see it.
  ///
  /// @param id its id
  /// @param capacity messages it may hold
  /// @param messages messages it holds
  /// @param receivers receivers that wait
  /// @param senders senders that wait
  public record Info(String id, int capacity, int messages, int receivers, int senders) {}

  /// The first `max` streams whose ids begin with `prefix` and come after `after`, in their order.
  public List<Info> list(String prefix, String after, int max) {
    boolean beginsAfter = after.compareTo(prefix) >= 0;
    List<Info> found = new ArrayList<>();
    for (Stream stream :
        (beginsAfter ? streams.tailMap(after, false) : streams.tailMap(prefix, true)).values()) {
      if (found.size() == max || !stream.id().startsWith(prefix)) {
        break;
      }
      if (stream.isMade()) {
        found.add(
            new Info(
                stream.id(),
                stream.capacity(),
                stream.size(),
                stream.receivers(),
                stream.senders()));
      }
    }
    return found;
  }

  /// What a stream holds.
  ///
  /// @param messages some of it, in order
  /// @param total how many messages there are
  public record Peeked(List<StreamMessage> messages, int total) {}

  /// What the stream holds from the message with the index `offset` on, at most `max` messages;
  /// empty if it is not in memory.
  public Optional<Peeked> peek(String id, int offset, int max) {
    Stream stream = streams.get(id);
    if (stream == null || !stream.isMade()) {
      return Optional.empty();
    }
    forgetExpired(stream);
    List<StreamMessage> messages = new ArrayList<>();
    long bytes = 0;
    int index = 0;
    for (StreamMessage message = stream.first();
        message != null && messages.size() < max && bytes < MAX_BYTES;
        message = message.next) {
      boolean isShown = index++ >= offset && !message.expiredAt(time.wallMs());
      if (isShown) {
        messages.add(message);
        bytes += message.heapSize();
      }
    }
    return Optional.of(new Peeked(messages, stream.size()));
  }

  /// Drops everything the stream holds; those who wait for room go on.
  ///
  /// @return how many messages those were; empty if it is not in memory
  public OptionalLong purge(String id) {
    Stream stream = streams.get(id);
    if (stream == null || !stream.isMade()) {
      return OptionalLong.empty();
    }
    long purged = stream.size();
    discardAll(stream);
    serve(stream);
    use(stream);
    return OptionalLong.of(purged);
  }

  /// Lets go of the stream with all it holds. Senders who wait are refused; receivers wait on for
  /// the next of the name.
  ///
  /// @return whether it was in memory
  public boolean delete(String id) {
    Stream stream = streams.get(id);
    if (stream == null) {
      return false;
    }
    // Also what it knows of messages that only the store had.
    budget.release(stream.forgetUuids());
    if (!stream.isMade()) {
      return false;
    }
    discardAll(stream);
    for (WaitingSend send = stream.firstSender(); send != null; send = stream.firstSender()) {
      stopWaiting(send);
      deleted(send);
    }
    stream.markDeleted();
    free(stream);
    keepWaiting(stream);
    return true;
  }

  private void deleted(WaitingSend send) {
    withdraw(send);
    send.answer(
        Outcome.refused(
            Refusal.Code.STREAM_DELETED, "stream '" + send.stream().id() + "' was deleted"));
  }

  /// Those who wait for messages wait at the next stream of that id.
  private void keepWaiting(Stream gone) {
    if (!gone.hasReaders()) {
      return;
    }
    Stream next = open(gone.id());
    for (Receiving first = gone.firstReceiver(); first != null; first = gone.firstReceiver()) {
      gone.remove(first);
      next.add(first);
    }
    gone.takeReplays().forEach(next::add);
  }

  // ---- after a restart ----

  /// Notes the uuids of messages that were stored lately, so that those sent again are known.
  public void recall(String id, StoredUuids stored) {
    Stream stream = open(id);
    long nowNs = time.monotonicNs();
    long now = time.wallMs();
    for (StoredUuids.Stored each : stored.each()) {
      long ageMs = Math.max(0, now - each.timestamp());
      budget.takeAnyway(stream.recall(each.uuid(), nowNs - ageMs * 1_000_000));
    }
    use(stream);
  }
}
