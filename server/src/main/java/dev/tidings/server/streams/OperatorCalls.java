// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.DeleteStream;
import dev.tidings.core.command.PeekStream;
import dev.tidings.core.command.PurgeStream;
import dev.tidings.core.stream.Streams;
import dev.tidings.server.wire.Exchange;
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
    routes.add(HttpMethod.GET, PATH, exchange -> api.asOperator(exchange, () -> list(exchange)));
    routes.add(
        HttpMethod.GET, PATH + "/peek", exchange -> ofStream(exchange, id -> peek(exchange, id)));
    routes.add(
        HttpMethod.POST,
        PATH + "/purge",
        exchange -> ofStream(exchange, id -> purge(exchange, id)));
    routes.add(HttpMethod.DELETE, PATH, exchange -> ofStream(exchange, id -> delete(exchange, id)));
  }

  /// Goes on with the stream that the query names if an administrator calls, or else answers 400,
  /// 401 or 403.
  private void ofStream(Exchange exchange, Consumer<String> then) {
    api.asOperator(
        exchange,
        () ->
            ReceiveRequest.streamIdFault(StreamsApi.query(exchange))
                .ifPresentOrElse(
                    fault -> fault.answer(exchange),
                    () -> then.accept(StreamsApi.query(exchange).get("streamId"))));
  }

  private void list(Exchange exchange) {
    MultiMap query = StreamsApi.query(exchange);
    good(
        exchange,
        ReceiveRequest.integer(query, "limit", 1, MAX_LISTED, DEFAULT_LISTED),
        limit ->
            new StreamList(
                    api,
                    exchange,
                    ReceiveRequest.given(query, "prefix"),
                    ReceiveRequest.given(query, "after"),
                    limit)
                .start());
  }

  private void peek(Exchange exchange, String id) {
    MultiMap query = StreamsApi.query(exchange);
    good(
        exchange,
        ReceiveRequest.integer(query, "offset", 0, Integer.MAX_VALUE, 0),
        offset ->
            good(
                exchange,
                ReceiveRequest.integer(query, "limit", 1, MAX_PEEKED, DEFAULT_PEEKED),
                limit ->
                    api.submit(
                        exchange,
                        new PeekStream(id, offset, limit),
                        peeked -> peeked(exchange, id, peeked))));
  }

  /// Goes on with a parameter if it is good, or else answers 400.
  private static void good(Exchange exchange, Checked<Integer> parameter, Consumer<Integer> then) {
    switch (parameter) {
      case Checked.Good<Integer>(Integer value) -> then.accept(value);
      case Checked.Bad<Integer>(Fault fault) -> fault.answer(exchange);
    }
  }

  private void peeked(Exchange exchange, String id, Optional<Streams.Peeked> peeked) {
    if (peeked.isEmpty() && api.services().directory().stream(id).isEmpty()) {
      exchange.error(404, "stream not found", "there is no stream '" + id + "'");
      return;
    }
    // One that is only on disk buffers nothing.
    Streams.Peeked found = peeked.orElseGet(() -> new Streams.Peeked(List.of(), 0));
    JsonOut out = new JsonOut(1024).raw("{\"messages\":");
    StreamJson.messages(out, found.messages(), api.loop());
    exchange.json(200, out.raw(",\"total\":").number(found.total()).raw("}"));
  }

  private void purge(Exchange exchange, String id) {
    api.submit(
        exchange,
        new PurgeStream(id),
        purged -> exchange.json(200, new JsonOut(32).raw("{\"purged\":").number(purged).raw("}")));
  }

  private void delete(Exchange exchange, String id) {
    api.submit(exchange, new DeleteStream(id), _ -> exchange.empty(204));
  }
}
