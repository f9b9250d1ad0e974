// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// The generator's event loops; few, since they share the cores with what they measure.
public final class LoadLoops implements AutoCloseable {
  static {
    // Tracking sampled buffers costs, and nothing here keeps one.
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
  }

  private static final int CONNECT_TIMEOUT_MS = 10_000;

  private final MultiThreadIoEventLoopGroup group;
  private final List<EventLoop> loops = new ArrayList<>();
  private final Class<? extends SocketChannel> channelClass;

  public LoadLoops(int threads) {
    if (threads < 1) {
      throw new BenchException("threads: " + threads + " (expected: >= 1)");
    }
    IoHandlerFactory io =
        Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    channelClass = Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class;
    group =
        new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory("bench-load", true), io);
    for (int i = 0; i < threads; i++) {
      loops.add((EventLoop) group.next());
    }
  }

  /// The loop that publishes; sockets are spread over all of them.
  public EventLoop first() {
    return loops.getFirst();
  }

  public EventLoop of(int index) {
    return loops.get(index % loops.size());
  }

  /// Connects, tells `failed` if that is refused, and otherwise leaves everything to the handler.
  void connect(
      EventLoop loop,
      InetSocketAddress remote,
      Optional<InetSocketAddress> from,
      ChannelHandler handler,
      Consumer<Throwable> failed) {
    var bootstrap =
        new Bootstrap()
            .group(loop)
            .channel(channelClass)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
            .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
            .option(ChannelOption.RECVBUF_ALLOCATOR, new ReusedReceiveBuffer())
            .handler(handler);
    from.ifPresent(bootstrap::localAddress);
    var _ =
        bootstrap
            .connect(remote)
            .addListener(done -> {
              if (!done.isSuccess()) {
                failed.accept(done.cause());
              }
            });
  }

  @Override
  public void close() {
    var _ = group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
