// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.util.NetUtil;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Tells which address a request comes from, through proxies that may be believed.
///
/// Anybody can send `X-Forwarded-For`; what counts is what a trusted proxy has added to its end. So
/// it is read backwards, up to the first address that is no trusted proxy.
final class ClientAddresses {
  /// Some proxies add the port.
  private static final Pattern WITH_PORT =
      Pattern.compile("([0-9.]+):[0-9]+|\\[([0-9a-fA-F:.]+)](?::[0-9]+)?");

  private final List<AddressRange> trustedProxies;

  /// Believes the proxies in `trustedProxies`.
  ClientAddresses(List<AddressRange> trustedProxies) {
    this.trustedProxies = trustedProxies;
  }

  /// The address; none over a Unix socket.
  Optional<InetAddress> of(HttpServerRequest request) {
    return Optional.ofNullable(request.remoteAddress())
        .map(SocketAddress::hostAddress)
        .flatMap(ClientAddresses::parse)
        .map(peer -> behind(peer, request.headers().getAll(Headers.FORWARDED_FOR)));
  }

  /// The client behind `peer`, whose request has these lines of `X-Forwarded-For`.
  InetAddress behind(InetAddress peer, List<String> forwardedFor) {
    InetAddress client = peer;
    if (isTrusted(peer) && !forwardedFor.isEmpty()) {
      String[] named = String.join(",", forwardedFor).split(",", -1);
      for (int i = named.length - 1; i >= 0 && isTrusted(client); i--) {
        Optional<InetAddress> next = parse(named[i].strip());
        if (next.isEmpty()) {
          // Not an address: who sent it is the last one known.
          return client;
        }
        client = next.get();
      }
    }
    return client;
  }

  private boolean isTrusted(InetAddress address) {
    return trustedProxies.stream().anyMatch(range -> range.contains(address));
  }

  private static Optional<InetAddress> parse(String text) {
    Matcher port = WITH_PORT.matcher(text);
    String address = !port.matches() ? text : port.group(1) != null ? port.group(1) : port.group(2);
    return Optional.ofNullable(NetUtil.createInetAddressFromIpAddressString(address));
  }
}
