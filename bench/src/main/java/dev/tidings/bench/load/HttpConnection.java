// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// One keep-alive connection with at most one outstanding request. Touched by its event loop alone.
public final class HttpConnection extends ChannelInboundHandlerAdapter {
  /// Who asked.
  interface Asker {
    /// An answer with the expected status, or with another one, which was already counted as a
    /// failure.
    void answered(HttpConnection connection, ResponseScanner answer);
  }

  /// So many that no queue of connections to accept runs over.
  private static final int CONNECTING_AT_ONCE = 200;

  private static final int CONNECT_ALL_TIMEOUT_S = 30;
  private static final Asker NOBODY = (connection, answer) -> {};

  private final int index;
  private final EventLoop loop;
  private final Failures failures;
  private final CountDownLatch connected;
  private final ResponseScanner scanner = new ResponseScanner();
  private @Nullable Channel channel;
  private Asker asker = NOBODY;
  private String what = "";
  private final long openedAtNs = Stamp.nowNs();
  private long sentAtNs;
  private boolean outstanding;
  private boolean closing;

  private HttpConnection(int index, EventLoop loop, Failures failures, CountDownLatch connected) {
    this.index = index;
    this.loop = loop;
    this.failures = failures;
    this.connected = connected;
  }

  /// Opens that many connections, spread over the loops, and waits until all are connected.
  public static List<HttpConnection> open(
      LoadLoops loops, Endpoint endpoint, int count, Failures failures)
      throws InterruptedException {
    return open(loops, endpoint, count, loops::of, failures);
  }

  /// Opens that many connections on the first loop, for publishers that share a gate or a schedule.
  public static List<HttpConnection> openOnFirstLoop(
      LoadLoops loops, Endpoint endpoint, int count, Failures failures)
      throws InterruptedException {
    return open(loops, endpoint, count, _ -> loops.first(), failures);
  }

  /// Opens that many connections; those whose indexes have the same remainder by `groups` are on
  /// one loop, so that what they share needs no locks.
  public static List<HttpConnection> openInGroups(
      LoadLoops loops, Endpoint endpoint, int count, int groups, Failures failures)
      throws InterruptedException {
    return open(loops, endpoint, count, index -> loops.of(index % groups), failures);
  }

  /// Opens that many connections, each on the loop that `loopOf` names for its index.
  static List<HttpConnection> open(
      LoadLoops loops,
      Endpoint endpoint,
      int count,
      IntFunction<EventLoop> loopOf,
      Failures failures)
      throws InterruptedException {
    var connections = new ArrayList<HttpConnection>(count);
    while (connections.size() < count) {
      int most = Math.min(count - connections.size(), CONNECTING_AT_ONCE);
      openMore(loops, endpoint, connections, most, loopOf, failures);
    }
    return List.copyOf(connections);
  }

  private static void openMore(
      LoadLoops loops,
      Endpoint endpoint,
      List<HttpConnection> connections,
      int count,
      IntFunction<EventLoop> loopOf,
      Failures failures)
      throws InterruptedException {
    var connected = new CountDownLatch(count);
    for (int i = 0; i < count; i++) {
      int index = connections.size();
      var connection = new HttpConnection(index, loopOf.apply(index), failures, connected);
      connections.add(connection);
      loops.connect(
          connection.loop,
          endpoint.address(),
          Optional.empty(),
          connection,
          cause ->
              failures.broken(
                  "cannot connect to " + endpoint.authority() + ": " + cause.getMessage()));
    }
    while (!connected.await(100, TimeUnit.MILLISECONDS)) {
      if (failures.isBroken()) {
        throw new BenchException(failures.first().orElseThrow());
      }
      if (connected.getCount() > 0 && connections.getLast().isLate()) {
        throw new BenchException(
            connected.getCount()
                + " of "
                + count
                + " connections to "
                + endpoint.authority()
                + " were not accepted within "
                + CONNECT_ALL_TIMEOUT_S
                + " s (expected: a server that accepts all of them)");
      }
    }
  }

  private boolean isLate() {
    return Stamp.nowNs() - openedAtNs > TimeUnit.SECONDS.toNanos(CONNECT_ALL_TIMEOUT_S);
  }

  public static void closeAll(List<HttpConnection> connections) {
    connections.forEach(connection -> connection.loop.execute(connection::close));
  }

  int index() {
    return index;
  }

  EventLoop loop() {
    return loop;
  }

  long sentAtNs() {
    return sentAtNs;
  }

  /// Says who is told of answers from now on, and what they are to look like.
  void attach(Asker asker, String what, int expectedStatus, boolean keepBodies) {
    attach(asker, what, expectedStatus, expectedStatus, keepBodies);
  }

  /// As above, where an answer may have either of two statuses.
  void attach(
      Asker asker, String what, int expectedStatus, int alternativeStatus, boolean keepBodies) {
    this.asker = asker;
    this.what = what;
    scanner.expect(expectedStatus, alternativeStatus, keepBodies);
  }

  void send(ByteBuf request) {
    outstanding = true;
    sentAtNs = Stamp.nowNs();
    if (channel == null) {
      request.release();
      throw new IllegalStateException("connection " + index + " was used before it was connected");
    }
    var _ = channel.writeAndFlush(request, channel.voidPromise());
  }

  private void close() {
    closing = true;
    if (channel != null) {
      var _ = channel.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    channel = context.channel();
    connected.countDown();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    try {
      while (in.isReadable() && scanner.scan(in)) {
        if (!outstanding) {
          throw new BenchException("an answer came without a request");
        }
        outstanding = false;
        if (!scanner.isExpected()) {
          failures.unexpected(
              what + " was answered " + scanner.status() + " " + scanner.keptText());
        }
        asker.answered(this, scanner);
      }
    } finally {
      in.release();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (!closing) {
      failures.broken(
          "the server closed a connection"
              + (outstanding ? " that waited for the answer to " + what : "")
              + " (expected: keep-alive)");
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!closing) {
      failures.broken("a connection that sent " + what + " failed: " + cause);
    }
    close();
  }
}
