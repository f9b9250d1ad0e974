// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.http.HttpServerRequest;
import java.util.HexFormat;

/// Gives the requests of one event loop their ids: the client's own if it sent a usable one, else
/// one that is unique but not secret, since it is counted and not drawn.
final class RequestIds {
  static final int MAX_LENGTH = 128;

  private final String prefix;
  private long count;

  /// Ids that begin with 32 random bits, which tell loops and starts of the server apart.
  RequestIds(int random) {
    this.prefix = HexFormat.of().toHexDigits(random) + "-";
  }

  /// The id of `request`.
  String of(HttpServerRequest request) {
    String own = request.headers().get(Headers.REQUEST_ID);
    return own != null && isUsable(own) ? own : prefix + Long.toHexString(++count);
  }

  /// Whether a client's id may go into answers and log lines: 1 to 128 visible ASCII characters.
  static boolean isUsable(String id) {
    return !id.isEmpty()
        && id.length() <= MAX_LENGTH
        && id.chars().allMatch(c -> c > ' ' && c < 0x7f);
  }
}
