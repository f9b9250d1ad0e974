// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.runtime.TimeSource;
import java.net.InetAddress;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Limits how often one client address may make calls of a kind; shared by all event loops.
///
/// A route names its kind when it is added. What is limited says so in its answers:
/// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since 1970); beyond the limit it is
/// answered with 429 and `Retry-After`.
public final class RateLimits {
  private static final long MS_PER_SECOND = 1000;

  private final ClientAddresses addresses;
  private final TimeSource time;
  private final Map<Kind, RateLimit> limits = new EnumMap<>(Kind.class);

  /// The calls that have a limit.
  public enum Kind {
    LOGIN,
    REFRESH,
    PUBLISH,
    BULK
  }

  /// Calls of one address in a minute; 0 does not limit them.
  ///
  /// @param login logins
  /// @param refresh refreshed tokens
  /// @param publish single publishes
  /// @param bulk bulk publishes
  public record PerMinute(int login, int refresh, int publish, int bulk) {
    /// No limits.
    public static final PerMinute UNLIMITED = new PerMinute(0, 0, 0, 0);

    private int of(Kind kind) {
      return switch (kind) {
        case LOGIN -> login;
        case REFRESH -> refresh;
        case PUBLISH -> publish;
        case BULK -> bulk;
      };
    }
  }

  /// Limits calls as `settings` say.
  RateLimits(PerMinute settings, ClientAddresses addresses, TimeSource time) {
    this.addresses = addresses;
    this.time = time;
    for (Kind kind : Kind.values()) {
      if (settings.of(kind) > 0) {
        limits.put(kind, new RateLimit(settings.of(kind), time));
      }
    }
  }

  /// `handler` behind the limit of its kind; itself where there is none.
  Consumer<Call> before(Kind kind, Consumer<Call> handler) {
    RateLimit limit = limits.get(kind);
    return limit == null ? handler : call -> pass(limit, call, handler);
  }

  private void pass(RateLimit limit, Call call, Consumer<Call> handler) {
    Optional<InetAddress> client = addresses.of(call.request());
    if (client.isEmpty()) {
      // The administrator's socket: whoever may open it is the operator.
      handler.accept(call);
      return;
    }
    RateLimit.Verdict verdict = limit.take(client.get());
    long leftS = seconds(verdict.left());
    call.with(Headers.LIMIT, Integer.toString(limit.perMinute()))
        .with(Headers.REMAINING, Integer.toString(verdict.remaining()))
        .with(Headers.RESET, Long.toString(endOf(verdict.left())));
    if (verdict.allowed()) {
      handler.accept(call);
    } else {
      call.with(Headers.RETRY_AFTER, Long.toString(leftS))
          .detail(
              429,
              "Rate limit exceeded: "
                  + limit.perMinute()
                  + " per minute; try again in "
                  + leftS
                  + " s");
    }
  }

  /// The second in which the minute is over: the same for every call of it.
  private long endOf(Duration left) {
    return Math.ceilDiv(time.wallMs() + left.toMillis(), MS_PER_SECOND);
  }

  /// Rounded up: who waits as long as told must not be refused again.
  private static long seconds(Duration left) {
    return Math.max(1, left.plusSeconds(1).minusNanos(1).toSeconds());
  }
}
