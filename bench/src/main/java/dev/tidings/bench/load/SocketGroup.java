// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntFunction;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// WebSockets subscribed to one topic or queue, and the sum of what they receive.
public final class SocketGroup implements AutoCloseable {
  /// How much arrived up to some moment: messages on all sockets together, and the reads they came
  /// in.
  public record Counts(long deliveries, long reads) {}

  private static final int CONNECTING_AT_ONCE = 200;
  private static final int PORTS_PER_ADDRESS = 20_000;
  private static final long NEVER = Long.MAX_VALUE;

  private final SocketOpener opener;
  private final SocketDialect dialect;
  private final List<LiveSocket> sockets;
  private final List<SampledOrder> orders;
  private final int copies;
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

  private final PublisherNumbers publishers = new PublisherNumbers();
  // Over all that is published to the group; for the thread that measures.
  private long published;

  /// @param readers what is done with the messages of each socket, where they are decoded
  /// @param copies how many of the sockets get a message
  SocketGroup(
      SocketOpener opener,
      SocketDialect dialect,
      List<Optional<SocketReader>> readers,
      IntFunction<EventLoop> loopOf,
      int copies) {
    this.opener = opener;
    this.dialect = dialect;
    this.copies = copies;
    this.live = new CountDownLatch(readers.size());
    var all = new ArrayList<LiveSocket>(readers.size());
    var ordered = new ArrayList<SampledOrder>();
    for (int i = 0; i < readers.size(); i++) {
      all.add(new LiveSocket(this, i, loopOf.apply(i), readers.get(i)));
      if (readers.get(i).orElse(null) instanceof SampledOrder order) {
        ordered.add(order);
      }
    }
    this.sockets = List.copyOf(all);
    this.orders = List.copyOf(ordered);
    this.onePortRangeIsEnough = readers.size() < ephemeralPorts() * 9 / 10;
  }

  /// Opens the sockets and waits until each is subscribed.
  void open(Duration timeout) throws InterruptedException {
    for (int i = 0; i < Math.min(size(), CONNECTING_AT_ONCE); i++) {
      connectNext();
    }
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (!live.await(50, TimeUnit.MILLISECONDS)) {
      boolean late = Stamp.nowNs() > deadlineNs;
      if (failures().isBroken() || late) {
        String reason =
            late
                ? "not subscribed within " + timeout.toSeconds() + " s"
                : failures().first().orElse("broken");
        close();
        throw new BenchException(
            live.getCount()
                + " of "
                + size()
                + " WebSockets did not get to their subscription: "
                + reason);
      }
    }
  }

  public int size() {
    return sockets.size();
  }

  /// How many deliveries so many messages become.
  long deliveriesOf(long messages) {
    return messages * copies;
  }

  /// How many messages so many deliveries are of.
  public double messagesOf(long deliveries) {
    return (double) deliveries / copies;
  }

  /// The numbers of those who publish to the group.
  public PublisherNumbers publishers() {
    return publishers;
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

  /// Whether all sockets together have received so many messages.
  boolean hasDeliveries(long total) {
    return deliveries.get() >= total;
  }

  /// Waits until everything that was published has arrived, if that takes no longer than `timeout`,
  /// and checks it: how many messages each socket received, and the order the sampled ones saw.
  ///
  /// @param messages published since the last call
  public void awaitAndCheck(long messages, Duration timeout) throws InterruptedException {
    published += messages;
    long deadlineNs = Stamp.nowNs() + timeout.toNanos();
    while (!hasDeliveries(deliveriesOf(published)) && Stamp.nowNs() < deadlineNs) {
      if (failures().awaitBroken(Duration.ofMillis(20))) {
        return;
      }
    }
    if (copies == size()) {
      checkEach();
    } else {
      checkAll();
    }
  }

  private void checkEach() throws InterruptedException {
    int wrong = 0;
    String example = "";
    for (LiveSocket socket : sockets) {
      long received = ask(socket);
      if (received != published) {
        wrong++;
        example = "one received " + received;
      }
    }
    long ordersSeen = orders.stream().map(SampledOrder::orderHash).distinct().count();
    if (wrong > 0) {
      failures()
          .unexpected(
              wrong
                  + " of "
                  + size()
                  + " sockets did not receive all "
                  + published
                  + " published messages: "
                  + example);
    } else if (ordersSeen > 1) {
      failures()
          .unexpected(
              "sampled sockets received the messages in " + ordersSeen + " different orders");
    }
  }

  private void checkAll() {
    long received = deliveries.get();
    if (received != deliveriesOf(published)) {
      failures()
          .unexpected(
              "the sockets received %d of %d published messages, all together"
                  .formatted(received, published));
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
    return opener.failures();
  }

  SocketDialect dialect() {
    return dialect;
  }

  ByteBuf handshakeRequest() {
    return Requests.bytes(
        "GET /ws"
            + dialect.token().map(it -> "?token=" + it).orElse("")
            + " HTTP/1.1\r\nHost: "
            + opener.endpoint().authority()
            + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  }

  private void connectNext() {
    int index = nextToConnect.getAndIncrement();
    if (index < sockets.size()) {
      LiveSocket socket = sockets.get(index);
      Endpoint endpoint = opener.endpoint();
      opener
          .loops()
          .connect(
              socket.loop(),
              endpoint.address(),
              sourceAddress(index),
              socket,
              cause ->
                  failures()
                      .broken(
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
    if (onePortRangeIsEnough || !opener.endpoint().address().getAddress().isLoopbackAddress()) {
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
