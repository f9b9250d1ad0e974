// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.DeleteStream;
import dev.tidings.core.command.PeekStream;
import dev.tidings.core.command.PurgeStream;
import dev.tidings.core.stream.Streams;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Routes;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// Listing, looking at, emptying and deleting streams, for operators.
final class OperatorCalls {
  private static final String PATH = "/api/v1/streams";
  private static final int MAX_LISTED = 1000;
  private static final int DEFAULT_LISTED = 100;
  private static final int MAX_PEEKED = 100;
  private static final int DEFAULT_PEEKED = 10;

  private final StreamsApi api;

  OperatorCalls(StreamsApi api) {
    this.api = api;
  }

  void route(Routes routes) {
    routes.add(HttpMethod.GET, PATH, call -> api.asOperator(call, () -> list(call)));
    routes.add(HttpMethod.GET, PATH + "/peek", call -> ofStream(call, id -> peek(call, id)));
    routes.add(HttpMethod.POST, PATH + "/purge", call -> ofStream(call, id -> purge(call, id)));
    routes.add(HttpMethod.DELETE, PATH, call -> ofStream(call, id -> delete(call, id)));
  }

  /// Goes on with the stream that the query names if an administrator calls, or else answers 400,
  /// 401 or 403.
  private void ofStream(Call call, Consumer<String> then) {
    api.asOperator(
        call,
        () ->
            ReceiveRequest.streamIdFault(StreamsApi.query(call))
                .ifPresentOrElse(
                    fault -> fault.answer(call),
                    () -> then.accept(StreamsApi.query(call).get("streamId"))));
  }

  private void list(Call call) {
    MultiMap query = StreamsApi.query(call);
    good(
        call,
        ReceiveRequest.integer(query, "limit", 1, MAX_LISTED, DEFAULT_LISTED),
        limit ->
            new StreamList(
                    api,
                    call,
                    ReceiveRequest.given(query, "prefix"),
                    ReceiveRequest.given(query, "after"),
                    limit)
                .start());
  }

  private void peek(Call call, String id) {
    MultiMap query = StreamsApi.query(call);
    good(
        call,
        ReceiveRequest.integer(query, "offset", 0, Integer.MAX_VALUE, 0),
        offset ->
            good(
                call,
                ReceiveRequest.integer(query, "limit", 1, MAX_PEEKED, DEFAULT_PEEKED),
                limit ->
                    api.submit(
                        call,
                        new PeekStream(id, offset, limit),
                        peeked -> peeked(call, id, peeked))));
  }

  /// Goes on with a parameter if it is good, or else answers 400.
  private static void good(Call call, Checked<Integer> parameter, Consumer<Integer> then) {
    switch (parameter) {
      case Checked.Good<Integer>(Integer value) -> then.accept(value);
      case Checked.Bad<Integer>(Fault fault) -> fault.answer(call);
    }
  }

  private void peeked(Call call, String id, Optional<Streams.Peeked> peeked) {
    if (peeked.isEmpty() && api.services().directory().stream(id).isEmpty()) {
      call.error(404, "stream not found", "there is no stream '" + id + "'");
      return;
    }
    // One that is only on disk buffers nothing.
    Streams.Peeked found = peeked.orElseGet(() -> new Streams.Peeked(List.of(), 0));
    JsonOut out = new JsonOut(1024).raw("{\"messages\":");
    StreamJson.messages(out, found.messages(), api.loop());
    call.json(200, out.raw(",\"total\":").number(found.total()).raw("}"));
  }

  private void purge(Call call, String id) {
    api.submit(
        call,
        new PurgeStream(id),
        purged -> call.json(200, new JsonOut(32).raw("{\"purged\":").number(purged).raw("}")));
  }

  private void delete(Call call, String id) {
    api.submit(call, new DeleteStream(id), _ -> call.empty(204));
  }
}
