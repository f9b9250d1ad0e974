// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Refuses requests that were not meant for this machine: a page of some other site could otherwise
/// reach a server that lets calls without a token act (DNS rebinding).
public final class LoopbackGuard implements Routes.Guard {
  private static final Pattern LOOPBACK_IPV4 = Pattern.compile("127(\\.[0-9]{1,3}){3}");

  @Override
  public Optional<Refused> refuse(HttpServerRequest request) {
    String host = request.authority() == null ? "" : request.authority().host();
    if (!isLoopback(host)) {
      return refused(
          "Host '"
              + host
              + "' is not this machine (expected where calls need no token: localhost or 127.0.0.1)");
    }
    String origin = request.headers().get(HttpHeaders.ORIGIN);
    if (origin != null && !isLoopback(hostOf(origin))) {
      return refused(
          "Origin '"
              + origin
              + "' is not this machine (expected where calls need no token: a local page)");
    }
    return Optional.empty();
  }

  private static Optional<Refused> refused(String detail) {
    return Optional.of(new Refused(403, detail));
  }

  private static String hostOf(String origin) {
    try {
      String host = new URI(origin).getHost();
      return host == null ? "" : host;
    } catch (URISyntaxException _) {
      // No origin we know: not this machine.
      return "";
    }
  }

  /// Whether `host` names this machine only.
  public static boolean isLoopback(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.equals("localhost")
        || name.equals("127.0.0.1")
        || name.endsWith(".localhost")
        || LOOPBACK_IPV4.matcher(name).matches()
        || name.equals("::1")
        || name.equals("[::1]");
  }
}
