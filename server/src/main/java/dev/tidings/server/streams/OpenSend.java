// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.SendToStream;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.stream.Sending;
import dev.tidings.core.stream.StreamCall;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import io.vertx.core.buffer.Buffer;

/// One send, which may wait for room or for its receiver.
final class OpenSend extends OpenCall<Boolean> {
  private static final byte[] TAKEN = JsonOut.ascii("{\"errorType\":0}");

  private final Sending sending;

  OpenSend(StreamsApi api, Call call, Authenticator.Caller caller, SendRequest request) {
    super(api, call, caller, Scope.STREAMS_SEND, request.timeoutMs());
    sending =
        new Sending(
            request.streamId(),
            request.messageUuid(),
            request.message(),
            request.size(),
            waitMs(),
            request.ttlMs(),
            principalId());
  }

  @Override
  StreamCall call() {
    return sending;
  }

  @Override
  Command<Boolean> command() {
    return new SendToStream(sending);
  }

  @Override
  void answer(Boolean taken) {
    if (taken) {
      call.json(200, Buffer.buffer(TAKEN));
    } else {
      answerTimedOut();
    }
  }

  @Override
  void missed(Boolean taken) {
    // Nobody is there to hear of it; a repeat will.
  }

  @Override
  void answerCalledOff(boolean undone) {
    if (undone) {
      StreamsApi.timedOut(call);
    } else {
      call.unavailable(
          "the server stops: the message may or may not have been taken; send it again with the"
              + " same messageUuid");
    }
  }
}
