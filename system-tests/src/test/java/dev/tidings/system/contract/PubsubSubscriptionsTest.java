// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 2 of the contract: subscriptions.
@SystemTest
final class PubsubSubscriptionsTest {
  private final Pubsub pubsub;
  private final Caller nobody;
  private final String topic;

  PubsubSubscriptionsTest(@On(Setup.DEV) TidingsProcess server) {
    this.pubsub = Pubsub.on(server);
    this.nobody = pubsub.caller();
    this.topic = pubsub.topic();
  }

  private String json(String id, String filter, int attempts, int min, int max) {
    return """
    {"id":"%s","topic_id":"%s","filter":%s,"max_delivery_attempts":%d,
     "backoff_min_seconds":%d,"backoff_max_seconds":%d,"created_at":"<microseconds>"}
    """
        .formatted(id, topic, filter, attempts, min, max);
  }

  @Test
  void create_is201WithDefaults() {
    String id = Caller.unique("sub");

    pubsub.createSubscription(id, topic, "").expect(201, json(id, "null", 5, 5, 300));
  }

  @Test
  void create_withEverything_is201AsGiven() {
    String id = Caller.unique("sub");

    pubsub
        .createSubscription(
            id,
            topic,
            """
            "filter":{"country":["BR","US"]},"max_delivery_attempts":7,
            "backoff_min_seconds":3,"backoff_max_seconds":4
            """)
        .expect(201, json(id, "{\"country\":[\"BR\",\"US\"]}", 7, 3, 4));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "{}",
        "{\"a\":[]}",
        "{\"a\":[1,1.50,\"x\",true,false]}",
        "{\"R&D\":[\"<b>R&D</b>\",\"\\\"'\"]}",
        "{\"\":[\"\\u0007\",\"\\t\"]}"
      })
  void create_filter_isShownAsGiven(String filter) {
    String id = Caller.unique("sub");
    String expected = json(id, filter, 5, 5, 300);

    pubsub.createSubscription(id, topic, "\"filter\":" + filter).expect(201, expected);
    nobody.get("/subscriptions/" + id).expect(200, expected);
  }

  @Test
  void create_leastValues_areAccepted() {
    String id = Caller.unique("sub");

    pubsub
        .createSubscription(
            id,
            topic,
            "\"max_delivery_attempts\":1,\"backoff_min_seconds\":1,\"backoff_max_seconds\":1")
        .expect(201, json(id, "null", 1, 1, 1));
  }

  @Test
  void create_minAboveMax_isAccepted() {
    String id = Caller.unique("sub");

    pubsub
        .createSubscription(id, topic, "\"backoff_min_seconds\":10,\"backoff_max_seconds\":5")
        .expect(201, json(id, "null", 5, 10, 5));
  }

  @Test
  void create_wholeNumbersInOtherForms_areAccepted() {
    String id = Caller.unique("sub");

    pubsub
        .createSubscription(
            id, topic, "\"max_delivery_attempts\":\"7\",\"backoff_min_seconds\":2.0")
        .expect(201, json(id, "null", 7, 2, 300));
  }

  @Test
  void create_existing_is409() {
    String id = pubsub.subscription(topic, "");

    pubsub.createSubscription(id, topic, "").expectDetail(409, "This subscription already exists");
  }

  @Test
  void create_existingOnAnotherTopic_is409() {
    String id = pubsub.subscription(topic, "");

    pubsub
        .createSubscription(id, pubsub.topic(), "")
        .expectDetail(409, "This subscription already exists");
  }

  @Test
  void create_onUnknownTopic_is404() {
    pubsub
        .createSubscription(Caller.unique("sub"), "missing", "")
        .expectDetail(404, "Topic not found");
  }

  @Test
  void create_idOf128AndDots_is201() {
    String id = Caller.unique("A.z_0-").concat("x".repeat(128)).substring(0, 128);

    pubsub.createSubscription(id, topic, "").expect(201, json(id, "null", 5, 5, 300));
  }

  @Test
  void create_mayBeNamedAsItsTopic() {
    String named = pubsub.topic();

    pubsub.createSubscription(named, named, "").expect(201);
  }

  @Test
  void create_getsNothingOld() {
    String own = pubsub.topic();
    pubsub.publish(own, "{\"n\":1}");

    String subscription = pubsub.subscription(own, "");
    pubsub.publish(own, "{\"n\":2}");

    assertThat(pubsub.awaitOne(subscription).n()).isEqualTo(2);
    pubsub.expectNothing(subscription);
  }

  @Test
  void get_isTheSubscriptionAsCreated() {
    String id = Caller.unique("sub");
    String created = pubsub.createSubscription(id, topic, "").expect(201).body();

    nobody.get("/subscriptions/" + id).expect(200, created);
  }

  @ParameterizedTest
  @ValueSource(strings = {"missing", "a%20b", "%C3%A9", "a%2Fb"})
  void unknown_is404_whateverThePathId(String id) {
    String path = "/subscriptions/" + id;
    assertThat(
            List.of(
                nobody.get(path),
                nobody.delete(path),
                nobody.get(path + "/messages?consumer_id=c"),
                nobody.post(path + "/acks", "[]"),
                nobody.post(path + "/nacks", "[]"),
                nobody.get(path + "/dlq"),
                nobody.post(path + "/dlq/reprocess", "[]"),
                nobody.get(path + "/metrics")))
        .allSatisfy(answer -> answer.expectDetail(404, "Subscription not found"));
  }

  private List<JsonNode> page(int offset, int limit) {
    JsonNode body =
        nobody.get("/subscriptions?offset=%d&limit=%d".formatted(offset, limit)).expect(200).json();
    assertThat(body.propertyNames()).containsExactly("data");
    return body.get("data").valueStream().toList();
  }

  @Test
  void list_isInPagesByIdAscending() {
    String prefix = Caller.unique("sub-listed");
    for (String last : List.of("-b", "-a", "-c")) {
      pubsub.createSubscription(prefix + last, topic, "").expect(201);
    }
    var all = new ArrayList<String>();
    var mine = new ArrayList<JsonNode>();
    for (List<JsonNode> page = page(0, 100); !page.isEmpty(); page = page(all.size(), 100)) {
      for (JsonNode subscription : page) {
        all.add(subscription.get("id").asString());
        if (all.getLast().startsWith(prefix)) {
          mine.add(subscription);
        }
      }
    }

    assertThat(all).doesNotHaveDuplicates();
    assertThat(mine).hasSize(3);
    Template.assertMatches(mine.get(0), json(prefix + "-a", "null", 5, 5, 300));
    Template.assertMatches(mine.get(1), json(prefix + "-b", "null", 5, 5, 300));
    Template.assertMatches(mine.get(2), json(prefix + "-c", "null", 5, 5, 300));
    assertThat(page(all.indexOf(prefix + "-b"), 1)).containsExactly(mine.get(1));
  }

  @Test
  void list_has10ByDefault() {
    for (int i = 0; i < 11; i++) {
      var _ = pubsub.subscription(topic, "");
    }

    assertThat(nobody.get("/subscriptions").expect(200).json().get("data")).hasSize(10);
  }

  @Test
  void delete_is204_andItsMessagesAreGone() {
    Pubsub.Pair pair = pubsub.pair("");
    String id = pair.subscription();
    pubsub.publish(pair.topic(), "{\"n\":1}");

    nobody.delete("/subscriptions/" + id).expectNoContent();

    nobody.get("/subscriptions/" + id).expectDetail(404, "Subscription not found");
    nobody.delete("/subscriptions/" + id).expectDetail(404, "Subscription not found");
    pubsub.createSubscription(id, pair.topic(), "").expect(201);
    pubsub.expectNothing(id);
    pubsub.awaitMetrics(id, 0, 0, 0, 0);
  }

  @Test
  void delete_leavesTheOthersOfTheTopic() {
    Pubsub.Pair pair = pubsub.pair("");
    String other = pubsub.subscription(pair.topic(), "");
    pubsub.publish(pair.topic(), "{\"n\":1}");

    nobody.delete("/subscriptions/" + pair.subscription()).expectNoContent();

    assertThat(pubsub.awaitOne(other).n()).isEqualTo(1);
  }
}
