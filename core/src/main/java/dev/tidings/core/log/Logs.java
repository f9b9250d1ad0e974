// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/// The logs in memory, by number. Each is put and removed by its shard alone; any thread may look
/// one up.
public final class Logs {
  private final ConcurrentMap<Integer, TopicLog> byIncarnation = new ConcurrentHashMap<>();

  /// The log with number `incarnation`, if it is in memory.
  public Optional<TopicLog> find(int incarnation) {
    return Optional.ofNullable(byIncarnation.get(incarnation));
  }

  /// Adds a log.
  public void put(TopicLog log) {
    byIncarnation.put(log.incarnation(), log);
  }

  /// Forgets a log: its topic is gone, or never was.
  public void remove(int incarnation) {
    byIncarnation.remove(incarnation);
  }

  /// How many there are.
  public int size() {
    return byIncarnation.size();
  }
}
