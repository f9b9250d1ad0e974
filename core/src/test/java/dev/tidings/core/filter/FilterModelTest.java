// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.Payload;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/// Random filters over random payloads, written in random ways, against a model that reads JSON
/// into objects and compares them one by one.
class FilterModelTest {
  private static final List<String> KEYS =
      List.of("a", "b", "c", "", "é", "k\n\"\\/", "😀", "o.a", "a longer key", "\u0000");
  private static final List<String> STRINGS =
      List.of(
          "",
          "1",
          "1.0",
          "-0",
          "1e0",
          "true",
          "false",
          "null",
          "br",
          "BR",
          "é😀",
          "\u0000\t\"/\\",
          "[]",
          "{}",
          "[1, 2]",
          "[\"br\"]",
          "{\"a\": 1}",
          "{\"a\": [1.0, null]}",
          "[\"\\u0000\\n\"]",
          "long".repeat(50));
  private static final List<String> NUMBERS =
      List.of(
          "1",
          "1.0",
          "1e0",
          "10e-1",
          "0",
          "-0",
          "0.0",
          "0e5",
          "1.50",
          "1.5",
          "15E-1",
          "100",
          "1e2",
          "1E+2",
          "-2",
          "-20e-1",
          "101",
          "11",
          "0.001",
          "1e-3",
          "12345678901234567890",
          "1234567890123456789e1",
          "1e400",
          "10e399");

  @Property(tries = 1500)
  void evaluator_decidesLikeTheModel(@ForAll long seed) {
    Random random = new Random(seed);
    FilterEvaluator evaluator = new FilterEvaluator();
    BitSet matching = new BitSet();
    for (int sets = 0; sets < 2; sets++) {
      List<String> texts = new ArrayList<>();
      List<Filter> filters = new ArrayList<>();
      for (int i = random.nextInt(1, 8); i > 0; i--) {
        texts.add(filter(random));
        filters.add(Filter.parse(Payload.of(texts.getLast())).orElseThrow());
      }
      FilterSet set = FilterSet.of(filters);
      for (int i = 0; i < 5; i++) {
        String payload = random.nextInt(10) == 0 ? value(random, 2) : object(random, 3);
        evaluator.evaluate(set, Payload.of(payload), matching);
        for (int f = 0; f < filters.size(); f++) {
          assertThat(matching.get(set.placeOf(filters.get(f))))
              .as("%s of %s", texts.get(f), payload)
              .isEqualTo(Model.matches(texts.get(f), payload));
        }
      }
    }
  }

  @Property(tries = 1000)
  void randomJson_isAFilterIfItHasTheShape(@ForAll long seed) {
    Random random = new Random(seed);
    String json = random.nextBoolean() ? value(random, 3) : filter(random);
    assertThat(Filter.parse(Payload.of(json)).isPresent()).as(json).isEqualTo(Model.isFilter(json));
  }

  // ---- random JSON ----

  private static String filter(Random random) {
    StringBuilder json = new StringBuilder("{").append(space(random));
    int keys = random.nextInt(4);
    for (int i = 0; i < keys; i++) {
      json.append(i == 0 ? "" : ",").append(space(random));
      json.append(string(random, pick(random, KEYS))).append(space(random)).append(':');
      json.append(space(random)).append('[').append(space(random));
      int values = random.nextInt(9) == 0 ? 0 : random.nextInt(1, 6);
      for (int n = 0; n < values; n++) {
        json.append(n == 0 ? "" : ",").append(space(random));
        json.append(value(random, 0, false)).append(space(random));
      }
      json.append(']').append(space(random));
    }
    return json.append('}').append(space(random)).toString();
  }

  private static String value(Random random, int depth) {
    return value(random, depth, true);
  }

  private static String value(Random random, int depth, boolean orNull) {
    return switch (random.nextInt(depth == 0 ? 7 : 9)) {
      case 0, 1, 2 -> pick(random, NUMBERS);
      case 3, 4 -> string(random, pick(random, STRINGS));
      case 5 -> random.nextBoolean() ? "true" : "false";
      case 6 -> orNull ? "null" : "1";
      case 7 -> object(random, depth - 1);
      default -> {
        StringBuilder json = new StringBuilder("[").append(space(random));
        int items = random.nextInt(4);
        for (int i = 0; i < items; i++) {
          json.append(i == 0 ? "" : ",").append(space(random));
          json.append(value(random, depth - 1)).append(space(random));
        }
        yield json.append(']').toString();
      }
    };
  }

  private static String object(Random random, int depth) {
    StringBuilder json = new StringBuilder("{").append(space(random));
    int keys = random.nextInt(6);
    for (int i = 0; i < keys; i++) {
      json.append(i == 0 ? "" : ",").append(space(random));
      json.append(string(random, pick(random, KEYS))).append(space(random)).append(':');
      json.append(space(random)).append(value(random, depth)).append(space(random));
    }
    return json.append('}').toString();
  }

  private static String string(Random random, String text) {
    boolean escaping = random.nextInt(3) == 0;
    StringBuilder json = new StringBuilder("\"");
    text.codePoints()
        .forEach(c -> {
          if (escaping && random.nextBoolean()) {
            for (char unit : Character.toChars(c)) {
              String hex = "%04x".formatted((int) unit);
              json.append("\\u").append(random.nextBoolean() ? hex : hex.toUpperCase(Locale.ROOT));
            }
          } else if (c == '/' && random.nextBoolean()) {
            json.append("\\/");
          } else {
            json.append(Model.escaped(c));
          }
        });
    return json.append('"').toString();
  }

