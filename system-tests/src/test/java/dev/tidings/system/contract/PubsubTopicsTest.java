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

/// Section 2 of the contract: topics, and publishing to them.
@SystemTest
final class PubsubTopicsTest {
  private final Pubsub pubsub;
  private final Caller nobody;

  PubsubTopicsTest(@On(Setup.DEV) TidingsProcess server) {
    this.pubsub = Pubsub.on(server);
    this.nobody = pubsub.caller();
  }

  private Answer create(String id) {
    return nobody.post("/topics", "{\"id\":%s}".formatted(Template.quoted(id)));
  }

  private static String json(String id) {
    return "{\"id\":\"%s\",\"created_at\":\"<microseconds>\"}".formatted(id);
  }

  // POST /topics

  @Test
  void create_is201Topic() {
    String id = Caller.unique("created");

    create(id).expect(201, json(id));
  }

  @Test
  void create_existing_is409() {
    create(pubsub.topic()).expectDetail(409, "This topic already exists");
  }

  @Test
  void create_everyCharacterOfTheCharset_is201() {
    String id = Caller.unique("A-z.0_9.");

    create(id).expect(201, json(id));
    nobody.get("/topics/" + id).expect(200, json(id));
  }

  @Test
  void create_idOf1And128_is201() {
    String longest = Caller.unique("long").concat("x".repeat(128)).substring(0, 128);
    create(longest).expect(201, json(longest));

    // One character can be taken only once on a shared server.
    nobody.delete("/topics/z");
    create("z").expect(201, json("z"));
    nobody.delete("/topics/z").expectNoContent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"...", "-", "_"})
  void create_idOfPunctuationOnly_is201(String id) {
    String path = "/topics/" + id.replace(".", "%2E");
    nobody.delete(path);

    create(id).expect(201, json(id));
    nobody.get(path).expect(200, json(id));
    nobody.delete(path).expectNoContent();
  }

  /// They would stand for a folder in the path of every call that names them (compatibility.md).
  @ParameterizedTest
  @ValueSource(strings = {".", ".."})
  void create_idOfAFolder_is422(String id) {
    Answer _ = create(id).expect(422);
  }

  @Test
  void create_furtherMembers_areIgnored() {
    String id = Caller.unique("created");

    nobody.post("/topics", "{\"id\":\"%s\",\"more\":[1]}".formatted(id)).expect(201, json(id));
  }

  // GET

  @Test
  void get_isTheTopicAsCreated() {
    String id = Caller.unique("got");
    String created = create(id).expect(201).body();

    nobody.get("/topics/" + id).expect(200, created);
  }

  @ParameterizedTest
  @ValueSource(strings = {"missing", "a%20b", "%C3%A9", "a%2Fb", "stats"})
  void get_unknown_is404_whateverThePathId(String id) {
    nobody.get("/topics/" + id).expectDetail(404, "Topic not found");
  }

  private List<String> page(int offset, int limit) {
    JsonNode body =
        nobody.get("/topics?offset=%d&limit=%d".formatted(offset, limit)).expect(200).json();
    assertThat(body.propertyNames()).containsExactly("data");
    body.get("data")
        .forEach(topic -> Template.assertMatches(topic, json(topic.get("id").asString())));
    return body.get("data").valueStream().map(topic -> topic.get("id").asString()).toList();
  }

  private List<String> all(int limit) {
    var all = new ArrayList<String>();
    for (List<String> page = page(0, limit); !page.isEmpty(); page = page(all.size(), limit)) {
      assertThat(page).hasSizeLessThanOrEqualTo(limit);
      all.addAll(page);
    }
    return all;
  }

  @Test
  void list_isInPagesByIdAscending() {
    String prefix = Caller.unique("listed");
    for (String last : List.of("-b", "-a", "-d", "-c")) {
      create(prefix + last).expect(201);
    }

    List<String> all = all(100);

    assertThat(all).doesNotHaveDuplicates();
    assertThat(all.stream().filter(id -> id.startsWith(prefix)))
        .containsExactly(prefix + "-a", prefix + "-b", prefix + "-c", prefix + "-d");
    int first = all.indexOf(prefix + "-a");
    assertThat(page(first, 1)).containsExactly(prefix + "-a");
    assertThat(page(first + 1, 2)).containsExactly(prefix + "-b", prefix + "-c");
    assertThat(page(all.size() + 1000, 100)).isEmpty();
  }

  @Test
  void list_has10ByDefault() {
    for (int i = 0; i < 11; i++) {
      var _ = pubsub.topic();
    }

    assertThat(nobody.get("/topics").expect(200).json().get("data")).hasSize(10);
    assertThat(page(0, 10)).hasSize(10);
  }

  // DELETE

  @Test
  void delete_is204_andThe404() {
    String topic = pubsub.topic();

    nobody.delete("/topics/" + topic).expectNoContent();

    nobody.get("/topics/" + topic).expectDetail(404, "Topic not found");
    nobody.delete("/topics/" + topic).expectDetail(404, "Topic not found");
    assertThat(all(100)).doesNotContain(topic);
  }

  @Test
  void delete_takesSubscriptionsAndMessagesAlong() {
    Pubsub.Pair pair = pubsub.pair("");
    pubsub.publish(pair.topic(), "{\"n\":1}");

    nobody.delete("/topics/" + pair.topic()).expectNoContent();

    String subscription = pair.subscription();
    nobody.get("/subscriptions/" + subscription).expectDetail(404, "Subscription not found");
    pubsub.lease(subscription, 10, "").expectDetail(404, "Subscription not found");
    create(pair.topic()).expect(201);
    pubsub.createSubscription(subscription, pair.topic(), "\"start\":\"earliest\"").expect(201);
    pubsub.expectNothing(subscription);
  }

  // POST /topics/{id}/messages

  @Test
  void publish_is204WithoutBody() {
    nobody.post("/topics/" + pubsub.topic() + "/messages", "[{\"a\":1}]").expectNoContent();
  }

  @Test
  void publish_emptyList_is204() {
    nobody.post("/topics/" + pubsub.topic() + "/messages", "[]").expectNoContent();
  }

  @Test
  void publish_toUnknown_is404() {
    nobody.post("/topics/missing/messages", "[{}]").expectDetail(404, "Topic not found");
    nobody.post("/topics/missing/messages", "[]").expectDetail(404, "Topic not found");
  }

  @Test
  void publish_withoutContentType_is204() {
    nobody.send("POST", "/topics/" + pubsub.topic() + "/messages", "", "[{}]").expectNoContent();
  }

  @Test
  void publish_ofManyMessages_is204_andAllAreDelivered() {
    Pubsub.Pair pair = pubsub.pair("");
    pubsub.publishNumbers(pair.topic(), 0, 5_000);

    pubsub.awaitMetrics(pair.subscription(), 5_000, 0, 0, 0);
    var received = new ArrayList<Integer>();
    while (received.size() < 5_000) {
      List<Pubsub.Delivered> batch = pubsub.consume(pair.subscription(), 100);
      assertThat(batch).hasSize(100);
      batch.forEach(message -> received.add(message.n()));
    }
    assertThat(received).isSorted().doesNotHaveDuplicates();
    pubsub.expectNothing(pair.subscription());
  }

  @Test
  void publish_withOneBadElement_deliversNothing() {
    Pubsub.Pair pair = pubsub.pair("");

    nobody.post("/topics/" + pair.topic() + "/messages", "[{\"n\":1},2]").expect(422);
    pubsub.publish(pair.topic(), "{\"n\":3}");

    assertThat(pubsub.awaitOne(pair.subscription()).n()).isEqualTo(3);
  }

  @Test
  void otherMethods_are405() {
    nobody.put("/topics", "{}").expectDetail(405, "Method Not Allowed");
    nobody.post("/topics/" + pubsub.topic(), "{}").expectDetail(405, "Method Not Allowed");
  }

  @Test
  void everyAnswer_hasARequestId() {
    String topic = pubsub.topic();
    assertThat(
            List.of(
                nobody.get("/topics"),
                nobody.get("/topics/missing"),
                nobody.get("/topics?limit=0"),
                create(topic),
                create("a b"),
                nobody.delete("/topics/" + topic)))
        .allSatisfy(answer -> assertThat(answer.headers().firstValue("x-request-id")).isPresent())
        .extracting(Answer::status)
        .containsExactly(200, 404, 422, 409, 422, 204);
  }
}
