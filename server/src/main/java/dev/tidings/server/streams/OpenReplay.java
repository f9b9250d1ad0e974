// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.ReplayStream;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.stream.Position;
import dev.tidings.core.stream.Replayed;
import dev.tidings.core.stream.Replaying;
import dev.tidings.core.stream.StreamCall;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import java.util.List;
import java.util.Optional;

/// One read of what a stream keeps on disk, which may wait at its end.
final class OpenReplay extends OpenCall<Replayed> {
  private static final String EXPIRED = "dbResumeToken has expired";

  private final ReceiveRequest request;
  private final Replaying replaying;

  /// @param from where it goes on; empty to begin with the oldest message
  OpenReplay(
      StreamsApi api,
      Call call,
      Authenticator.Caller caller,
      ReceiveRequest request,
      Optional<Position> from) {
    super(api, call, caller, Scope.STREAMS_RECEIVE, request.waitMs());
    this.request = request;
    replaying = new Replaying(request.streamId(), from, request.max(), waitMs());
  }

  @Override
  StreamCall call() {
    return replaying;
  }

  @Override
  Command<Replayed> command() {
    return new ReplayStream(replaying);
  }

  @Override
  void answer(Replayed replayed) {
    switch (replayed) {
      case Replayed.Found(List<Message> messages, Position next) ->
          call.json(
              200,
              StreamJson.replayed(
                  messages, request.maxMessages().isPresent(), token(next), api.loop()));
      case Replayed.Nothing _, Replayed.Waiting _ -> answerTimedOut();
      case Replayed.Gone(Position rest) ->
          call.json(
              410,
              new JsonOut(256)
                  .raw("{\"error\":")
                  .string(EXPIRED)
                  .raw(",\"detail\":")
                  .string(
                      "what came next has expired or was deleted; go on with what is left by the"
                          + " token of this answer")
                  .raw(",\"dbResumeToken\":")
                  .string(token(rest))
                  .raw("}"));
    }
  }

  private String token(Position place) {
    return api.tokens().write(request.streamId(), place);
  }

  @Override
  void missed(Replayed replayed) {
    // It has taken nothing.
  }

  @Override
  void answerCalledOff(boolean undone) {
    StreamsApi.timedOut(call);
  }
}
