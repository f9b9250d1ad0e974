// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.server.wire.JsonValue.JsonArray;
import dev.tidings.server.wire.JsonValue.JsonNumber;
import dev.tidings.server.wire.JsonValue.JsonObject;
import dev.tidings.server.wire.JsonValue.JsonString;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonValueTest {

  private static JsonValue valid(String text, int depth) {
    return ((JsonValue.Valid) JsonValue.parse(text.getBytes(UTF_8), depth)).value();
  }

  @Provide
  Arbitrary<String> values() {
    Arbitrary<String> space = Arbitraries.of("", " ", "\n\t ", "\r\n");
    Arbitrary<String> scalar =
        Arbitraries.oneOf(
            Arbitraries.of(
                "null", "true", "false", "0", "-1", "1.50", "1e400", "-2E-7", "9007199254740993"),
            Arbitraries.strings()
                .ofMaxLength(12)
                .excludeChars('\uD800')
                .filter(text -> text.chars().noneMatch(c -> Character.isSurrogate((char) c)))
                .map(text -> new JsonOut(16).string(text).text()),
            Arbitraries.of("\"\\u00e9\\/\\\\\"", "\"😀\"", "\"\\ud83d\\ude00\""));
    return Arbitraries.lazyOf(
        () -> scalar,
        () -> scalar,
        () ->
            values()
                .list()
                .ofMaxSize(3)
                .flatMap(
                    items -> space.map(s -> "[" + s + String.join(s + "," + s, items) + s + "]")),
        () ->
            values()
                .list()
                .ofMaxSize(3)
                .flatMap(items ->
                    space.map(s -> {
                      StringBuilder object = new StringBuilder("{").append(s);
                      for (int i = 0; i < items.size(); i++) {
                        object.append(i == 0 ? "" : "," + s);
                        object.append("\"k").append(i).append("\"").append(s).append(":");
                        object.append(s).append(items.get(i)).append(s);
                      }
                      return object.append("}").toString();
                    })));
  }

  @Property(tries = 500)
  void raw_isExactlyTheBytesOfTheValue(
      @ForAll("values") String first, @ForAll("values") String second) {
    String text = " {\"a\" : " + first + " ,\"é\":" + second + "}\n";

    JsonObject object = (JsonObject) valid(text, 1);

    assertThat(object.raw().text()).isEqualTo(text.strip());
    assertThat(object.fields().get("a").raw().text()).isEqualTo(first);
    assertThat(object.fields().get("é").raw().text()).isEqualTo(second);
  }

  @Test
  void depth_bounds_whatIsReadButNotWhatIsChecked() {
    JsonObject object = (JsonObject) valid("{\"a\":{\"b\":[1,{\"c\":2}]}}", 1);
    assertThat(((JsonObject) object.fields().get("a")).fields()).isEmpty();
    assertThat(object.fields().get("a").raw().text()).isEqualTo("{\"b\":[1,{\"c\":2}]}");

    assertThat(JsonValue.parse("{\"a\":{\"b\":[1,}}".getBytes(UTF_8), 1))
        .isInstanceOf(JsonValue.Invalid.class);
  }

  @Test
  void itemsOfAnArray_areReadInOrder() {
    JsonArray array = (JsonArray) valid("[1, \"x\" ,[2]]", 2);
    assertThat(array.items())
        .extracting(item -> item.raw().text())
        .containsExactly("1", "\"x\"", "[2]");
    assertThat(((JsonString) array.items().get(1)).value()).isEqualTo("x");
    assertThat(((JsonNumber) array.items().get(0)).isInteger()).isTrue();
  }

  @Test
  void fieldIgnoringCase_isTheExactOne_orElseTheLast() {
    JsonObject object = (JsonObject) valid("{\"Key\":1,\"key\":2,\"KEY\":3}", 1);
    assertThat(object.fieldIgnoringCase("key").orElseThrow().raw().text()).isEqualTo("2");
    assertThat(object.fieldIgnoringCase("kEY").orElseThrow().raw().text()).isEqualTo("3");
    assertThat(object.fieldIgnoringCase("keys")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"a\":1}", "{\"a\":1} {", "{\"a\":1}]", "{\"a\":1}\u0000x\n"})
  void whatFollowsTheFirstValue_isPassedOver(String text) {
    assertThat(JsonValue.parseFirst(text.getBytes(UTF_8), 1))
        .isInstanceOfSatisfying(
            JsonValue.Valid.class,
            valid -> assertThat(valid.value().raw().text()).isEqualTo("{\"a\":1}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"a\":1", "] {\"a\":1}", " "})
  void firstValueThatIsNone_isInvalid(String text) {
    assertThat(JsonValue.parseFirst(text.getBytes(UTF_8), 1)).isInstanceOf(JsonValue.Invalid.class);
  }

  @Test
  void sameKeyTwice_theLaterCounts() {
    JsonObject object = (JsonObject) valid("{\"a\":1,\"a\":2}", 1);
    assertThat(object.fields().get("a").raw().text()).isEqualTo("2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[1",
        "\"a",
        "nul",
        "01",
        "1.",
        "{\"a\"}",
        "{a:1}",
        "[1,]",
        "1 2",
        "NaN",
        "Infinity",
        "'a'",
        "\"\t\"",
        "\"\\x\"",
        "// c\n1"
      })
  void whatIsNoJson_isInvalid(String text) {
    assertThat(JsonValue.parse(text.getBytes(UTF_8), 3)).isInstanceOf(JsonValue.Invalid.class);
  }

  @Test
  void byteOrderMark_isPassedOver() {
    assertThat(valid("\uFEFF{\"a\":1}", 1).raw().text()).isEqualTo("{\"a\":1}");
  }

  @Test
  void bytesThatAreNotUtf8_areInvalid() {
    assertThat(JsonValue.parse(new byte[] {'"', (byte) 0xC3, '"'}, 1))
        .isInstanceOf(JsonValue.Invalid.class);
    // A surrogate encoded on its own: no text frame could carry it.
    assertThat(JsonValue.parse(new byte[] {'"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"'}, 1))
        .isInstanceOf(JsonValue.Invalid.class);
  }

  @Test
  void nothing_isAbsent_andOnlySpace_isInvalid() {
    assertThat(JsonValue.parse(new byte[0], 1)).isInstanceOf(JsonValue.Absent.class);
    assertThat(JsonValue.parse(" ".getBytes(UTF_8), 1)).isInstanceOf(JsonValue.Invalid.class);
  }

  @Test
  void nestingBeyondTheLimit_isInvalidAndNotAStackOverflow() {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    assertThat(JsonValue.parse(deep.getBytes(UTF_8), 2)).isInstanceOf(JsonValue.Invalid.class);
  }
}
