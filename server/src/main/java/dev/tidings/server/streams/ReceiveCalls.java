// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.directory.Scope;
import dev.tidings.core.stream.Position;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;

/// Receiving messages of streams, and reading again what they keep on disk (API of iPubSub).
final class ReceiveCalls {
  private final StreamsApi api;

  ReceiveCalls(StreamsApi api) {
    this.api = api;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, "/api/v1/streams/receive", this::receive);
  }

  private void receive(Exchange exchange) {
    api.identified(exchange, caller -> receive(exchange, caller));
  }

  private void receive(Exchange exchange, Authenticator.Caller caller) {
    switch (ReceiveRequest.read(StreamsApi.query(exchange), api.services().settings())) {
      case Checked.Bad<ReceiveRequest>(Fault fault) -> fault.answer(exchange);
      case Checked.Good<ReceiveRequest>(ReceiveRequest request) -> {
        if (StreamsApi.answeredDenied(
            exchange, caller.principal(), Scope.STREAMS_RECEIVE, request.streamId())) {
          return;
        }
        if (request.replay()) {
          replay(exchange, caller, request);
        } else {
          new OpenReceive(api, exchange, caller, request).start();
        }
      }
    }
  }

  private void replay(Exchange exchange, Authenticator.Caller caller, ReceiveRequest request) {
    if (request.token().isEmpty()) {
      new OpenReplay(api, exchange, caller, request, Optional.empty()).start();
      return;
    }
    switch (api.tokens().parse(request.streamId(), request.token().get())) {
      case ResumeTokens.Valid(Position place) ->
          new OpenReplay(api, exchange, caller, request, Optional.of(place)).start();
      case ResumeTokens.Invalid _ ->
          exchange.error(
              400,
              "invalid dbResumeToken",
              "it is damaged or of another stream (expected: one that an answer for this stream"
                  + " had)");
    }
  }
}
