// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.Pubsub.Delivered;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What the original has no calls for: lists with pages, get, delete, unbind and purge. Callers are
/// users who see what is theirs, so that other tests do not show in their lists.
@SystemTest
final class ExchangeOperatorTest {
  private final TidingsProcess server;
  private final Exchanges exchanges;
  private final Caller client;

  ExchangeOperatorTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.exchanges = someone();
    this.client = exchanges.caller();
  }

  private Exchanges someone() {
    return new Exchanges(Caller.user(server, "read", "write"));
  }

  private record Page(List<JsonNode> items, String next) {}

  private static Page page(Answer answer, String collection) {
    JsonNode json = answer.expect(200).json();
    assertThat(json.propertyNames()).containsExactlyInAnyOrder(collection, "next");
    JsonNode next = json.get("next");
    return new Page(
        json.get(collection).valueStream().toList(), next.isNull() ? "" : next.asString());
  }

  /// All pages of a list.
  private static List<List<JsonNode>> pages(Caller caller, String collection, int limit) {
    var pages = new ArrayList<List<JsonNode>>();
    String after = "";
    do {
      Page page =
          page(
              caller.get(
                  "/"
                      + collection
                      + "?limit="
                      + limit
                      + (after.isEmpty() ? "" : "&after=" + after)),
              collection);
      pages.add(page.items());
      after = Streams.encoded(page.next());
    } while (!after.isEmpty());
    return pages;
  }

  private static void expectRecent(JsonNode item) {
    assertThat(Duration.between(Instant.parse(item.get("created_at").asString()), Instant.now()))
        .isBetween(Duration.ofSeconds(-1), Duration.ofSeconds(60));
  }

  // Lists

  @ParameterizedTest
  @ValueSource(strings = {"exchanges", "queues"})
  void list_hasPages_inTheOrderOfNames(String collection) {
    Exchanges own = someone();
    var names =
        IntStream.range(0, 7)
            .mapToObj(i -> Exchanges.unique(List.of("b", "a", "é/", "z z", "B", "😀", "%").get(i)))
            .toList();
    for (String name : names) {
      Exchanges.expectDone(
          collection.equals("queues")
              ? own.createQueue(name, "")
              : own.createExchange(name, "topic"));
    }

    var whole = pages(own.caller(), collection, 1000);
    assertThat(whole).hasSize(1);
    List<String> listed =
        whole.getFirst().stream().map(item -> item.get("name").asString()).toList();
    assertThat(listed).containsExactlyInAnyOrderElementsOf(names);
    for (int limit : List.of(1, 2, 3, 6, 7, 8)) {
      var pages = pages(own.caller(), collection, limit);
      assertThat(pages.stream().flatMap(List::stream).map(item -> item.get("name").asString()))
          .as("in pages of %d", limit)
          .containsExactlyElementsOf(listed);
      assertThat(pages).allSatisfy(page -> assertThat(page).hasSizeLessThanOrEqualTo(limit));
    }
    // Any name will do to go on after, also one that is not there any more.
    own.caller()
        .delete("/" + collection + "/" + Exchanges.segment(listed.get(2)))
        .expectNoContent();
    assertThat(
            page(
                    own.caller().get("/" + collection + "?after=" + Streams.encoded(listed.get(2))),
                    collection)
                .items())
        .extracting(item -> item.get("name").asString())
        .containsExactlyElementsOf(listed.subList(3, 7));
  }

  @Test
  void lists_areEmptyAtFirst() {
    Exchanges own = someone();
    for (String collection : List.of("exchanges", "queues", "bindings")) {
      own.caller()
          .get("/" + collection)
          .expect(200, "{\"%s\":[],\"next\":null}".formatted(collection));
    }
  }

  @Test
  void list_shows100WithoutALimit() {
    Exchanges own = someone();
    var calls =
        IntStream.range(0, 101)
            .mapToObj(_ ->
                own.caller()
                    .postLater(
                        "/exchanges",
                        "{\"name\":\"%s\",\"type\":\"direct\"}".formatted(Exchanges.unique("e"))))
            .toList();
    calls.forEach(call -> Exchanges.expectDone(Streams.result(call)));

    Page first = page(own.caller().get("/exchanges"), "exchanges");
    assertThat(first.items()).hasSize(100);
    assertThat(first.next()).isEqualTo(first.items().getLast().get("name").asString());
    Page second =
        page(own.caller().get("/exchanges?after=" + Streams.encoded(first.next())), "exchanges");
    assertThat(second.items()).hasSize(1);
    assertThat(second.next()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"exchanges", "queues", "bindings"})
  void list_invalidLimit_is400(String collection) {
    for (String limit : List.of("0", "-1", "1001", "x", "", "1.5", "99999999999999999999")) {
      Answer answer = client.get("/" + collection + "?limit=" + limit);
      assertThat(answer.status()).as("limit=%s", limit).isEqualTo(400);
      assertThat(Exchanges.expectInvalid(answer)).contains("limit");
    }
    for (String limit : List.of("1", "1000")) {
      client.get("/" + collection + "?limit=" + limit).expect(200);
    }
  }

  @Test
  void exchange_isShown() {
    String exchange = exchanges.exchange("FanOut");
    String queue = exchanges.boundQueue(exchange, "a", "");
    Exchanges.expectDone(exchanges.bind(exchange, queue, "b"));

    JsonNode shown = client.get(Exchanges.exchangePath(exchange)).expect(200).json();

    assertThat(shown.propertyNames())
        .containsExactlyInAnyOrder("name", "type", "owner", "created_at", "bindings");
    assertThat(shown.get("name").asString()).isEqualTo(exchange);
    assertThat(shown.get("type").asString()).isEqualTo("fanout");
    assertThat(shown.get("owner").asString()).isIn(client.id(), client.name());
    assertThat(shown.get("bindings").asInt()).isEqualTo(2);
    expectRecent(shown);
    JsonNode listed =
        pages(client, "exchanges", 1000).getFirst().stream()
            .filter(item -> item.get("name").asString().equals(exchange))
            .findFirst()
            .orElseThrow();
    assertThat(listed.propertyNames())
        .containsExactlyInAnyOrder("name", "type", "owner", "created_at");
    listed
        .properties()
        .forEach(member ->
            assertThat(member.getValue())
                .as(member.getKey())
                .isEqualTo(shown.get(member.getKey())));
  }

  @Test
  void queue_isShown() {
    Route route =
        exchanges.route(
            "fanout",
            "\"durable\":true,\"mode\":\"work\",\"max_length\":50,\"message_ttl\":60,"
                + "\"overflow\":\"reject\",\"max_delivery_attempts\":1");
    exchanges.putNumbers(route.exchange(), 0, 6);
    Pubsub pubsub = exchanges.pubsub();
    List<Delivered> leased = pubsub.consume(route.queue(), 3);
    pubsub.nack(route.queue(), leased.getFirst());
    exchanges.awaitCounts(route.queue(), 3, 2, 1);

    JsonNode shown = exchanges.shown(route.queue());

    List<String> listedNames =
        List.of(
            "name",
            "durable",
            "mode",
            "max_length",
            "message_ttl",
            "overflow",
            "owner",
            "created_at");
    var names = new ArrayList<>(listedNames);
    names.addAll(List.of("messages", "delivered", "dead_letters", "bindings"));
    assertThat(shown.propertyNames()).containsExactlyInAnyOrderElementsOf(names);
    assertThat(shown.get("owner").asString()).isIn(client.id(), client.name());
    assertThat(shown.get("bindings").asInt()).isEqualTo(1);
    expectRecent(shown);
    JsonNode listed =
        pages(client, "queues", 1000).getFirst().stream()
            .filter(item -> item.get("name").asString().equals(route.queue()))
            .findFirst()
            .orElseThrow();
    assertThat(listed.propertyNames()).containsExactlyInAnyOrderElementsOf(listedNames);
    listed
        .properties()
        .forEach(member ->
            assertThat(member.getValue())
                .as(member.getKey())
                .isEqualTo(shown.get(member.getKey())));
  }

  @Test
  void bindings_areListed_byExchangeQueueAndBoth_inPages() {
    Exchanges own = someone();
    String first = own.exchange("direct");
    String second = own.exchange("topic");
    String one = own.queue("");
    String two = own.queue("");
    var all = new ArrayList<String>();
    for (String exchange : List.of(first, second)) {
      for (String queue : List.of(one, two)) {
        for (String key : List.of("", "a.b", "é %/")) {
          Exchanges.expectDone(own.bind(exchange, queue, key));
          all.add(exchange + " " + queue + " " + key);
        }
      }
    }

    assertThat(texts(own.bindings(""))).containsExactlyInAnyOrderElementsOf(all);
    assertThat(texts(own.bindings(Exchanges.byExchange(first))))
        .containsExactlyInAnyOrderElementsOf(all.subList(0, 6));
    assertThat(texts(own.bindings(Exchanges.byQueue(two))))
        .containsExactlyInAnyOrderElementsOf(
            all.stream().filter(text -> text.contains(two)).toList());
    assertThat(texts(own.bindings(Exchanges.byExchange(second) + Exchanges.byQueue(one))))
        .containsExactlyInAnyOrderElementsOf(all.subList(6, 9));
    for (int limit : List.of(1, 5, 11, 12)) {
      var pages = pages(own.caller(), "bindings", limit);
      assertThat(texts(pages.stream().flatMap(List::stream).toList()))
          .as("in pages of %d", limit)
          .containsExactlyInAnyOrderElementsOf(all);
      assertThat(pages).allSatisfy(page -> assertThat(page).hasSizeLessThanOrEqualTo(limit));
    }
    for (String filter : List.of(Exchanges.byExchange(first), Exchanges.byQueue(one))) {
      Page half = page(own.caller().get("/bindings?limit=4" + filter), "bindings");
      assertThat(half.items()).hasSize(4);
      Page rest =
          page(
              own.caller()
                  .get("/bindings?limit=4" + filter + "&after=" + Streams.encoded(half.next())),
              "bindings");
      assertThat(rest.items()).hasSize(2);
      assertThat(rest.next()).isEmpty();
      assertThat(texts(rest.items())).doesNotContainAnyElementsOf(texts(half.items()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "%00", "AAAA", "{}", "\u00e9"})
  void bindings_afterWhatIsNoPlace_is400OrEmptyOrAList(String after) {
    Answer answer = client.get("/bindings?after=" + Streams.encoded(after));
    assertThat(answer.status()).isIn(200, 400);
    if (answer.status() == 400) {
      Exchanges.expectInvalid(answer);
    }
  }

  private static List<String> texts(List<JsonNode> bindings) {
    return bindings.stream()
        .map(binding -> {
          assertThat(binding.propertyNames())
              .containsExactlyInAnyOrder("exchange_name", "queue_name", "key");
          return binding.get("exchange_name").asString()
              + " "
              + binding.get("queue_name").asString()
              + " "
              + binding.get("key").asString();
        })
        .toList();
  }

  // What is missing

  @Test
  void missing_is404() {
    String missing = Exchanges.unique("missing");
    Route route = exchanges.route("direct", "");

    Exchanges.expectError(client.get(Exchanges.exchangePath(missing)), 404, "E002");
    Exchanges.expectError(client.delete(Exchanges.exchangePath(missing)), 404, "E002");
    Exchanges.expectError(client.get(Exchanges.queuePath(missing)), 404, "Q002");
    Exchanges.expectError(client.delete(Exchanges.queuePath(missing)), 404, "Q002");
    Exchanges.expectError(client.post(Exchanges.queuePath(missing) + "/purge", ""), 404, "Q002");
    Exchanges.expectError(exchanges.unbind(missing, route.queue(), ""), 404, "E002");
    Exchanges.expectError(exchanges.unbind(route.exchange(), missing, ""), 404, "Q002");
    Exchanges.expectError(exchanges.unbind(route.exchange(), route.queue(), "x"), 404, "B001");
    Exchanges.expectError(
        exchanges.unbind(exchanges.exchange("direct"), route.queue(), ""), 404, "B001");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "{}",
        "[]",
        "{\"exchange_name\":\"e\"}",
        "{\"queue_name\":\"q\"}",
        "{\"exchange_name\":5,\"queue_name\":\"q\"}",
        "{\"exchange_name\":\"e\",\"queue_name\":\"q\",\"key\":5}"
      })
  void unbind_invalid_is400(String body) {
    Exchanges.expectInvalid(client.send("DELETE", "/bindings", "application/json", body));
  }

  // Deleting

  @Test
  void unbind_endsThatBindingOnly() {
    Route route = exchanges.route("direct", "");
    Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), "k"));

    exchanges.unbind(route.exchange(), route.queue(), "").expectNoContent();

    Exchanges.expectError(exchanges.unbind(route.exchange(), route.queue(), ""), 404, "B001");
    exchanges.put(route.exchange(), "", "1");
    exchanges.put(route.exchange(), "k", "2");
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
    // Without a key it is the empty one.
    Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), ""));
    client
        .send(
            "DELETE",
            "/bindings",
            "application/json",
            "{\"Exchange_name\":\"%s\",\"queue_name\":\"%s\",\"x\":1}}"
                .formatted(route.exchange(), route.queue()))
        .expectNoContent();
    assertThat(exchanges.bindings(Exchanges.byExchange(route.exchange())))
        .extracting(binding -> binding.get("key").asString())
        .containsExactly("k");
  }

  @Test
  void delete_exchangeThatIsBound_takesItsBindings() {
    Route route = exchanges.route("direct", "");
    Route other = exchanges.route("direct", "");
    Exchanges.expectDone(exchanges.bind(other.exchange(), route.queue(), "o"));

    client.delete(Exchanges.exchangePath(route.exchange())).expectNoContent();

    Exchanges.expectError(client.get(Exchanges.exchangePath(route.exchange())), 404, "E002");
    Exchanges.expectError(client.delete(Exchanges.exchangePath(route.exchange())), 404, "E002");
    assertThat(pages(client, "exchanges", 1000).getFirst())
        .noneMatch(item -> item.get("name").asString().equals(route.exchange()));
    Pubsub.eventually(
        "its binding is gone", () -> exchanges.shown(route.queue()).get("bindings").asInt() == 1);
    assertThat(exchanges.bindings(Exchanges.byQueue(route.queue())))
        .extracting(binding -> binding.get("exchange_name").asString())
        .containsExactly(other.exchange());
    // The next of the name is another one.
    Exchanges.expectDone(exchanges.createExchange(route.exchange(), "fanout"));
    exchanges.put(route.exchange(), "", "1");
    exchanges.put(other.exchange(), "o", "2");
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
  }

  @Test
  void delete_queueThatIsBoundAndFull_takesAll() {
    for (String further : List.of("", Exchanges.DURABLE, Exchanges.DURABLE_WORK)) {
      Route route = exchanges.route("fanout", further);
      Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), "k"));
      exchanges.putNumbers(route.exchange(), 0, 5);
      exchanges.pubsub().consume(route.queue(), 2);

      client.delete(Exchanges.queuePath(route.queue())).expectNoContent();

      Exchanges.expectError(client.get(Exchanges.queuePath(route.queue())), 404, "Q002");
      Exchanges.expectError(client.delete(Exchanges.queuePath(route.queue())), 404, "Q002");
      client.get(Exchanges.subscriptionPath(route.queue(), "")).expect(404);
      exchanges.put(route.exchange(), 5);
      Pubsub.eventually(
          "its bindings are gone",
          () -> exchanges.bindings(Exchanges.byExchange(route.exchange())).isEmpty());
      Exchanges.expectDone(exchanges.createQueue(route.queue(), further));
      exchanges.put(route.exchange(), 6);
      JsonNode shown = exchanges.shown(route.queue());
      assertThat(shown.get("messages").asInt()).isZero();
      assertThat(shown.get("delivered").asInt()).isZero();
      assertThat(shown.get("bindings").asInt()).isZero();
      Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), ""));
      exchanges.put(route.exchange(), 7);
      exchanges.awaitCounts(route.queue(), 1, 0, 0);
    }
  }

  /// The same names are made and unmade while somebody publishes: every answer is one of the API's,
  /// and at the end all is well.
  @Test
  void deleteAndCreateAtOnce_withPublishes_staysConsistent() {
    Route route = exchanges.route("fanout", "");
    var calls =
        IntStream.range(0, 300)
            .mapToObj(i ->
                switch (i % 6) {
                  case 0 ->
                      client.postLater("/queues", "{\"name\":\"%s\"}".formatted(route.queue()));
                  case 1 ->
                      client.postLater(
                          "/bindings", Exchanges.binding(route.exchange(), route.queue(), ""));
                  case 2 ->
                      CompletableFuture.supplyAsync(
                          () -> client.delete(Exchanges.queuePath(route.queue())),
                          Thread::startVirtualThread);
                  default -> exchanges.publishLater(route.exchange(), "", "{\"n\":" + i + "}");
                })
            .toList();
    calls.forEach(call -> assertThat(Streams.result(call).status()).isIn(200, 204, 404, 409));

    exchanges.createQueue(route.queue(), "");
    Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), ""));
    client.post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200);
    exchanges.put(route.exchange(), 1);
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
    assertThat(exchanges.bindings(Exchanges.byExchange(route.exchange()))).hasSize(1);
  }

  // Purge

  @Test
  void purge_takesAllThatIsNotAcked_andLeavesDeadLetters() {
    for (String further : List.of("", Exchanges.DURABLE, Exchanges.WORK, Exchanges.DURABLE_WORK)) {
      Route route =
          exchanges.route(
              "fanout", (further.isEmpty() ? "" : further + ",") + "\"max_delivery_attempts\":1");
      exchanges.putNumbers(route.exchange(), 0, 10);
      Pubsub pubsub = exchanges.pubsub();
      List<Delivered> leased = pubsub.consume(route.queue(), 4);
      pubsub.ack(route.queue(), leased.get(0));
      pubsub.nack(route.queue(), leased.get(1));
      exchanges.awaitCounts(route.queue(), 6, 2, 1);

      client.post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200, "{\"purged\":8}");

      exchanges.awaitCounts(route.queue(), 0, 0, 1);
      pubsub.expectNothing(route.queue());
      client
          .post(Exchanges.queuePath(route.queue()) + "/purge", "{\"any\":\"body\"}")
          .expect(200, "{\"purged\":0}");
      exchanges.put(route.exchange(), 10);
      assertThat(pubsub.awaitOne(route.queue()).n()).isEqualTo(10);
      assertThat(pubsub.deadLetters(route.queue()))
          .extracting(Delivered::n)
          .containsExactly(leased.get(1).n());
    }
  }

  @Test
  void purge_leavesSubscribersWhatComesLater() {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.put(route.exchange(), 1);
      assertThat(socket.numbers(1)).containsExactly(1);
      client.post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200, "{\"purged\":1}");
      exchanges.put(route.exchange(), 2);
      assertThat(socket.numbers(1)).containsExactly(2);
    }
    try (QueueSocket late =
        QueueSocket.subscribed(client, route.queue(), "\"from\":\"earliest\"")) {
      assertThat(late.numbers(1)).containsExactly(2);
    }
  }
}
