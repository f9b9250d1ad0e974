// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.directory.Scope;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;

/// Sending messages to streams (API of iPubSub).
final class SendCalls {
  private final StreamsApi api;

  SendCalls(StreamsApi api) {
    this.api = api;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.POST, "/api/v1/streams/send", this::send);
  }

  private void send(Exchange exchange) {
    api.services()
        .bodies()
        .read(exchange, body -> api.identified(exchange, caller -> send(exchange, caller, body)));
  }

  /// Which stream it is for, and so whether the caller may, only the body tells.
  private void send(Exchange exchange, Authenticator.Caller caller, byte[] body) {
    JsonValue.Parsed parsed = JsonValue.parse(body, SendRequest.DEPTH);
    switch (SendRequest.read(parsed, api.services().settings())) {
      case Checked.Bad<SendRequest>(Fault fault) -> fault.answer(exchange);
      case Checked.Good<SendRequest>(SendRequest request) -> {
        if (!StreamsApi.answeredDenied(
            exchange, caller.principal(), Scope.STREAMS_SEND, request.streamId())) {
          new OpenSend(api, exchange, caller, request).start();
        }
      }
    }
  }
}
