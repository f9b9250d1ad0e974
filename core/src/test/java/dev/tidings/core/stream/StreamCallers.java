// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.ConfirmReceived;
import dev.tidings.core.command.LeaveStream;
import dev.tidings.core.command.PurgeStream;
import dev.tidings.core.command.ReceiveFromStream;
import dev.tidings.core.command.ReplayStream;
import dev.tidings.core.command.ReturnReceived;
import dev.tidings.core.command.SendToStream;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Reply;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.subscription.Subscriptions;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/// A node on a memory, and callers who send to and receive from the stream "s" in few words.
final class StreamCallers {
  static final String STREAM = "s";

  /// Bounds that no small test reaches.
  static final StreamLimits LIMITS =
      new StreamLimits(
          1 << 24, 1_000, 1_000, 1_000, Duration.ofSeconds(60), Duration.ofSeconds(60));

  private final MemoryStore.Memory memory = new MemoryStore.Memory();
  private final Node.Limits limits;
  FaultyStore store = new FaultyStore(new MemoryStore(memory), 1);
  ManualTime time = new ManualTime();
  CrankedNode node;

  private StreamCallers(StreamLimits streams, long hotBytes) throws StoreException {
    limits =
        new Node.Limits(
            hotBytes,
            1 << 20,
            10_000,
            1 << 24,
            new CommitLane.Limits(1000, 1 << 24),
            100,
            100,
            Receipts.Limits.DEFAULT,
            Subscriptions.Limits.DEFAULT,
            streams,
            ExchangeLimits.DEFAULT,
            ScheduleLimits.DEFAULT);
    node = CrankedNode.on(store, 2, limits, time);
  }

  static StreamCallers start() throws StoreException {
    return within(LIMITS);
  }

  static StreamCallers within(StreamLimits streams) throws StoreException {
    return new StreamCallers(streams, 1 << 24);
  }

  /// No message of a log stays in memory once it is durable and another was appended anywhere.
  static StreamCallers cold() throws StoreException {
    return new StreamCallers(LIMITS, 0);
  }

  /// The process ends and another begins.
  void restart() throws StoreException {
    long wall = time.wallMs();
    time = new ManualTime();
    time.jumpWall(Duration.ofMillis(wall - ManualTime.BEGINNING_MS));
    // Its monotonic clock is no longer at its beginning.
    store = new FaultyStore(new MemoryStore(memory), 1);
    node = CrankedNode.on(store, 2, limits, time);
  }

  // ---- sending ----

  static UUID uuid(String text) {
    return UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  static Sending to(
      String stream, String text, int capacity, long timeoutMs, OptionalLong store, String who) {
    return new Sending(stream, uuid(text), Payload.of(text), capacity, timeoutMs, store, who);
  }

  static Sending circular(String text, int capacity) {
    return to(STREAM, text, capacity, 0, OptionalLong.empty(), "me");
  }

  static Sending blocking(String text, int capacity, long timeoutMs) {
    return to(STREAM, text, capacity, timeoutMs, OptionalLong.empty(), "me");
  }

  static Sending durable(String text, int capacity, long timeoutMs, long ttlMs) {
    return to(STREAM, text, capacity, timeoutMs, OptionalLong.of(ttlMs), "me");
  }

  <R> Reply<R> ask(Command<R> command) {
    Reply<R> reply = node.submit(command);
    node.settle();
    return reply;
  }

  Reply<Boolean> send(Sending sending) {
    return ask(new SendToStream(sending));
  }

  /// Sends what is taken at once.
  void sent(Sending sending) {
    assertThat(send(sending).done()).isTrue();
  }

  // ---- receiving ----

  Reply<Received> receive(int max, long timeoutMs) {
    return receive(new Receiving(STREAM, max, timeoutMs));
  }

  Reply<Received> receive(Receiving receiving) {
    return ask(new ReceiveFromStream(receiving));
  }

  static List<String> texts(Received received) {
    return received.messages().stream().map(it -> it.payload().text()).toList();
  }

  static List<String> texts(Reply<Received> reply) {
    return texts(reply.done());
  }

  /// Takes what there is, without waiting.
  List<String> take(int max) {
    return texts(receive(max, 0));
  }

  void giveBack(Reply<Received> reply) {
    assertThat(ask(new ReturnReceived(reply.done())).done()).isTrue();
  }

  void confirm(Reply<Received> reply) {
    assertThat(ask(new ConfirmReceived(reply.done())).done()).isTrue();
  }

  void leave(StreamCall call) {
    assertThat(ask(new LeaveStream(call)).isAnswered()).isTrue();
  }

  long purge() {
    return ask(new PurgeStream(STREAM)).done();
  }

  // ---- replaying ----

  static Replaying from(Optional<Position> position, int max, long timeoutMs) {
    return new Replaying(STREAM, position, max, timeoutMs);
  }

  Reply<Replayed> replay(Optional<Position> position, int max, long timeoutMs) {
    return ask(new ReplayStream(from(position, max, timeoutMs)));
  }

  /// What is found at once.
  Replayed.Found found(Optional<Position> position, int max) {
    return (Replayed.Found) replay(position, max, 0).done();
  }

  static List<String> texts(Replayed.Found found) {
    return found.messages().stream().map(Message::payload).map(Payload::text).toList();
  }

  /// Everything that is stored and not expired.
  List<String> stored() {
    return replay(Optional.empty(), 10_000, 0).done() instanceof Replayed.Found found
        ? texts(found)
        : List.of();
  }

  // ---- time and figures ----

  void pass(Duration by) {
    time.advance(by);
    node.settle();
  }

  void passMs(long ms) {
    pass(Duration.ofMillis(ms));
  }

  void tend() {
    node.node().tend(time, node.executor(0));
    node.settle();
  }

  StreamFigures figures() {
    return node.node().streamFigures();
  }

  /// Fails unless nothing is left once nobody has used anything for long enough.
  void checkNothingIsLeft() {
    for (int i = 0; i < 3; i++) {
      pass(Duration.ofSeconds(60));
      tend();
    }
    assertThat(figures().messages()).isZero();
    assertThat(figures().receivers()).isZero();
    assertThat(figures().senders()).isZero();
    assertThat(figures().replays()).isZero();
    assertThat(figures().streams()).isZero();
    assertThat(figures().bytes()).isZero();
    assertThat(node.node().backlog().commands()).isZero();
    assertThat(node.node().backlog().bytes()).isZero();
  }
}
