// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The names of subscriptions that are being created: a name is unique among the subscriptions of
/// all topics, which lie in different shards. Once it is durable, the directory knows it.
///
/// A name counts as taken from when it is claimed, before it is durable: whoever asks for it
/// meanwhile is refused, also if the claim comes to nothing.
public final class Names {
  private final Set<String> claimed = ConcurrentHashMap.newKeySet();

  /// Claims `name`; false if another shard or command has.
  public boolean claim(String name) {
    return claimed.add(name);
  }

  /// Gives up the claim of `name`: it is in the directory, or will not be.
  public void release(String name) {
    claimed.remove(name);
  }
}
