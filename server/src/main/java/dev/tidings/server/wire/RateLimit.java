// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.tidings.core.runtime.TimeSource;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/// How often one address may call in a minute, which begins with its first call. An IPv6 client is
/// its network of 64 bits, since it may take any address in there.
final class RateLimit {
  static final Duration WINDOW = Duration.ofMinutes(1);

  /// Addresses that are remembered; who was forgotten begins a new minute.
  private static final int MAX_ADDRESSES = 50_000;

  private final int perMinute;
  private final TimeSource time;
  private final Cache<Long, Window> windows;

  private record Window(long startNs, AtomicInteger calls) {}

  /// What became of a call.
  ///
  /// @param allowed whether it may be carried out
  /// @param remaining how many more may be in this minute
  /// @param left until the minute is over
  record Verdict(boolean allowed, int remaining, Duration left) {}

  RateLimit(int perMinute, TimeSource time) {
    this.perMinute = perMinute;
    this.time = time;
    this.windows =
        Caffeine.newBuilder()
            .maximumSize(MAX_ADDRESSES)
            .expireAfterWrite(WINDOW)
            .ticker(time::monotonicNs)
            .executor(Runnable::run)
            .build();
  }

  int perMinute() {
    return perMinute;
  }

  /// Counts a call from `address`.
  Verdict take(InetAddress address) {
    long now = time.monotonicNs();
    Window window = windows.get(keyOf(address), _ -> new Window(now, new AtomicInteger()));
    int calls = window.calls().updateAndGet(count -> Math.min(count, perMinute) + 1);
    return new Verdict(
        calls <= perMinute,
        Math.max(0, perMinute - calls),
        WINDOW.minusNanos(now - window.startNs()));
  }

  private static long keyOf(InetAddress address) {
    ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
    return address instanceof Inet6Address ? bytes.getLong() : bytes.getInt();
  }
}
