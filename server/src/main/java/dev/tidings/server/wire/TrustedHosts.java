// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Optional;

/// Refuses requests whose `Host` is none of ours: what is built from it, here or by a proxy that
/// caches, would lead elsewhere.
final class TrustedHosts implements Routes.Guard {
  private static final Optional<Refused> REFUSED =
      Optional.of(new Refused(400, "Invalid host header"));

  private final List<HostPattern> trusted;

  /// Trusts the hosts that one of `trusted` stands for.
  TrustedHosts(List<HostPattern> trusted) {
    this.trusted = trusted;
  }

  @Override
  public Optional<Refused> refuse(HttpServerRequest request) {
    String host = request.authority() == null ? "" : request.authority().host();
    for (HostPattern pattern : trusted) {
      if (pattern.matches(host)) {
        return Optional.empty();
      }
    }
    return REFUSED;
  }
}
