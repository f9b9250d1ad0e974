// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Numbers;
import dev.tidings.server.wire.Text;
import io.vertx.core.MultiMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;

/// A list, of which one answer shows a page.
///
/// @param field what the items are called in the answer
/// @param after the items behind a place, in order; the empty place is before all
/// @param place the place of an item, as it was asked for
/// @param write writes an item
record Listing<T>(
    String field,
    Function<String, Stream<T>> after,
    Function<T, String> place,
    Function<T, JsonOut> write) {
  private static final int MAX_LIMIT = 1000;
  private static final int DEFAULT_LIMIT = 100;
  private static final int MAX_SHOWN = 100;
  private static final int PER_ITEM = 256;

  /// The parameters of the query, in which `;` is a character as others are.
  static MultiMap query(Call call) {
    return call.request().params(/* semicolonIsNormalChar= */ true);
  }

  /// Answers the page behind `place`, of as many items as the query says, or else 400.
  void answer(Call call, String from) {
    String text = Optional.ofNullable(query(call).get("limit")).orElse("" + DEFAULT_LIMIT);
    OptionalLong limit = Numbers.parse(text);
    if (limit.isEmpty() || limit.getAsLong() < 1 || limit.getAsLong() > MAX_LIMIT) {
      call.detail(
          400,
          "limit: "
              + Text.cut(text, MAX_SHOWN)
              + " (expected: a whole number from 1 to "
              + MAX_LIMIT
              + ")");
      return;
    }
    away(call, () -> page(from, (int) limit.getAsLong()));
  }

  private JsonOut page(String from, int limit) {
    // One more than is shown tells whether there are more.
    List<T> found = after.apply(from).limit(limit + 1L).toList();
    List<T> shown = found.subList(0, Math.min(limit, found.size()));
    JsonOut out = new JsonOut(64 + PER_ITEM * shown.size()).raw("{").string(field).raw(":[");
    String separator = "";
    for (T item : shown) {
      out.raw(separator).raw(write.apply(item));
      separator = ",";
    }
    return out.raw("],\"next\":")
        .string(found.size() > limit ? Optional.of(place.apply(shown.getLast())) : Optional.empty())
        .raw("}");
  }

  /// Answers with what `make` makes, away from the event loop: there may be a million to look at.
  static void away(Call call, Callable<JsonOut> make) {
    call.loop()
        .context()
        .executeBlocking(make, /* ordered= */ false)
        .onSuccess(answer -> call.guarded(() -> call.json(200, answer)))
        .onFailure(fault -> call.failed(new IllegalStateException("no list", fault)));
  }
}
