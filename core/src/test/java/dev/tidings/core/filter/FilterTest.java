// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.Payload;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FilterTest {

  private static Filter filter(String json) {
    return Filter.parse(Payload.of(json)).orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        " { } ",
        "{\"a\":[]}",
        "{\"country\": [\"BR\", \"US\"]}",
        "{\"a\":[\"x\",1,-2.5e3,true,false]}",
        "\n{ \"a\" : [ 1 ,\t2 ] ,\r\"\" : [ \"\" ] }\n",
        "{\"a\":[\"]\",\"}\",\"\\\"\",\"\\\\\"],\"b\":[1]}",
        "{\"a\":[1],\"a\":[2]}",
        "{\"a\":[1e99999999999999999999]}"
      })
  void objectsOfArraysOfScalars_areFilters_andKeepTheirText(String json) {
    assertThat(Filter.parse(Payload.of(json)).map(Filter::json)).contains(Payload.of(json));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "true",
        "1",
        "\"a\"",
        "[]",
        "[{}]",
        "{\"a\":1}",
        "{\"a\":\"x\"}",
        "{\"a\":null}",
        "{\"a\":true}",
        "{\"a\":{}}",
        "{\"a\":[null]}",
        "{\"a\":[1,null]}",
        "{\"a\":[[]]}",
        "{\"a\":[[1]]}",
        "{\"a\":[{}]}",
        "{\"a\":[{\"b\":[1]}]}",
        "{\"a\":[1],\"b\":{\"c\":[1]}}",
        "{\"a\":[1],\"b\":\"x\"}"
      })
  void otherShapes_areNoFilters(String json) {
    assertThat(Filter.parse(Payload.of(json))).isEmpty();
  }

  @Test
  void noText_isNoFilter() {
    assertThat(Filter.parse(Payload.EMPTY)).isEmpty();
  }

  @Test
  void filters_knowWhenTheyDecideNothing() {
    assertThat(filter("{}").matchesAll()).isTrue();
    assertThat(filter("{}").matchesNothing()).isFalse();
    assertThat(filter("{\"a\":[1]}").matchesAll()).isFalse();
    assertThat(filter("{\"a\":[1]}").matchesNothing()).isFalse();
    assertThat(filter("{\"a\":[1],\"b\":[]}").matchesNothing()).isTrue();
    assertThat(Filter.ALL).isEqualTo(filter(" { } "));
    assertThat(Filter.ALL.json()).isEqualTo(Payload.of("{}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"a\":[1,2]}             | { \"a\" : [ 2, 1, 1 ] }",
        "{\"a\":[1],\"b\":[\"x\"]} | {\"b\":[\"\\u0078\"],\"\\u0061\":[1]}",
        "{\"a\":[9],\"a\":[true]}  | {\"a\":[true]}",
        "{\"a\":[true]}            | {\"a\":[\"true\"]}",
        "{\"a\":[\"1\",1]}         | {\"a\":[1]}",
        "{\"a\":[\"\\ud83d\\uDE00\\/\"]} | {\"a\":[\"😀/\"]}",
      })
  void filtersThatAcceptTheSame_areEqual(String one, String same) {
    assertThat(filter(one)).isEqualTo(filter(same)).hasSameHashCodeAs(filter(same));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"a\":[1]}     | {\"a\":[2]}",
        "{\"a\":[1]}     | {\"b\":[1]}",
        "{\"a\":[1]}     | {\"a\":[\"1\"]}",
        "{\"a\":[1]}     | {\"a\":[1.0]}",
        "{\"a\":[\"x\"]} | {\"a\":[\"X\"]}",
        "{\"a\":[]}      | {}",
        "{\"a\":[1]}     | {\"a\":[1],\"b\":[1]}",
      })
  void filtersThatAcceptOtherThings_areNotEqual(String one, String other) {
    assertThat(filter(one)).isNotEqualTo(filter(other));
  }

  @Test
  void set_takesEqualFiltersOnce_inTheOrderGiven() {
    Filter a = filter("{\"a\":[1]}");
    Filter b = filter("{\"b\":[1]}");
    FilterSet set = FilterSet.of(List.of(b, a, filter("{ \"b\": [1] }"), Filter.ALL));
    assertThat(set.size()).isEqualTo(3);
    assertThat(set.get(0)).isSameAs(b);
    assertThat(set.placeOf(a)).isEqualTo(1);
    assertThat(set.placeOf(Filter.ALL)).isEqualTo(2);
    assertThat(set.placeOf(filter("{\"c\":[1]}"))).isEqualTo(-1);
    assertThat(FilterSet.EMPTY.size()).isZero();
  }
}
