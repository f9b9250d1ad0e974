// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.tidings.core.message.Payload;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FilterEvaluatorTest {
  private final FilterEvaluator evaluator = new FilterEvaluator();

  private boolean matches(String filter, String payload) {
    return matches(filter, Payload.of(payload));
  }

  private boolean matches(String filter, Payload payload) {
    FilterSet set = FilterSet.of(List.of(Filter.parse(Payload.of(filter)).orElseThrow()));
    BitSet matching = new BitSet();
    evaluator.evaluate(set, payload, matching);
    return matching.get(0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        // no keys: everything, even what is no object
        "{} | {}",
        "{} | {\"a\":1}",
        "{} | [1]",
        "{} | null",
        "{} | \"a\"",
        // keys together, values one of
        "{\"a\":[\"x\",\"y\"]} | {\"a\":\"y\"}",
        "{\"a\":[\"x\"],\"b\":[1,2]} | {\"b\":2,\"c\":0,\"a\":\"x\"}",
        "{\"\":[\"\"]} | {\"\":\"\"}",
        // number, boolean and string as text
        "{\"a\":[1]} | {\"a\":\"1\"}",
        "{\"a\":[\"1\"]} | {\"a\":1}",
        "{\"a\":[1.50]} | {\"a\":\"1.50\"}",
        "{\"a\":[\"1.50\"]} | {\"a\":1.50}",
        "{\"a\":[true]} | {\"a\":true}",
        "{\"a\":[true]} | {\"a\":\"true\"}",
        "{\"a\":[\"false\"]} | {\"a\":false}",
        "{\"a\":[\"null\"]} | {\"a\":\"null\"}",
        // numbers by value
        "{\"a\":[1]} | {\"a\":1.0}",
        "{\"a\":[1]} | {\"a\":1e0}",
        "{\"a\":[1]} | {\"a\":10e-1}",
        "{\"a\":[1]} | {\"a\":0.1E+1}",
        "{\"a\":[1.0]} | {\"a\":1}",
        "{\"a\":[0]} | {\"a\":-0}",
        "{\"a\":[-0.0]} | {\"a\":0e99999999999999999999999}",
        "{\"a\":[1.50]} | {\"a\":1.5}",
        "{\"a\":[100]} | {\"a\":1e2}",
        "{\"a\":[-1200]} | {\"a\":-1.2e3}",
        "{\"a\":[0.001]} | {\"a\":1e-3}",
        "{\"a\":[1e1000000000]} | {\"a\":10e999999999}",
        "{\"a\":[1e-1000000000]} | {\"a\":0.01e-999999998}",
        "{\"a\":[1e99999999999999999]} | {\"a\":1.0e00099999999999999999}",
        "{\"a\":[1e99999999999999999999]} | {\"a\":1e99999999999999999999}",
        "{\"a\":[12345678901234567890.12]} | {\"a\":1234567890123456789012e-2}",
        // the text of a number that is another filter value's number too
        "{\"a\":[\"1.0\",1]} | {\"a\":1.0}",
        // arrays and objects as text
        "{\"a\":[\"[1, 2]\"]} | {\"a\":[1,2]}",
        "{\"a\":[\"[1, 2]\"]} | {\"a\": [ 1 , 2 ] }",
        "{\"a\":[\"[]\"]} | {\"a\":[ ]}",
        "{\"a\":[\"{}\"]} | {\"a\":{ }}",
        "{\"a\":[\"[\\\"x\\\", null, true, 1.50]\"]} | {\"a\":[\"x\",null,true,1.50]}",
        "{\"a\":[\"{\\\"z\\\": 1, \\\"b\\\": [{}, \\\"c\\\"]}\"]} | {\"a\":{\"z\":1,\"b\":[{},\"c\"]}}",
        "{\"a\":[\"[\\\"\\\\\\\"\\\\\\\\/\\\\n\\\\u0001é\\\"]\"]} |"
            + " {\"a\":[\"\\u0022\\\\\\/\\u000a\\u0001\\u00e9\"]}",
        "{\"a\":[\"[\\\", : \\\"]\"]} | {\"a\":[\", : \"]}",
        // escapes stand for what they mean
        "{\"a\":[\"é\"]} | {\"a\":\"\\u00e9\"}",
        "{\"\\u0061\":[\"\\u00E9\"]} | {\"a\":\"é\"}",
        "{\"a\":[\"😀\"]} | {\"\\u0061\":\"\\ud83D\\ude00\"}",
        "{\"a\":[\"\\ud83d\\ude00\"]} | {\"a\":\"😀\"}",
        "{\"a\":[\"\\b\\f\\n\\r\\t\\\"\\\\/\"]} |"
            + " {\"a\":\"\\u0008\\u000C\\u000a\\u000d\\u0009\\u0022\\u005c\\/\"}",
        "{\"a\":[\"\\ud83dx\"]} | {\"a\":\"\\ud83dx\"}",
        "{\"a\":[\"R&D\"]} | {\"a\":\"R&D\"}",
        "{\"a\\\"}\":[1]} | {\"x\":\"\\\"}\",\"a\\u0022}\":1}",
        // the last of equal keys counts
        "{\"a\":[2]} | {\"a\":1,\"a\":2}",
        "{\"a\":[2]} | {\"a\":1,\"\\u0061\":2}",
        "{\"a\":[1],\"a\":[2]} | {\"a\":2}",
        // a name with a dot is a name
        "{\"o.a\":[1]} | {\"o.a\":1}",
        // whitespace anywhere
        "{\"a\":[1]} | \t{ \"b\" : [ { } ] , \"a\" : 1 } ",
      })
  void delivered(String filter, String payload) {
    assertThat(matches(filter, payload)).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        // a key that is missing or null, also beside one that matches
        "{\"a\":[1]} | {}",
        "{\"a\":[1]} | {\"b\":1}",
        "{\"a\":[1]} | {\"a\":null}",
        "{\"a\":[\"null\"]} | {\"a\":null}",
        "{\"a\":[\"\"]} | {\"a\":null}",
        "{\"a\":[1],\"b\":[1]} | {\"a\":1}",
        "{\"a\":[1],\"b\":[1]} | {\"a\":1,\"b\":2}",
        // no value accepted
        "{\"a\":[]} | {}",
        "{\"a\":[]} | {\"a\":1}",
        "{\"a\":[],\"b\":[1]} | {\"b\":1}",
        // no object
        "{\"a\":[1]} | [1]",
        "{\"a\":[1]} | [{\"a\":1}]",
        "{\"a\":[1]} | 1",
        "{\"a\":[\"x\"]} | \"x\"",
        "{\"a\":[1]} | null",
        // texts that differ
        "{\"a\":[\"br\"]} | {\"a\":\"BR\"}",
        "{\"a\":[\"1\"]} | {\"a\":1.0}",
        "{\"a\":[1]} | {\"a\":\"1.0\"}",
        "{\"a\":[1]} | {\"a\":\"1e0\"}",
        "{\"a\":[1]} | {\"a\":\" 1\"}",
        "{\"a\":[true]} | {\"a\":1}",
        "{\"a\":[true]} | {\"a\":\"True\"}",
        "{\"a\":[\"\"]} | {\"a\":\"x\"}",
        "{\"a\":[\"x\"]} | {\"a\":\"\"}",
        "{\"a\":[\"x\"]} | {\"a\":\"xx\"}",
        "{\"a\":[\"xx\"]} | {\"a\":\"x\"}",
        "{\"a\":[\"\\ud83d\"]} | {\"a\":\"\\ude00\"}",
        "{\"a\":[\"&amp;\"]} | {\"a\":\"&\"}",
        // numbers that differ
        "{\"a\":[1]} | {\"a\":-1}",
        "{\"a\":[1]} | {\"a\":10}",
        "{\"a\":[10]} | {\"a\":1}",
        "{\"a\":[0]} | {\"a\":1}",
        "{\"a\":[1]} | {\"a\":0}",
        "{\"a\":[1]} | {\"a\":1.0000000000000000000000001}",
        "{\"a\":[9007199254740993]} | {\"a\":9007199254740992}",
        "{\"a\":[1e400]} | {\"a\":1e401}",
        "{\"a\":[1e99999999999999999998]} | {\"a\":1e99999999999999999999}",
        "{\"a\":[101]} | {\"a\":11}",
        "{\"a\":[0]} | {\"a\":1e-99999999999999999999}",
        // arrays and objects as text
        "{\"a\":[\"[1,2]\"]} | {\"a\":[1,2]}",
        "{\"a\":[\"[1, 2]\"]} | {\"a\":[2,1]}",
        "{\"a\":[\"[1, 2]\"]} | {\"a\":[1,2,3]}",
        "{\"a\":[\"[1, 2, 3]\"]} | {\"a\":[1,2]}",
        "{\"a\":[1]} | {\"a\":[1]}",
        "{\"a\":[\"x\"]} | {\"a\":[\"x\"]}",
        // the top level only
        "{\"o.a\":[1]} | {\"o\":{\"a\":1}}",
        "{\"a\":[1]} | {\"o\":{\"a\":1}}",
        "{\"a\":[1]} | {\"o\":[{\"a\":1}],\"x\":\"{\\\"a\\\":1}\"}",
        // the last of equal keys counts
        "{\"a\":[1]} | {\"a\":1,\"a\":2}",
        "{\"a\":[1]} | {\"a\":1,\"a\":null}",
        "{\"a\":[1],\"a\":[2]} | {\"a\":1}",
        "{\"A\":[1]} | {\"a\":1}",
      })
  void notDelivered(String filter, String payload) {
    assertThat(matches(filter, payload)).isFalse();
  }

  @Test
  void noPayload_matchesOnlyWhatEverythingMatches() {
    assertThat(matches("{}", Payload.EMPTY)).isTrue();
    assertThat(matches("{\"a\":[1]}", Payload.EMPTY)).isFalse();
  }

  @Test
  void oneEvaluator_servesSetsOfAllSizes_andForgetsWhatWasBefore() {
    BitSet matching = new BitSet();
    matching.set(7);
    FilterSet large =
        FilterSet.of(
            IntStream.range(0, 200)
                .mapToObj(i -> Filter.parse(Payload.of("{\"k" + i + "\":[1]}")).orElseThrow())
                .toList());
    FilterSet small =
        FilterSet.of(
            List.of(Filter.parse(Payload.of("{\"x\":[1],\"y\":[1]}")).orElseThrow(), Filter.ALL));

    evaluator.evaluate(small, Payload.of("{\"x\":1}"), matching);
    assertThat(matching).isEqualTo(BitSet.valueOf(new long[] {2}));
    evaluator.evaluate(small, Payload.of("{\"y\":1}"), matching);
    assertThat(matching).isEqualTo(BitSet.valueOf(new long[] {2}));
    evaluator.evaluate(large, Payload.of("{\"k3\":1,\"k199\":1,\"k4\":2}"), matching);
    assertThat(matching.stream()).containsExactly(3, 199);
    evaluator.evaluate(small, Payload.of("{\"y\":1,\"x\":1}"), matching);
    assertThat(matching.stream()).containsExactly(0, 1);
    evaluator.evaluate(FilterSet.EMPTY, Payload.of("{\"y\":1,\"x\":1}"), matching);
    assertThat(matching.isEmpty()).isTrue();
  }

  @Test
  void aSelectiveSet_namesEachFilterOnce_thatHasTextAndNumberOfAValue() {
    FilterSet set =
        FilterSet.of(
            List.of(
                Filter.parse(Payload.of("{\"a\":[1,\"1\",1.0,\"1.0\"],\"b\":[2]}")).orElseThrow(),
                Filter.parse(Payload.of("{\"a\":[\"1.0\"]}")).orElseThrow(),
                Filter.parse(Payload.of("{\"a\":[1]}")).orElseThrow()));
    BitSet matching = new BitSet();
    evaluator.evaluate(set, Payload.of("{\"a\":1.0}"), matching);
    assertThat(matching.stream()).containsExactly(1, 2);
    evaluator.evaluate(set, Payload.of("{\"a\":1.0,\"b\":20e-1}"), matching);
    assertThat(matching.stream()).containsExactly(0, 1, 2);
    evaluator.evaluate(set, Payload.of("{\"a\":\"1.0\",\"b\":2}"), matching);
    assertThat(matching.stream()).containsExactly(0, 1);
    evaluator.evaluate(set, Payload.of("{\"a\":100e-2,\"b\":\"2\"}"), matching);
    assertThat(matching.stream()).containsExactly(0, 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 1_000_000})
  void depth_needsNoStack(int depth) {
    String arrays = "[".repeat(depth) + "]".repeat(depth);
    String objects = "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
    assertThat(matches("{\"z\":[1]}", "{\"x\":" + arrays + ",\"z\":1}")).isTrue();
    assertThat(matches("{\"z\":[1]}", "{\"x\":" + objects + ",\"z\":1}")).isTrue();
    assertThat(matches("{\"x\":[\"" + arrays + "\"]}", "{\"x\":" + arrays + "}")).isTrue();
    assertThat(matches("{\"x\":[\"[[[]]]\"]}", "{\"x\":" + arrays + "}")).isFalse();
    assertThat(Filter.parse(Payload.of("{\"x\":" + arrays + "}"))).isEmpty();
  }

  @Test
  void megabytes_areReadOnceAndNotCopied() {
    int size = 4 << 20;
    List<String> payloads =
        List.of(
            "{\"a\":\"" + "x".repeat(size) + "\"}",
            "{\"a\":\"" + "\\u0078".repeat(size / 6) + "\"}",
            "{\"" + "a".repeat(size) + "\":1}",
            "{\"a\":1" + "0".repeat(size) + "}",
            "{\"a\":0." + "0".repeat(size) + "1}",
            "{\"a\":1" + "0".repeat(size) + "1}",
            "{\"a\":1e" + "9".repeat(size) + "}",
            "{\"a\":[" + " ".repeat(size) + "3]}",
            "{\"a\":[" + "1,".repeat(size / 2) + "3]}",
            "{" + "\"a\":1,".repeat(size / 6) + "\"a\":4}",
            " ".repeat(size) + "{\"a\":4}");
    FilterSet set =
        FilterSet.of(
            List.of(
                Filter.parse(Payload.of("{\"a\":[\"[3]\",1,\"x\"]}")).orElseThrow(),
                Filter.parse(Payload.of("{\"a\":[4]}")).orElseThrow()));
    List<Payload> texts = payloads.stream().map(Payload::of).toList();
    List<BitSet> matching = new ArrayList<>();
    assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> {
          BitSet into = new BitSet();
          evaluator.evaluate(set, texts.getFirst(), into);
          long before = allocated();
          for (Payload text : texts) {
            evaluator.evaluate(set, text, into);
            matching.add((BitSet) into.clone());
          }
          assertThat(allocated() - before).isLessThan(64 << 10);
        });
    assertThat(matching.stream().map(BitSet::toString))
        .containsExactly("{}", "{}", "{}", "{}", "{}", "{}", "{}", "{0}", "{}", "{1}", "{1}");
  }

  @Test
  void zerosThatDoNotCount_areNoReasonToRefuseALongNumber() {
    assertThat(matches("{\"a\":[1]}", "{\"a\":1." + "0".repeat(1 << 20) + "}")).isTrue();
    assertThat(matches("{\"a\":[1e1048576]}", "{\"a\":1" + "0".repeat(1 << 20) + "}")).isTrue();
    assertThat(matches("{\"a\":[1e-1048577]}", "{\"a\":0." + "0".repeat(1 << 20) + "1}")).isTrue();
  }

  @Test
  void bytesThatAreNoJson_endAllTheSame() {
    String valid = "{\"a\":[1,{\"b\":\"\\ud83d\\ude00\"}],\"c\":-1.5e+3,\"d\":true,\"a\":\"\\n\"} ";
    FilterSet set =
        FilterSet.of(
            List.of(
                Filter.parse(Payload.of("{\"a\":[\"[1]\",-1,\"x\"],\"c\":[7,\"\"]}")).orElseThrow(),
                Filter.parse(Payload.of("{\"d\":[true, \"{\\\"b\\\": 1}\"]}")).orElseThrow()));
    byte[] bytes = new byte[Payload.of(valid).size()];
    Random random = new Random(4711);
    BitSet into = new BitSet();
    assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> {
          for (int round = 0; round < 50_000; round++) {
            Payload.of(valid).copyTo(bytes, 0);
            for (int i = random.nextInt(4); i > 0; i--) {
              bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            Payload damaged =
                Payload.copyOf(bytes, random.nextInt(4), 4 + random.nextInt(bytes.length - 3));
            evaluator.evaluate(set, damaged, into);
            Filter.parse(damaged);
          }
        });
  }

  @Test
  void textsOfEqualHashes_areFoundAllTheSame() {
    // "Aa" and "BB" have the same hash, and so has every row of them.
    List<String> texts = new ArrayList<>(List.of(""));
    for (int i = 0; i < 13; i++) {
      List<String> longer = new ArrayList<>();
      for (String text : texts) {
        longer.add(text + "Aa");
        longer.add(text + "BB");
      }
      texts = longer;
    }
    String accepted = "\"" + String.join("\",\"", texts.subList(0, 8000)) + "\"";
    FilterSet set =
        FilterSet.of(List.of(Filter.parse(Payload.of("{\"a\":[" + accepted + "]}")).orElseThrow()));
    List<Payload> payloads =
        texts.stream().map(text -> Payload.of("{\"a\":\"" + text + "\"}")).toList();
    BitSet into = new BitSet();
    for (int i = 0; i < payloads.size(); i++) {
      evaluator.evaluate(set, payloads.get(i), into);
      assertThat(into.get(0)).isEqualTo(i < 8000);
    }
  }

  @Test
  void evaluating_allocatesNothing() {
    FilterSet set = FilterSpeed.filters(100);
    List<Payload> payloads = FilterSpeed.payloads();
    BitSet into = new BitSet();
    evaluateAll(set, payloads, 20_000, into);
    long before = allocated();
    long matches = evaluateAll(set, payloads, 100_000, into);
    long allocated = allocated() - before;
    assertThat(matches).isPositive();
    assertThat(allocated).as("bytes for 100,000 payloads").isLessThan(100_000);
  }

  private long evaluateAll(FilterSet set, List<Payload> payloads, int count, BitSet into) {
    long matches = 0;
    for (int i = 0; i < count; i++) {
      evaluator.evaluate(set, payloads.get(i % payloads.size()), into);
      matches += into.cardinality();
    }
    return matches;
  }

  private static long allocated() {
    return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getCurrentThreadAllocatedBytes();
  }
}
