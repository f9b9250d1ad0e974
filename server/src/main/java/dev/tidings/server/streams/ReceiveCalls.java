// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.directory.Scope;
import dev.tidings.core.stream.Position;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
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

  private void receive(Call call) {
    api.identified(call, caller -> receive(call, caller));
  }

  private void receive(Call call, Authenticator.Caller caller) {
    switch (ReceiveRequest.read(StreamsApi.query(call), api.services().settings())) {
      case Checked.Bad<ReceiveRequest>(Fault fault) -> fault.answer(call);
      case Checked.Good<ReceiveRequest>(ReceiveRequest request) -> {
        if (StreamsApi.answeredDenied(
            call, caller.principal(), Scope.STREAMS_RECEIVE, request.streamId())) {
          return;
        }
        if (request.replay()) {
          replay(call, caller, request);
        } else {
          new OpenReceive(api, call, caller, request).start();
        }
      }
    }
  }

  private void replay(Call call, Authenticator.Caller caller, ReceiveRequest request) {
    if (request.token().isEmpty()) {
      new OpenReplay(api, call, caller, request, Optional.empty()).start();
      return;
    }
    switch (api.tokens().parse(request.streamId(), request.token().get())) {
      case ResumeTokens.Valid(Position place) ->
          new OpenReplay(api, call, caller, request, Optional.of(place)).start();
      case ResumeTokens.Invalid _ ->
          call.error(
              400,
              "invalid dbResumeToken",
              "it is damaged or of another stream (expected: one that an answer for this stream"
                  + " had)");
    }
  }
}
