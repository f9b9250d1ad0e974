// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.command.Bind;
import dev.tidings.core.command.Unbind;
import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.Text;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Binding queues to exchanges, listing what is bound, and ending it.
final class BindingCalls {
  private static final String PATH = "/bindings";
  private static final int MAX_SHOWN = 100;

  private final ExchangeApi api;
  private final Directory directory;

  BindingCalls(ExchangeApi api) {
    this.api = api;
    this.directory = api.services().directory();
  }

  void route(Routes routes) {
    routes.add(
        HttpMethod.POST,
        PATH,
        call ->
            named(
                call,
                (exchange, queue, key) ->
                    api.submit(call, new Bind(queue, exchange, key), _ -> call.empty(200))));
    routes.add(
        HttpMethod.DELETE,
        PATH,
        call ->
            named(
                call,
                (exchange, queue, key) ->
                    api.submit(call, new Unbind(queue, exchange, key), _ -> call.empty(204))));
    routes.add(HttpMethod.GET, PATH, call -> api.identified(call, caller -> list(call, caller)));
  }

  /// What goes on with a binding.
  private interface Named {
    /// Goes on.
    void with(Exchange exchange, Queue queue, String key);
  }

  /// Goes on with the binding that the body names, if the caller may manage both of its ends.
  private void named(Call call, Named then) {
    api.withBody(
        call,
        (caller, fields) -> {
          String exchangeName = fields.name("exchange_name");
          String queueName = fields.name("queue_name");
          String key = fields.key("key");
          if (!fields.answeredFault(call)) {
            api.managedExchange(
                call,
                caller,
                exchangeName,
                exchange ->
                    api.managedQueue(
                        call, caller, queueName, queue -> then.with(exchange, queue, key)));
          }
        });
  }

  // ---- listing ----

  private void list(Call call, Principal caller) {
    if (ExchangeApi.answeredDenied(call, caller, Scope.EXCHANGES_MANAGE)
        || ExchangeApi.answeredDenied(call, caller, Scope.QUEUES_MANAGE)) {
      return;
    }
    MultiMap query = Listing.query(call);
    String after = Optional.ofNullable(query.get("after")).orElse("");
    Optional<String> from = placeIn(after);
    if (from.isEmpty()) {
      call.detail(
          400,
          "after: "
              + Text.cut(after, MAX_SHOWN)
              + " (expected: next of the page before, or none to begin anew)");
      return;
    }
    @Nullable String exchange = query.get("exchange_name");
    @Nullable String queue = query.get("queue_name");
    new Listing<>(
            "bindings",
            place -> of(exchange, queue, place).filter(binding -> maySee(caller, binding)),
            BindingCalls::placeOf,
            ExchangeJson::binding)
        .answer(call, from.get());
  }

  /// The bindings of an exchange, of a queue, of both or all, whose keys come after `key`.
  private Stream<Binding> of(@Nullable String exchange, @Nullable String queue, String key) {
    Stream<Binding> found;
    if (queue != null) {
      found =
          directory.queue(queue).map(directory::bindingsOf).stream().flatMap(Collection::stream);
    } else if (exchange != null) {
      found =
          directory.exchange(exchange).map(directory::bindingsOf).stream()
              .flatMap(Collection::stream);
    } else {
      return directory.bindings().tailMap(key, /* inclusive= */ false).values().stream();
    }
    return found
        .filter(binding -> binding.key().compareTo(key) > 0)
        .filter(binding -> exchange == null || binding.exchange().equals(exchange));
  }

  /// Whether `caller` may see both ends of `binding`; one whose exchange is gone, nobody.
  private boolean maySee(Principal caller, Binding binding) {
    return exchangeOf(directory, binding)
            .filter(exchange -> AccessPolicy.mayManage(caller, exchange))
            .isPresent()
        && directory
            .queue(binding.queue())
            .filter(queue -> AccessPolicy.mayManage(caller, queue))
            .isPresent();
  }

  private static Optional<Exchange> exchangeOf(Directory directory, Binding binding) {
    return directory
        .exchange(binding.exchange())
        .filter(exchange -> exchange.number() == binding.exchangeNumber());
  }

  /// How many bindings `queue` has that count.
  static long count(Directory directory, Queue queue) {
    return directory.bindingsOf(queue).stream()
        .filter(binding -> exchangeOf(directory, binding).isPresent())
        .count();
  }

  /// A binding's place in the list, as clients send it back.
  private static String placeOf(Binding binding) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(binding.key().getBytes(StandardCharsets.UTF_8));
  }

  /// The key of the binding that `place` is the place of; empty if it is no place.
  private static Optional<String> placeIn(String place) {
    try {
      return Optional.of(new String(Base64.getUrlDecoder().decode(place), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException _) {
      // The answer, not an error.
      return Optional.empty();
    }
  }
}
