// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// A whole node on threads of its own, as in a server, for tests of what threads do.
public final class ThreadedNode implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final List<ThreadedExecutor> loops = new ArrayList<>();
  private final ExecutorService blocking =
      Executors.newFixedThreadPool(2, Thread.ofPlatform().daemon().name("blocking-", 0).factory());
  private final TimeSource time = new RealTime();
  private final Node node;
  private final Thread committer;

  private static final class RealTime implements TimeSource {
    @Override
    public long monotonicNs() {
      return System.nanoTime();
    }

    @Override
    public long wallMs() {
      return System.currentTimeMillis();
    }
  }

  private static final class ThreadedExecutor implements SerialExecutor {
    private final ScheduledExecutorService thread;
    private final CompletableFuture<Thread> self = new CompletableFuture<>();

    ThreadedExecutor(int index) {
      thread =
          Executors.newSingleThreadScheduledExecutor(
              Thread.ofPlatform().daemon().name("loop-" + index).factory());
      thread.execute(() -> self.complete(Thread.currentThread()));
    }

    @Override
    public void execute(Runnable task) {
      thread.execute(task);
    }

    @Override
    public void executeAfter(long delayNs, Runnable task) {
      var _ = thread.schedule(task, delayNs, TimeUnit.NANOSECONDS);
    }

    @Override
    public boolean isCurrent() {
      return self.join() == Thread.currentThread();
    }
  }

  private ThreadedNode(Store store, int count) throws StoreException {
    for (int i = 0; i < count; i++) {
      loops.add(new ThreadedExecutor(i));
    }
    node =
        new Node(
            store,
            List.copyOf(loops),
            blocking,
            blocking,
            time,
            CrankedNode.LIMITS,
            CommitObserver.none());
    committer = Thread.ofPlatform().daemon().name("commit-lane").start(node.lane()::run);
  }

  /// A node on `store`, which it does not close, with `loops` event loops.
  public static ThreadedNode on(Store store, int loops) throws StoreException {
    return new ThreadedNode(store, loops);
  }

  /// The node.
  public Node node() {
    return node;
  }

  /// Its clock.
  public TimeSource time() {
    return time;
  }

  /// The executor of the event loop with number `index`.
  public SerialExecutor executor(int index) {
    return loops.get(index);
  }

  /// Hands in a command and waits until it is done.
  public <R> R done(Command<R> command) {
    CompletableFuture<Outcome<R>> answer = new CompletableFuture<>();
    node.submit(command, loops.getFirst(), answer::complete);
    Outcome<R> outcome = answer.orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS).join();
    if (outcome instanceof Outcome.Done<R>(R result)) {
      return result;
    }
    throw new AssertionError("not done but " + outcome);
  }

  @Override
  public void close() {
    node.lane().stop();
    try {
      assertThat(committer.join(LIMIT)).as("the commit lane ends").isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while the commit lane ends", e);
    }
    blocking.shutdown();
    loops.forEach(loop -> loop.thread.shutdown());
  }
}
