// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.runtime.Loop;
import dev.tidings.core.runtime.SerialExecutor;
import io.vertx.core.Context;
import io.vertx.core.internal.ContextInternal;
import java.util.concurrent.TimeUnit;

/// One event loop of the server: a Vert.x context, the core's view of it, and what front-ends keep
/// there.
public final class EventLoop implements SerialExecutor {
  private final ContextInternal context;
  private final io.netty.channel.EventLoop netty;
  private final Timestamps timestamps = new Timestamps();
  private final Connections connections;
  private FrameCache frames;
  private Loop core;

  /// The event loop that `context` runs on, with its `connections`.
  @SuppressWarnings("NullAway.Init") // joined before anything else is called
  public EventLoop(Context context, Connections connections) {
    this.connections = connections;
    this.context = (ContextInternal) context;
    this.netty = this.context.nettyEventLoop();
  }

  /// Joins it to the core; once, before it serves.
  public void join(Loop loop, FrameCache frameCache) {
    core = loop;
    frames = frameCache;
  }

  @Override
  public void execute(Runnable task) {
    netty.execute(task);
  }

  @Override
  public void executeAfter(long delayNs, Runnable task) {
    var _ = netty.schedule(task, delayNs, TimeUnit.NANOSECONDS);
  }

  @Override
  public boolean isCurrent() {
    return netty.inEventLoop();
  }

  /// The Vert.x context whose handlers run on it.
  public ContextInternal context() {
    return context;
  }

  /// The core's view of it: its cursors.
  public Loop core() {
    return core;
  }

  /// The frames encoded lately on it.
  public FrameCache frames() {
    return frames;
  }

  /// Its HTTP connections.
  public Connections connections() {
    return connections;
  }

  /// Its formatter of timestamps.
  public Timestamps timestamps() {
    return timestamps;
  }

  @Override
  public String toString() {
    return "event loop " + netty;
  }
}
