// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.net.InetSocketAddress;
import java.net.URI;

/// Where the measured server listens.
public record Endpoint(String host, int port) {
  /// Reads `http://host:port`, as given on the command line or printed by a server that became
  /// ready.
  public static Endpoint of(URI url) {
    if (!"http".equals(url.getScheme()) || url.getHost() == null) {
      throw new BenchException(
          "url: "
              + url
              + " (expected: http://HOST:PORT; the generator speaks no TLS, so run it where the plain port can be"
              + " reached)");
    }
    return new Endpoint(url.getHost(), url.getPort() == -1 ? 80 : url.getPort());
  }

  public InetSocketAddress address() {
    return new InetSocketAddress(host, port);
  }

  public String authority() {
    return host + ":" + port;
  }

  public URI url() {
    return URI.create("http://" + authority());
  }
}
