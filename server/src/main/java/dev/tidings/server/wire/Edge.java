// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.runtime.TimeSource;
import java.util.ArrayList;
import java.util.List;

/// What a request meets before its route, shared by all event loops.
///
/// @param guard refuses what is not meant for this server
/// @param origins tells browsers what pages of other sites may do
/// @param limits how often an address may call
/// @param time the clock
public record Edge(Routes.Guard guard, Origins origins, RateLimits limits, TimeSource time) {

  /// How the edge is set.
  ///
  /// @param trustedHosts names requests may be meant for; all if it is empty
  /// @param allowedOrigins pages that may call; an empty list leaves origins unchecked
  /// @param trustedProxies whose `X-Forwarded-For` is believed
  /// @param limits calls of one address in a minute
  public record Settings(
      List<HostPattern> trustedHosts,
      List<Origin> allowedOrigins,
      List<AddressRange> trustedProxies,
      RateLimits.PerMinute limits) {
    public Settings {
      trustedHosts = List.copyOf(trustedHosts);
      allowedOrigins = List.copyOf(allowedOrigins);
      trustedProxies = List.copyOf(trustedProxies);
    }

    /// Everybody may come, from anywhere, as often as they like.
    public static final Settings OPEN =
        new Settings(List.of(), List.of(), List.of(), RateLimits.PerMinute.UNLIMITED);
  }

  /// The edge of a port.
  ///
  /// @param loopbackOnly whether it lets only this machine's own pages and clients pass
  public static Edge of(Settings settings, boolean loopbackOnly, TimeSource time) {
    Origins origins = new Origins(settings.allowedOrigins());
    List<Routes.Guard> guards = new ArrayList<>();
    if (loopbackOnly) {
      guards.add(new LoopbackGuard());
    }
    if (!settings.trustedHosts().isEmpty()) {
      guards.add(new TrustedHosts(settings.trustedHosts()));
    }
    guards.add(origins);
    return new Edge(
        Routes.Guard.all(guards),
        origins,
        new RateLimits(settings.limits(), new ClientAddresses(settings.trustedProxies()), time),
        time);
  }

  /// The edge of a door that only the operator can reach.
  public static Edge open(TimeSource time) {
    return of(Settings.OPEN, false, time);
  }
}