  private static String space(Random random) {
    return random.nextInt(4) == 0 ? pick(random, List.of(" ", "\n", "\t\t", "\r\n  ")) : "";
  }

  private static String pick(Random random, List<String> of) {
    return of.get(random.nextInt(of.size()));
  }

  // ---- the model ----

  private sealed interface Json {}

  private record Text(String value) implements Json {}

  private record Numeral(String written) implements Json {}

  private record Literal(String name) implements Json {}

  private record Items(List<Json> values) implements Json {}

  private record Member(String key, Json value) {}

  private record Members(List<Member> all) implements Json {}

  /// A reader of JSON and matcher of filters, made to be simple.
  private static final class Model {
    private final String json;
    private int place;

    private Model(String json) {
      this.json = json;
    }

    static boolean isFilter(String json) {
      return new Model(json).value() instanceof Members members
          && members.all().stream()
              .allMatch(member ->
                  member.value() instanceof Items items
                      && items.values().stream().allMatch(Model::isAcceptable));
    }

    private static boolean isAcceptable(Json value) {
      return switch (value) {
        case Text _, Numeral _ -> true;
        case Literal literal -> !literal.name().equals("null");
        case Items _, Members _ -> false;
      };
    }

    static boolean matches(String filter, String payload) {
      Map<String, Json> wanted = lastOfEachKey((Members) new Model(filter).value());
      if (wanted.isEmpty()) {
        return true;
      }
      if (!(new Model(payload).value() instanceof Members members)) {
        return false;
      }
      Map<String, Json> there = lastOfEachKey(members);
      return wanted.entrySet().stream()
          .allMatch(key ->
              there.containsKey(key.getKey())
                  && ((Items) key.getValue())
                      .values().stream().anyMatch(value -> equal(value, there.get(key.getKey()))));
    }

    private static boolean equal(Json wanted, Json there) {
      if (there.equals(new Literal("null"))) {
        return false;
      }
      if (wanted instanceof Numeral one && there instanceof Numeral other) {
        return new BigDecimal(one.written()).compareTo(new BigDecimal(other.written())) == 0;
      }
      return text(wanted).equals(text(there));
    }

    private static String text(Json value) {
      return value instanceof Text text ? text.value() : printed(value);
    }

    private static String printed(Json value) {
      return switch (value) {
        case Text text -> quoted(text.value());
        case Numeral numeral -> numeral.written();
        case Literal literal -> literal.name();
        case Items items ->
            "[" + String.join(", ", items.values().stream().map(Model::printed).toList()) + "]";
        case Members members ->
            "{"
                + String.join(
                    ", ",
                    members.all().stream()
                        .map(member -> quoted(member.key()) + ": " + printed(member.value()))
                        .toList())
                + "}";
      };
    }

    private static String quoted(String text) {
      StringBuilder quoted = new StringBuilder("\"");
      text.codePoints().forEach(c -> quoted.append(escaped(c)));
      return quoted.append('"').toString();
    }

    static String escaped(int c) {
      return switch (c) {
        case '"' -> "\\\"";
        case '\\' -> "\\\\";
        case '\b' -> "\\b";
        case '\f' -> "\\f";
        case '\n' -> "\\n";
        case '\r' -> "\\r";
        case '\t' -> "\\t";
        default -> c < 0x20 ? "\\u%04x".formatted(c) : Character.toString(c);
      };
    }

    private static Map<String, Json> lastOfEachKey(Members members) {
      Map<String, Json> last = new LinkedHashMap<>();
      members.all().forEach(member -> last.put(member.key(), member.value()));
      return last;
    }

    private char next() {
      while (" \n\r\t".indexOf(json.charAt(place)) >= 0) {
        place++;
      }
      return json.charAt(place);
    }

    private Json value() {
      return switch (next()) {
        case '"' -> new Text(string());
        case '[' -> items();
        case '{' -> members();
        case 't', 'f', 'n' -> new Literal(word());
        default -> new Numeral(word());
      };
    }

    private String word() {
      int start = place;
      while (place < json.length() && " \n\r\t,]}".indexOf(json.charAt(place)) < 0) {
        place++;
      }
      return json.substring(start, place);
    }

    private Json items() {
      List<Json> values = new ArrayList<>();
      place++;
      while (next() != ']') {
        values.add(value());
        if (next() == ',') {
          place++;
        }
      }
      place++;
      return new Items(values);
    }

    private Json members() {
      List<Member> all = new ArrayList<>();
      place++;
      while (next() != '}') {
        String key = string();
        next();
        place++;
        all.add(new Member(key, value()));
        if (next() == ',') {
          place++;
        }
      }
      place++;
      return new Members(all);
    }

    private String string() {
      StringBuilder text = new StringBuilder();
      place++;
      for (char c = json.charAt(place++); c != '"'; c = json.charAt(place++)) {
        if (c != '\\') {
          text.append(c);
          continue;
        }
        char escape = json.charAt(place++);
        switch (escape) {
          case 'b' -> text.append('\b');
          case 'f' -> text.append('\f');
          case 'n' -> text.append('\n');
          case 'r' -> text.append('\r');
          case 't' -> text.append('\t');
          case 'u' -> {
            text.append((char) Integer.parseInt(json, place, place + 4, 16));
            place += 4;
          }
          default -> text.append(escape);
        }
      }
      return text.toString();
    }
  }
}
