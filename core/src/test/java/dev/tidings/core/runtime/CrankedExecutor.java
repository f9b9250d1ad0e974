// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.ArrayDeque;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.function.Supplier;

/// A serial executor that runs its tasks when a test cranks it, on the test's thread.
public class CrankedExecutor implements SerialExecutor {
  private final String name;
  private final TimeSource time;
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private long timersEver;
  private boolean running;

  private record Timer(long atNs, long number, Runnable task) implements Comparable<Timer> {
    @Override
    public int compareTo(Timer other) {
      return atNs == other.atNs
          ? Long.compare(number, other.number)
          : Long.compare(atNs, other.atNs);
    }
  }

  /// An executor without tasks, for which no time passes.
  public CrankedExecutor(String name) {
    this(name, new ManualTime());
  }

  /// An executor without tasks.
  public CrankedExecutor(String name, TimeSource time) {
    this.name = name;
    this.time = time;
  }

  @Override
  public void executeAfter(long delayNs, Runnable task) {
    timers.add(new Timer(time.monotonicNs() + delayNs, ++timersEver, task));
  }

  /// Makes tasks of the timers whose time has come.
  private void ring() {
    while (!timers.isEmpty() && timers.peek().atNs() <= time.monotonicNs()) {
      tasks.addLast(timers.remove().task());
    }
  }

  /// When the next timer will ring, by the monotonic clock; nothing if there is none.
  public OptionalLong nextTimerNs() {
    return timers.isEmpty() ? OptionalLong.empty() : OptionalLong.of(timers.peek().atNs());
  }

  @Override
  public void execute(Runnable task) {
    tasks.addLast(task);
  }

  /// True only while it runs a task.
  @Override
  public boolean isCurrent() {
    return running;
  }

  /// How many tasks wait.
  public int pending() {
    ring();
    return tasks.size();
  }

  /// Runs the next task; false if there is none.
  public boolean runOne() {
    ring();
    Runnable task = tasks.pollFirst();
    if (task == null) {
      return false;
    }
    run(task);
    return true;
  }

  /// Runs tasks until none is left, also those added meanwhile; returns how many it ran.
  public int runUntilIdle() {
    int ran = 0;
    while (runOne()) {
      ran++;
    }
    return ran;
  }

  /// Runs `task` at once, before those that wait.
  public void run(Runnable task) {
    if (running) {
      throw new IllegalStateException(
          name + " is running a task already (expected: one at a time)");
    }
    running = true;
    try {
      task.run();
    } finally {
      running = false;
    }
  }

  /// Gets something at once, before the tasks that wait.
  public <T> T get(Supplier<T> supplier) {
    ArrayDeque<T> result = new ArrayDeque<>(1);
    run(() -> result.add(supplier.get()));
    return result.getFirst();
  }

  @Override
  public String toString() {
    return name;
  }
}
