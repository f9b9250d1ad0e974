// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.directory.Scope;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
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

  private void send(Call call) {
    api.services()
        .bodies()
        .read(call, body -> api.identified(call, caller -> send(call, caller, body)));
  }

  /// Which stream it is for, and so whether the caller may, only the body tells.
  private void send(Call call, Authenticator.Caller caller, byte[] body) {
    JsonValue.Parsed parsed = JsonValue.parse(body, SendRequest.DEPTH);
    switch (SendRequest.read(parsed, api.services().settings())) {
      case Checked.Bad<SendRequest>(Fault fault) -> fault.answer(call);
      case Checked.Good<SendRequest>(SendRequest request) -> {
        if (!StreamsApi.answeredDenied(
            call, caller.principal(), Scope.STREAMS_SEND, request.streamId())) {
          new OpenSend(api, call, caller, request).start();
        }
      }
    }
  }
}
