// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Pubsub.Delivered;
import dev.tidings.system.contract.Pubsub.Pair;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Section 4 of the contract: which messages a filter lets through. Three rows are decided
/// differently (compatibility.md): a key that is missing or null does not match, numbers are
/// compared by value, and filters are not escaped.
@SystemTest
final class PubsubFilterTest {
  private static final JsonMapper EXACT =
      JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

  private final Pubsub pubsub;

  PubsubFilterTest(@On(Setup.DEV) TidingsProcess server) {
    this.pubsub = Pubsub.on(server);
  }

  /// A message that the filter lets through: of each key, the first of the values it names.
  private static String sentinel(String filter) {
    ObjectNode payload = EXACT.createObjectNode();
    for (var member : EXACT.readTree(filter).properties()) {
      payload.set(member.getKey(), member.getValue().get(0));
    }
    return payload.put("sentinel", true).toString();
  }

  private static boolean isSentinel(JsonNode payload) {
    return payload.has("sentinel");
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          # filter              | payload                        | delivered
          null                  | {}                             | yes
          null                  | {"country":"BR"}               | yes
          {}                    | {}                             | yes
          {}                    | {"country":"BR"}               | yes
          {"country":["BR"]}    | {"country":"BR"}               | yes
          {"country":["BR","US"]} | {"country":"US"}             | yes
          {"country":["BR","US"]} | {"country":"JP"}             | no
          {"country":["BR"]}    | {"country":"br"}               | no
          {"country":["BR"]}    | {"country":"BR "}              | no
          {"country":["BR"]}    | {"country":""}                 | no
          {"country":[""]}      | {"country":""}                 | yes
          {"country":["BR"]}    | {"Country":"BR"}               | no
          {"country":["BR"]}    | {}                             | no
          {"country":["BR"]}    | {"other":"BR"}                 | no
          {"country":["BR"]}    | {"country":null}               | no
          {"country":["null"]}  | {"country":null}               | no
          {"country":["null"]}  | {"country":"null"}             | yes
          {"n":["1"]}           | {"n":1}                        | yes
          {"n":[1]}             | {"n":"1"}                      | yes
          {"n":[1]}             | {"n":1}                        | yes
          {"n":[1]}             | {"n":1.0}                      | yes
          {"n":[1.0]}           | {"n":1}                        | yes
          {"n":[100]}           | {"n":1e2}                      | yes
          {"n":[1e2]}           | {"n":100}                      | yes
          {"n":[1.5]}           | {"n":1.50}                     | yes
          {"n":[1]}             | {"n":1.0000001}                | no
          {"n":[0]}             | {"n":-0}                       | yes
          {"n":[-1]}            | {"n":1}                        | no
          {"n":[1]}             | {"n":10}                       | no
          {"n":[12345678901234567890123]} | {"n":12345678901234567890123} | yes
          {"n":[12345678901234567890123]} | {"n":12345678901234567890124} | no
          {"n":[1e400]}         | {"n":1e400}                    | yes
          {"n":[1e400]}         | {"n":1e401}                    | no
          {"n":[1]}             | {"n":1e999999999}              | no
          {"n":["1.0"]}         | {"n":1}                        | no
          {"b":["true"]}        | {"b":true}                     | yes
          {"b":[true]}          | {"b":"true"}                   | yes
          {"b":[true]}          | {"b":true}                     | yes
          {"b":[true]}          | {"b":false}                    | no
          {"b":[true]}          | {"b":1}                        | no
          {"b":["True"]}        | {"b":true}                     | no
          {"a":["[1, 2]"]}      | {"a":[1,2]}                    | yes
          {"a":["[1, 2]"]}      | {"a":[ 1 , 2 ]}                | yes
          {"a":["[1,2]"]}       | {"a":[1,2]}                    | no
          {"a":["[1, 2]"]}      | {"a":"[1, 2]"}                 | yes
          {"a":[1,2]}           | {"a":[1,2]}                    | no
          {"a":["x"]}           | {"a":["x"]}                    | no
          {"a":["[]"]}          | {"a":[]}                       | yes
          {"a":["[true, null]"]} | {"a":[true,null]}             | yes
          {"o.a":["x"]}         | {"o":{"a":"x"}}                | no
          {"o.a":["x"]}         | {"o.a":"x"}                    | yes
          {"a":["x"]}           | {"o":{"a":"x"}}                | no
          {"a":["x"]}           | {"o":{"a":"y"},"a":"x"}        | yes
          {"a":["x"]}           | {"o":[{"a":"x"}],"b":"a"}      | no
          {"a":["x"],"b":["y"]} | {"a":"x","b":"y"}              | yes
          {"a":["x"],"b":["y"]} | {"b":"y","a":"x","c":1}        | yes
          {"a":["x"],"b":["y"]} | {"a":"x"}                      | no
          {"a":["x"],"b":["y"]} | {"a":"x","b":"x"}              | no
          {"a":["x","b"],"b":["y"]} | {"a":"b","b":"y"}          | yes
          {"a":["R&D"]}         | {"a":"R&D"}                    | yes
          {"a":["R&D"]}         | {"a":"R&amp;D"}                | no
          {"a":["<b>\\"'"]}     | {"a":"<b>\\"'"}                | yes
          {"R&D":["x"]}         | {"R&D":"x"}                    | yes
          {"a":["\\u0007"]}     | {"a":"\\u0007"}                | yes
          {"a":["\\u0007x"]}    | {"a":"x"}                      | no
          {"a":["é"]}           | {"a":"\\u00e9"}                | yes
          {"\\u0061":["x"]}     | {"a":"x"}                      | yes
          {"a":["x"]}           | {"\\u0061":"\\u0078"}          | yes
          {"a":["😀"]}          | {"a":"\\ud83d\\ude00"}         | yes
          {"a":["\\/"]}         | {"a":"/"}                      | yes
          {"":["x"]}            | {"":"x"}                       | yes
          {"a":["x"]}           | {"a":"y","a":"x"}              | yes
          {"a":["x"]}           | {"a":"x","a":"y"}              | no
          """)
  void filter(String filter, String payload, String delivered) {
    Pair pair = pubsub.pair("\"filter\":" + filter);

    // The last of the call, and so evaluated last.
    pubsub.publish(
        pair.topic(), payload, filter.equals("null") ? "{\"sentinel\":true}" : sentinel(filter));

    var received = new ArrayList<JsonNode>();
    Pubsub.eventually(
        "the message that matches",
        () -> {
          pubsub.consume(pair.subscription(), 100).stream()
              .map(Delivered::payload)
              .forEach(received::add);
          return received.stream().anyMatch(PubsubFilterTest::isSentinel);
        });
    assertThat(received.stream().filter(message -> !isSentinel(message)))
        .hasSize(delivered.toLowerCase(Locale.ROOT).equals("yes") ? 1 : 0);
  }

  @Test
  void emptyList_matchesNothing_evenWithoutTheKey() {
    Pair pair = pubsub.pair("\"filter\":{\"a\":[]}");
    String both = pubsub.subscription(pair.topic(), "\"filter\":{\"a\":[],\"b\":[\"y\"]}");
    pubsub.publish(
        pair.topic(),
        "{}",
        "{\"a\":null}",
        "{\"a\":\"\"}",
        "{\"a\":[]}",
        "{\"a\":\"x\",\"b\":\"y\"}");

    for (String subscription : List.of(pair.subscription(), both)) {
      pubsub.lease(subscription, 100, "&wait_seconds=1").expect(200, "{\"data\":[]}");
      pubsub.awaitMetrics(subscription, 0, 0, 0, 0);
    }
  }

  @Test
  void threeKeys_areAndOfOrs() {
    Pair pair =
        pubsub.pair(
            """
            "filter":{"event_type":["order.created","order.updated"],
                      "priority":["high","critical"],"region":["us-east","us-west"]}
            """);
    pubsub.publish(
        pair.topic(),
        "{\"n\":1,\"event_type\":\"order.created\",\"priority\":\"high\",\"region\":\"us-east\"}",
        "{\"n\":2,\"event_type\":\"order.deleted\",\"priority\":\"high\",\"region\":\"us-east\"}",
        "{\"n\":3,\"event_type\":\"order.created\",\"priority\":\"low\",\"region\":\"us-east\"}",
        "{\"n\":4,\"event_type\":\"order.updated\",\"priority\":\"high\",\"region\":\"eu\"}",
        "{\"n\":5,\"event_type\":\"order.updated\",\"priority\":\"critical\",\"region\":\"us-west\"}",
        "{\"n\":6,\"event_type\":\"order.updated\",\"priority\":\"critical\"}");

    assertThat(pubsub.await(pair.subscription(), 2)).extracting(Delivered::n).containsExactly(1, 5);
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void manyFiltersOnOneTopic_eachGetItsOwn() {
    String topic = pubsub.topic();
    var subscriptions = new ArrayList<String>();
    for (int i = 0; i < 50; i++) {
      subscriptions.add(
          pubsub.subscription(topic, "\"filter\":{\"n\":[%d,%d]}".formatted(i, (i + 1) % 50)));
    }
    pubsub.publishNumbers(topic, 0, 50);

    for (int i = 0; i < 50; i++) {
      assertThat(pubsub.await(subscriptions.get(i), 2))
          .extracting(Delivered::n)
          .containsExactlyInAnyOrder(i, (i + 1) % 50);
    }
  }

  /// A filter says what comes from now on; it was not asked about what lies before.
  @Test
  void laterSubscription_getsNothingOld() {
    String topic = pubsub.topic();
    pubsub.publish(topic, "{\"a\":\"x\",\"n\":1}");
    String subscription = pubsub.subscription(topic, "\"filter\":{\"a\":[\"x\"]}");
    pubsub.publish(topic, "{\"a\":\"x\",\"n\":2}");

    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(2);
    pubsub.expectNothing(subscription);
  }
}
