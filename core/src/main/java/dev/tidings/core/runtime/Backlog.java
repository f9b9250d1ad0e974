// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// The bound on commands that wait for a shard or for the store: by number and by the bytes they
/// hold. At the bound further commands are refused as [Refusal.Code#OVERLOADED].
public final class Backlog {
  private final int maxCommands;
  private final long maxBytes;
  private final AtomicInteger commands = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  /// A bound of `maxCommands` commands that hold `maxBytes` bytes together.
  public Backlog(int maxCommands, long maxBytes) {
    this.maxCommands = maxCommands;
    this.maxBytes = maxBytes;
  }

  /// Admits a command that holds `size` bytes; false if there is no room. One that alone is over
  /// the bound of bytes is admitted when nothing else waits.
  boolean admit(long size) {
    if (commands.incrementAndGet() > maxCommands) {
      commands.decrementAndGet();
      return false;
    }
    if (bytes.addAndGet(size) > maxBytes && bytes.get() != size) {
      release(size);
      return false;
    }
    return true;
  }

  /// Admits a command of the server's own that holds nothing, whatever else waits.
  void admitOwn() {
    commands.incrementAndGet();
  }

  /// A command that was admitted holds so many bytes more: others find less room.
  void hold(long more) {
    bytes.addAndGet(more);
  }

  /// A command of `size` bytes has been answered.
  void release(long size) {
    bytes.addAndGet(-size);
    commands.decrementAndGet();
  }

  /// How many commands wait.
  public int commands() {
    return commands.get();
  }

  /// How many bytes they hold.
  public long bytes() {
    return bytes.get();
  }

  /// What a refused caller is told.
  Refusal refusal() {
    return new Refusal(
        Refusal.Code.OVERLOADED,
        "the server is busy: "
            + commands.get()
            + " commands wait (limit: "
            + maxCommands
            + ", or "
            + maxBytes
            + " bytes); try again");
  }
}
