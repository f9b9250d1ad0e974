// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.CreateExchange;
import dev.tidings.core.command.DeleteExchange;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Scope;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Routes;
import io.vertx.core.http.HttpMethod;
import java.util.Optional;
import java.util.stream.Stream;

/// Creating, listing, showing and deleting exchanges.
final class ExchangeCalls {
  private static final String PATH = "/exchanges/{name}";

  private final ExchangeApi api;
  private final Directory directory;

  ExchangeCalls(ExchangeApi api) {
    this.api = api;
    this.directory = api.services().directory();
  }

  void route(Routes routes) {
    routes.add(
        HttpMethod.POST,
        "/exchanges",
        call -> api.withBody(call, (caller, fields) -> create(call, caller, fields)));
    routes.add(
        HttpMethod.GET, "/exchanges", call -> api.identified(call, caller -> list(call, caller)));
    routes.add(HttpMethod.GET, PATH, call -> api.identified(call, caller -> show(call, caller)));
    routes.add(
        HttpMethod.DELETE, PATH, call -> api.identified(call, caller -> delete(call, caller)));
  }

  private void create(Call call, Principal caller, RequestFields fields) {
    String name = fields.newName("name");
    Exchange.Type type = fields.word("type", Exchange.Type.values());
    if (fields.answeredFault(call)) {
      return;
    }
    if (!AccessPolicy.mayCreate(caller, Scope.EXCHANGES_MANAGE, name)) {
      ExchangeApi.denied(call, caller, Scope.EXCHANGES_MANAGE, name);
      return;
    }
    api.submit(call, new CreateExchange(name, type, caller.id()), _ -> call.empty(200));
  }

  private void list(Call call, Principal caller) {
    if (ExchangeApi.answeredDenied(call, caller, Scope.EXCHANGES_MANAGE)) {
      return;
    }
    new Listing<>(
            "exchanges",
            after -> visibleAfter(caller, after),
            Exchange::name,
            ExchangeJson::exchange)
        .answer(call, Optional.ofNullable(Listing.query(call).get("after")).orElse(""));
  }

  private Stream<Exchange> visibleAfter(Principal caller, String name) {
    return directory.exchanges().tailMap(name, /* inclusive= */ false).values().stream()
        .filter(exchange -> AccessPolicy.mayManage(caller, exchange));
  }

  private void show(Call call, Principal caller) {
    api.managedExchange(
        call,
        caller,
        call.pathParameter("name"),
        exchange ->
            Listing.away(
                call,
                () -> ExchangeJson.exchange(exchange, directory.bindingsOf(exchange).size())));
  }

  private void delete(Call call, Principal caller) {
    api.managedExchange(
        call,
        caller,
        call.pathParameter("name"),
        exchange -> api.submit(call, new DeleteExchange(exchange), _ -> call.empty(204)));
  }
}
