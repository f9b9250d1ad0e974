// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.Optional;

/// The head that the requests of one caller to one server have.
final class RequestHead {
  private final String headers;

  /// @param token sent with every request; empty for calls without one
  RequestHead(Endpoint endpoint, Optional<String> token) {
    headers =
        " HTTP/1.1\r\nHost: "
            + endpoint.authority()
            + "\r\n"
            + token.map(it -> "Authorization: Bearer " + it + "\r\n").orElse("");
  }

  /// Of a call without a body, such as `GET /health`.
  String of(String call) {
    return call + headers + "\r\n";
  }

  /// Of a call with a body of JSON, such as `POST /api/v1/messages`.
  String of(String call, int length) {
    return call
        + headers
        + "Content-Type: application/json\r\nContent-Length: "
        + length
        + "\r\n\r\n";
  }
}
