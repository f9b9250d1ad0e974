// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// WebSockets subscribed to one topic, and the sum of what they receive.
public final class SocketGroup implements AutoCloseable {
  /// How much arrived up to some moment: messages on all sockets together, and the reads they came
  /// in.
  public record Counts(long deliveries, long reads) {}

  private static final int CONNECTING_AT_ONCE = 200;
  private static final int PORTS_PER_ADDRESS = 20_000;
  private static final long NEVER = Long.MAX_VALUE;

  private final LoadLoops loops;
  private final Endpoint endpoint;
  private final String token;
  private final String topic;
  private final Failures failures;
  private final List<LiveSocket> sockets;
  private final boolean onePortRangeIsEnough;
  private final CountDownLatch live;
  private final AtomicInteger nextToConnect = new AtomicInteger();

  private final AtomicLong deliveries = new AtomicLong();
  private final LongAdder reads = new LongAdder();
  private volatile long wakeAt = NEVER;
  private volatile Optional<Runnable> wake = Optional.empty();

  private final Recorder latencies = new Recorder(3);
  private volatile long sampleFromNs = NEVER;
  private volatile long sampleToNs = NEVER;

  private SocketGroup(
      LoadLoops loops,
      Endpoint endpoint,
      String token,
      String topic,
      int count,
      int sampleEvery,
      Failures failures) {
    this.loops = loops;
    this.endpoint = endpoint;
    this.token = token;
    this.topic = topic;
    this.failures = failures;
    this.live = new CountDownLatch(count);
    var all = new ArrayList<LiveSocket>(count);
    for (int i = 0; i < count; i++) {
      all.add(new LiveSocket(this, i, loops.of(i), i % sampleEvery == 0));
    }
    this.sockets = List.copyOf(all);
    this.onePortRangeIsEnough = count < ephemeralPorts() * 9 / 10;
  }

  /// Opens `count` sockets and waits until each is subscribed. Of every `sampleEvery` sockets one
  /// decodes its messages.
  public static SocketGroup open(
      LoadLoops loops,
      Endpoint endpoint,
      String token,
      String topic,
      int count,
      int sampleEvery,
      Duration timeout,
      Failures failures)
      throws InterruptedException {
    var group = new SocketGroup(loops, endpoint, token, topic, count, sampleEvery, failures);
    for (int i = 0; i < Math.min(count, CONNECTING_AT_ONCE); i++) {
      group.connectNext();
    }
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (!group.live.await(50, TimeUnit.MILLISECONDS)) {
      boolean late = Stamp.nowNs() > deadlineNs;
      if (failures.isBroken() || late) {
        String reason =
            late
                ? "not subscribed within " + timeout.toSeconds() + " s"
                : failures.first().orElse("broken");
        group.close();
        throw new BenchException(
            group.live.getCount()
                + " of "
                + count
                + " WebSockets did not get to their subscription: "
                + reason);
      }
    }
    return group;
  }

  public int size() {
    return sockets.size();
  }

  public Counts counts() {
    return new Counts(deliveries.get(), reads.sum());
  }

  /// Records the latency of messages stamped from `fromNs` until `toNs`, and of no others.
  public void sampleBetween(long fromNs, long toNs) {
    latencies.reset();
    sampleToNs = toNs;
    sampleFromNs = fromNs;
  }

  /// Latencies in nanoseconds, since [#sampleBetween].
  public Histogram takeLatencies() {
    return latencies.getIntervalHistogram();
  }

  /// Waits until all sockets together have received so many messages; false if that takes longer
  /// than `timeout`.
  public boolean awaitDeliveries(long total, Duration timeout) throws InterruptedException {
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (deliveries.get() < total) {
      if (Stamp.nowNs() > deadlineNs || failures.awaitBroken(Duration.ofMillis(20))) {
        return false;
      }
    }
    return true;
  }

  /// Compares what each socket received with what was published, and the order the sampled ones
  /// saw.
  public void check(long published) throws InterruptedException {
    var orders = new HashSet<Long>();
    int wrong = 0;
    String example = "";
    for (LiveSocket socket : sockets) {
      long received = ask(socket);
      if (received != published) {
        wrong++;
        example = "one received " + received;
      }
      socket.sampled().ifPresent(order -> orders.add(order.orderHash()));
    }
    if (wrong > 0) {
      failures.unexpected(
          wrong
              + " of "
              + size()
              + " sockets did not receive all "
              + published
              + " published messages: "
              + example);
    } else if (orders.size() > 1) {
      failures.unexpected(
          "sampled sockets received the messages in " + orders.size() + " different orders");
    }
  }

  private static long ask(LiveSocket socket) throws InterruptedException {
    try {
      return socket.loop().submit(socket::received).get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("a socket could not tell its count", e.getCause());
    }
  }

  @Override
  public void close() {
    for (LiveSocket socket : sockets) {
      socket.loop().execute(socket::close);
    }
  }

  /// Runs `task` once, on whichever loop notices, when so many messages have arrived in all.
  void wakeAt(long total, Runnable task) {
    wake = Optional.of(task);
    wakeAt = total;
    if (deliveries.get() >= total) {
      wakeNow();
    }
  }

  void delivered(int messages) {
    reads.increment();
    if (deliveries.addAndGet(messages) >= wakeAt) {
      wakeNow();
    }
  }

  private void wakeNow() {
    wakeAt = NEVER;
    wake.ifPresent(Runnable::run);
  }

  void sample(long receivedAtNs, long stampedNs) {
    if (stampedNs >= sampleFromNs && stampedNs < sampleToNs) {
      latencies.recordValue(Math.max(0, receivedAtNs - stampedNs));
    }
  }

  void live() {
    live.countDown();
    connectNext();
  }

  Failures failures() {
    return failures;
  }

  ByteBuf handshakeRequest() {
    return Requests.bytes(
        "GET /ws?token="
            + token
            + " HTTP/1.1\r\nHost: "
            + endpoint.authority()
            + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  }

  byte[] subscribeFrame(int index) {
    return ("{\"type\":\"subscribe\",\"topics\":[\""
            + topic
            + "\"],\"client_id\":\"bench-"
            + index
            + "\"}")
        .getBytes(UTF_8);
  }

  private void connectNext() {
    int index = nextToConnect.getAndIncrement();
    if (index < sockets.size()) {
      LiveSocket socket = sockets.get(index);
      loops.connect(
          socket.loop(),
          endpoint.address(),
          sourceAddress(index),
          socket,
          cause ->
              failures.broken(
                  "WebSocket "
                      + index
                      + " cannot connect to "
                      + endpoint.authority()
                      + ": "
                      + cause.getMessage()));
    }
  }

  /// Loopback has more addresses than one, so more sockets fit than one address has ports for.
  private Optional<InetSocketAddress> sourceAddress(int index) {
    if (onePortRangeIsEnough || !endpoint.address().getAddress().isLoopbackAddress()) {
      return Optional.empty();
    }
    return Optional.of(new InetSocketAddress("127.0.0." + (2 + index / PORTS_PER_ADDRESS), 0));
  }

  private static int ephemeralPorts() {
    // Read in one piece: this file answers a second read with its end.
    try (var reader = Files.newBufferedReader(Path.of("/proc/sys/net/ipv4/ip_local_port_range"))) {
      String[] range = reader.readLine().trim().split("\\s+", -1);
      return Integer.parseInt(range[1]) - Integer.parseInt(range[0]);
    } catch (IOException notLinux) {
      // Elsewhere the range of RFC 6335.
      return 65_535 - 49_152;
    }
  }
}
