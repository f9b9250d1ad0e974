// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.ConfirmReceived;
import dev.tidings.core.command.ReceiveFromStream;
import dev.tidings.core.command.ReturnReceived;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.runtime.Command;
import dev.tidings.core.stream.Received;
import dev.tidings.core.stream.Receiving;
import dev.tidings.core.stream.StreamCall;
import dev.tidings.core.stream.StreamMessage;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import java.util.List;

/// One receive from the memory of a stream, which may wait for a message. What does not reach its
/// client is given back.
final class OpenReceive extends OpenCall<Received> {
  private final ReceiveRequest request;
  private final Receiving receiving;

  OpenReceive(StreamsApi api, Call call, Authenticator.Caller caller, ReceiveRequest request) {
    super(api, call, caller, Scope.STREAMS_RECEIVE, request.waitMs());
    this.request = request;
    receiving = new Receiving(request.streamId(), request.max(), waitMs());
  }

  @Override
  StreamCall call() {
    return receiving;
  }

  @Override
  Command<Received> command() {
    return new ReceiveFromStream(receiving);
  }

  @Override
  void answer(Received received) {
    List<StreamMessage> messages = received.messages();
    if (messages.isEmpty()) {
      answerTimedOut();
      return;
    }
    // Nothing that comes from here on may give the messages to nobody.
    try {
      JsonOut body = StreamJson.received(messages, request.maxMessages().isPresent(), api.loop());
      if (received.needsConfirmation()) {
        call.json(200, body, () -> confirm(received), () -> giveBack(received));
      } else {
        call.json(200, body, () -> giveBack(received));
      }
    } catch (RuntimeException e) {
      giveBack(received);
      throw e;
    }
  }

  @Override
  void missed(Received received) {
    if (!received.messages().isEmpty()) {
      giveBack(received);
    }
  }

  @Override
  void answerCalledOff(boolean undone) {
    StreamsApi.timedOut(call);
  }

  private void confirm(Received received) {
    api.followUp(new ConfirmReceived(received), _ -> {});
  }

  /// As if they had not been taken.
  private void giveBack(Received received) {
    api.followUp(new ReturnReceived(received), _ -> {});
  }
}
