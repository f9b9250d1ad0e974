// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Ordering;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.SequenceRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/// The JSON of what became of a subscription's deliveries: the columns `settled`, `outstanding` and
/// `dead`, each an array.
///
/// Settled are pairs of the lowest and the highest sequence. The others are objects; what is as
/// usual is left out of them. Members that are not known are passed over.
final class DeliveryJson {
  private static final String NONE = "[]";

  private DeliveryJson() {}

  static String settled(List<SequenceRange> settled) {
    return array(
        settled,
        (out, range) -> {
          out.writeStartArray();
          out.writeNumber(range.first());
          out.writeNumber(range.last());
          out.writeEndArray();
        });
  }

  static String outstanding(List<Outstanding> outstanding) {
    return array(
        outstanding,
        (out, one) -> {
          out.writeStartObject();
          writeRange(out, one.range(), one.attempts());
          out.writeNumberProperty("lease", one.lease());
          out.writeNumberProperty("since", one.since());
          out.writeNumberProperty("for_ms", one.forMs());
          if (one.kept()) {
            out.writeBooleanProperty("kept", true);
          }
          writeOrderings(out, one.orderings());
          out.writeEndObject();
        });
  }

  static String dead(List<Dead> dead) {
    return array(
        dead,
        (out, one) -> {
          out.writeStartObject();
          writeRange(out, one.range(), one.attempts());
          writeOrderings(out, one.orderings());
          out.writeEndObject();
        });
  }

  private interface Writer<T> {
    void write(JsonGenerator out, T element);
  }

  private static <T> String array(List<T> elements, Writer<T> writer) {
    if (elements.isEmpty()) {
      return NONE;
    }
    return Json.write(out -> {
      out.writeStartArray();
      elements.forEach(element -> writer.write(out, element));
      out.writeEndArray();
    });
  }

  private static void writeRange(JsonGenerator out, SequenceRange range, int attempts) {
    out.writeNumberProperty("first", range.first());
    out.writeNumberProperty("last", range.last());
    out.writeNumberProperty("attempts", attempts);
  }

  private static void writeOrderings(JsonGenerator out, List<Ordering> orderings) {
    boolean hasPriorities = orderings.stream().anyMatch(it -> it.priority() != 0);
    boolean hasKeys = orderings.stream().anyMatch(Ordering::hasKey);
    // Where something was said of none of them but they are there, the keys say how many.
    if (hasKeys || !(hasPriorities || orderings.isEmpty())) {
      out.writeArrayPropertyStart("keys");
      orderings.forEach(it -> out.writeString(it.key()));
      out.writeEndArray();
    }
    if (hasPriorities) {
      out.writeArrayPropertyStart("priorities");
      orderings.forEach(it -> out.writeNumber(it.priority()));
      out.writeEndArray();
    }
  }

  /// @throws IllegalArgumentException if it is not what [#settled] writes
  static List<SequenceRange> readSettled(String json) {
    return list(json, DeliveryJson::readPair);
  }

  /// @throws IllegalArgumentException if it is not what [#outstanding] writes
  static List<Outstanding> readOutstanding(String json) {
    return list(json, in -> readMembers(in).outstanding());
  }

  /// @throws IllegalArgumentException if it is not what [#dead] writes
  static List<Dead> readDead(String json) {
    return list(json, in -> readMembers(in).dead());
  }

  private static <T> List<T> list(String json, Function<JsonParser, T> reader) {
    return json.equals(NONE) ? List.of() : Json.read(json, in -> elements(in, reader));
  }

  private static <T> List<T> elements(JsonParser in, Function<JsonParser, T> reader) {
    Json.expect(in, JsonToken.START_ARRAY, "an array");
    List<T> elements = new ArrayList<>();
    while (Json.nextElement(in)) {
      elements.add(reader.apply(in));
    }
    return elements;
  }

  private static SequenceRange readPair(JsonParser in) {
    Json.expect(in, JsonToken.START_ARRAY, "an array of two numbers");
    in.nextToken();
    long first = Json.number(in);
    in.nextToken();
    long last = Json.number(in);
    in.nextToken();
    Json.expect(in, JsonToken.END_ARRAY, "an array of two numbers");
    return new SequenceRange(first, last);
  }

  private static Members readMembers(JsonParser in) {
    Json.expect(in, JsonToken.START_OBJECT, "an object");
    Members members = new Members();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "first" -> members.first = Optional.of(Json.number(in));
        case "last" -> members.last = Optional.of(Json.number(in));
        case "attempts" -> members.attempts = Optional.of(Json.integer(in));
        case "lease" -> members.lease = Optional.of(Json.number(in));
        case "since" -> members.since = Optional.of(Json.number(in));
        case "for_ms" -> members.forMs = Optional.of(Json.number(in));
        case "kept" -> members.kept = in.getBooleanValue();
        case "keys" -> members.keys = elements(in, Json::text);
        case "priorities" -> members.priorities = elements(in, Json::integer);
        default -> in.skipChildren();
      }
    }
    return members;
  }

  /// What one object says.
  private static final class Members {
    private Optional<Long> first = Optional.empty();
    private Optional<Long> last = Optional.empty();
    private Optional<Integer> attempts = Optional.empty();
    private Optional<Long> lease = Optional.empty();
    private Optional<Long> since = Optional.empty();
    private Optional<Long> forMs = Optional.empty();
    private boolean kept;
    private List<String> keys = List.of();
    private List<Integer> priorities = List.of();

    Outstanding outstanding() {
      return new Outstanding(
          range(),
          required(attempts, "attempts"),
          required(lease, "lease"),
          required(since, "since"),
          required(forMs, "for_ms"),
          kept,
          orderings());
    }

    Dead dead() {
      return new Dead(range(), required(attempts, "attempts"), orderings());
    }

    private SequenceRange range() {
      return new SequenceRange(required(first, "first"), required(last, "last"));
    }

    private List<Ordering> orderings() {
      if (keys.isEmpty()) {
        return priorities.stream().map(Ordering::ofPriority).toList();
      }
      if (!priorities.isEmpty() && priorities.size() != keys.size()) {
        throw new IllegalArgumentException(
            "priorities: "
                + priorities.size()
                + " (expected: none or as many as there are keys, "
                + keys.size()
                + ")");
      }
      List<Ordering> orderings = new ArrayList<>(keys.size());
      for (int i = 0; i < keys.size(); i++) {
        orderings.add(new Ordering(keys.get(i), priorities.isEmpty() ? 0 : priorities.get(i)));
      }
      return orderings;
    }

    private static <T> T required(Optional<T> value, String name) {
      return value.orElseThrow(
          () -> new IllegalArgumentException(name + ": missing (expected: a whole number)"));
    }
  }
}
