// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.QueueSocket.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 1 of the contract, POST /publish, and section 3: routing.
@SystemTest
final class ExchangePublishTest {
  private final Caller client;
  private final Exchanges exchanges;

  ExchangePublishTest(@On(Setup.DEV) TidingsProcess server) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
  }

  private static String quoted(String text) {
    return Template.quoted(text);
  }

  /// Asserts that these queues hold one message more than they are said to, and no other does.
  private void expectRouted(
      String exchange, String key, List<String> queues, List<String> toQueues) {
    List<Integer> before =
        queues.stream().map(queue -> exchanges.count(queue, "messages")).toList();
    exchanges.put(exchange, key, "1");
    for (int i = 0; i < queues.size(); i++) {
      String queue = queues.get(i);
      exchanges.awaitCounts(queue, before.get(i) + (toQueues.contains(queue) ? 1 : 0), 0, 0);
    }
  }

  // The call

  @Test
  void publish_toAMissingExchange_is404() {
    String message =
        Exchanges.expectError(exchanges.publish(Exchanges.unique("missing"), "", "1"), 404, "E002");
    assertThat(message).contains("exist");
    // A queue is no exchange.
    Exchanges.expectError(exchanges.publish(exchanges.queue(""), "", "1"), 404, "E002");
  }

  @Test
  void publish_withoutARoute_is200() {
    for (String type : List.of("direct", "fanout", "topic")) {
      exchanges.put(exchanges.exchange(type), "key", "1");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"payload\":1}",
        "{\"exchange_name\":\"\",\"payload\":1}",
        "{\"exchange_name\":null,\"payload\":1}",
        "{\"exchange_name\":5,\"payload\":1}",
        "{\"exchange_name\":[\"E\"],\"payload\":1}",
        "{\"exchange_name\":\"E\"}",
        "{\"exchange_name\":\"E\",\"payload\":null}",
        "{\"exchange_name\":\"E\",\"payload\":null,\"key\":\"\"}",
        "{\"exchange_name\":\"E\",\"payload\":1,\"key\":5}",
        "{\"exchange_name\":\"E\",\"payload\":1,\"key\":{}}",
        "{\"exchange_name\":\"E\",\"payload\":1,\"key\":false}",
        "{\"exchange_name\":\"E\",\"payload\":tru}",
        "{\"exchange_name\":\"E\",\"payload\":01}",
        "{\"exchange_name\":\"E\",\"payload\":NaN}",
        "{\"exchange_name\":\"E\",\"payload\":{\"a\":}}",
        "{\"exchange_name\":\"E\",\"payload\":[1,2}",
        "{\"exchange_name\":\"E\",\"payload\":\"\n\"}",
        "{\"exchange_name\":\"E\",\"payload\":\"open",
        "{\"exchange_name\":\"missing\",\"payload\":null}"
      })
  void publish_invalid_is400AndNothingIsRouted(String template) {
    Route route = exchanges.route("fanout", "");

    Exchanges.expectInvalid(
        client.post("/publish", template.replace("\"E\"", quoted(route.exchange()))));

    assertThat(exchanges.count(route.queue(), "messages")).isZero();
  }

  /// What is published under either of the two spellings of nothing has the empty key.
  @ParameterizedTest
  @ValueSource(strings = {"", ",\"key\":null", ",\"key\":\"\""})
  void publish_withoutAKey_hasTheEmptyOne(String key) {
    Route route = exchanges.route("direct", "");
    String another = exchanges.boundQueue(route.exchange(), "key", "");

    Exchanges.expectDone(
        client.post(
            "/publish",
            "{\"exchange_name\":%s,\"payload\":1%s}".formatted(quoted(route.exchange()), key)));

    exchanges.awaitCounts(route.queue(), 1, 0, 0);
    assertThat(exchanges.count(another, "messages")).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "12345678901234567890123",
        "9007199254740993",
        "-0",
        "1.50",
        "1e2",
        "1E+400",
        "0.1000000000000000055511151231257827",
        "{ \"b\" : 1,\n  \"a\" : [ 1 , 2 ] }",
        "{\"a\":1,\"a\":2}",
        "\"\\u00e9\\/\\n\\ud83d\\ude00\"",
        "\"é 😀 </script>\"",
        "[[[[[[]]]]]]",
        "{\"payload\":null,\"TTL\":9,\"unique_id\":\"x\"}",
        "[null]",
        "true"
      })
  void payload_isKeptByteForByte(String payload) {
    Route live = exchanges.route("fanout", "");
    String work = exchanges.boundQueue(live.exchange(), "", Exchanges.DURABLE_WORK);
    try (QueueSocket socket = QueueSocket.subscribed(client, live.queue(), "")) {
      exchanges.put(live.exchange(), "", payload);

      assertThat(socket.next().body()).isEqualTo(payload);
    }
    try (QueueSocket socket = QueueSocket.subscribed(client, work, "")) {
      assertThat(socket.next().body()).isEqualTo(payload);
    }
  }

  @Test
  void payload_ofAMegabyte_isDelivered() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE);
    String payload = quoted("x".repeat(1_000_000));
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.put(route.exchange(), "", payload);

      assertThat(socket.next().body()).isEqualTo(payload);
    }
  }

  /// Whatever is nested how deep, the answer is one of the API's.
  @Test
  void payload_nestedDeeply_isKeptOrRefused() {
    Route route = exchanges.route("fanout", "");
    for (int depth : List.of(100, 5_000, 100_000)) {
      String payload = "[".repeat(depth) + "]".repeat(depth);
      Answer answer = exchanges.publish(route.exchange(), "", payload);
      if (answer.status() != 200 || depth == 100) {
        assertThat(answer.status()).as("depth %d", depth).isEqualTo(depth == 100 ? 200 : 400);
      }
    }
    exchanges.put(route.exchange(), "", "1");
  }

  // Direct

  @ParameterizedTest
  @CsvSource({
    "red, red, true",
    "red, Red, false",
    "red, blue, false",
    "red, 'red ', false",
    "red, '', false",
    "'', '', true",
    "'', ' ', false",
    "a.*, a.b, false",
    "a.*, a.*, true",
    "'#', x, false",
    "é, é, true",
    "😀/\"%\", 😀/\"%\", true",
  })
  void direct_matchesTheWholeKey(String bound, String key, boolean routed) {
    String exchange = exchanges.exchange("direct");
    String queue = exchanges.boundQueue(exchange, bound, "");

    expectRouted(exchange, key, List.of(queue), routed ? List.of(queue) : List.of());
  }

  @Test
  void direct_givesAllQueuesOfTheKey() {
    String exchange = exchanges.exchange("direct");
    String first = exchanges.boundQueue(exchange, "k", "");
    String second = exchanges.boundQueue(exchange, "k", Exchanges.DURABLE);
    String third = exchanges.boundQueue(exchange, "k", Exchanges.WORK);
    String other = exchanges.boundQueue(exchange, "l", Exchanges.DURABLE_WORK);

    expectRouted(
        exchange, "k", List.of(first, second, third, other), List.of(first, second, third));
  }

  // Fanout

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "b", "whatever"})
  void fanout_givesEveryQueueOneCopyWhateverTheKey(String key) {
    String exchange = exchanges.exchange("fanout");
    String first = exchanges.boundQueue(exchange, "a", "");
    String second = exchanges.boundQueue(exchange, "a", "");
    Exchanges.expectDone(exchanges.bind(exchange, first, "b"));
    Exchanges.expectDone(exchanges.bind(exchange, first, ""));

    assertThat(exchanges.bindings(Exchanges.byExchange(exchange))).hasSize(4);
    expectRouted(exchange, key, List.of(first, second), List.of(first, second));
    // As long as one binding is left.
    exchanges.unbind(exchange, first, "a").expectNoContent();
    exchanges.unbind(exchange, first, "").expectNoContent();
    expectRouted(exchange, key, List.of(first, second), List.of(first, second));
    exchanges.unbind(exchange, first, "b").expectNoContent();
    expectRouted(exchange, key, List.of(first, second), List.of(second));
  }

  // Topic

  @ParameterizedTest
  @CsvSource({
    "a.b.c, a.b.c, true",
    "a.b.c, a.b, false",
    "a.b.c, a.b.c.d, false",
    "a.b, A.b, false",
    "*, a, true",
    "*, a.b, false",
    "*.b, a.b, true",
    "*.b, b, false",
    "*.b, a.a.b, false",
    "a.*, a.b, true",
    "a.*, a, false",
    "a.*, a.b.c, false",
    "a.*.c, a.b.c, true",
    "a.*.c, a.c, false",
    "*.*, a.b, true",
    "*.*, a, false",
    "'#', a, true",
    "'#', a.b.c, true",
    "'#', '', true",
    "a.#, a, true",
    "a.#, a.b, true",
    "a.#, a.b.c.d, true",
    "a.#, ab, false",
    "a.#, b.a, false",
    "'#.c', c, true",
    "'#.c', a.b.c, true",
    "'#.c', a.c.b, false",
    "a.#.c, a.c, true",
    "a.#.c, a.b.c, true",
    "a.#.c, a.b.b.b.c, true",
    "a.#.c, a.b, false",
    "a.#.c, a.c.c, true",
    "'#.a.#', a, true",
    "'#.a.#', x.a.y, true",
    "'#.a.#', x.y, false",
    "'#.#', a.b, true",
    "*.#, a, true",
    "*.#, a.b.c, true",
    "'#.*', a, true",
    "a.*.#, a, false",
    "a.*.#, a.b, true",
    "a.*.#, a.b.c, true",
    "a*, ab, false",
    "a*, a*, true",
    "a#.b, a#.b, true",
    "a#.b, ax.b, false",
    "stock.usd.*, stock.usd.nyse, true",
    "stock.#, stock.usd.nyse, true",
    "😀.*, 😀.b, true",
  })
  void topic_matchesWords(String pattern, String key, boolean routed) {
    String exchange = exchanges.exchange("topic");
    String queue = exchanges.boundQueue(exchange, pattern, "");

    expectRouted(exchange, key, List.of(queue), routed ? List.of(queue) : List.of());
  }

  @Test
  void topic_givesOneCopyHoweverManyBindingsMatch() {
    String exchange = exchanges.exchange("topic");
    String all = exchanges.boundQueue(exchange, "#", "");
    String some = exchanges.boundQueue(exchange, "a.*", "");
    for (String pattern : List.of("a.b", "a.*", "*.b", "a.#", "#.b", "*.*", "#.#")) {
      Exchanges.expectDone(exchanges.bind(exchange, all, pattern));
    }

    expectRouted(exchange, "a.b", List.of(all, some), List.of(all, some));
    expectRouted(exchange, "b.a", List.of(all, some), List.of(all));
    expectRouted(exchange, "", List.of(all, some), List.of(all));
  }

  /// Many `#` in one pattern must not make a publish slow.
  @Test
  void topic_withManyHashes_isStillQuick() {
    String exchange = exchanges.exchange("topic");
    String queue = exchanges.boundQueue(exchange, "#.a".repeat(60) + ".#.z", "");
    String key = "a.".repeat(120) + "b";
    long start = System.nanoTime();

    expectRouted(exchange, key, List.of(queue), List.of());

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
  }

  // What is the same for all

  @Test
  void copies_haveTheirQueuesOwnIds_theSameForAllSubscribersOfOne() {
    String exchange = exchanges.exchange("fanout");
    String first = exchanges.boundQueue(exchange, "", "");
    String second = exchanges.boundQueue(exchange, "", Exchanges.DURABLE);
    try (QueueSocket one = QueueSocket.subscribed(client, first, "");
        QueueSocket two = QueueSocket.subscribed(client, first, "");
        QueueSocket three = QueueSocket.subscribed(client, second, "");
        QueueSocket four = QueueSocket.subscribed(client, second, "")) {
      exchanges.putNumbers(exchange, 0, 20);

      List<Message> ofFirst = one.next(20);
      List<Message> ofSecond = three.next(20);
      assertThat(two.next(20)).isEqualTo(ofFirst);
      assertThat(four.next(20)).isEqualTo(ofSecond);
      Set<String> ids = new HashSet<>();
      ofFirst.forEach(message -> ids.add(message.id()));
      ofSecond.forEach(message -> ids.add(message.id()));
      assertThat(ids).hasSize(40);
    }
  }

  @Test
  void order_isThatOfPublishing_perQueueAndConnection() {
    String exchange = exchanges.exchange("fanout");
    var queues = new ArrayList<String>();
    for (String further : List.of("", Exchanges.DURABLE, Exchanges.DURABLE_WORK, Exchanges.WORK)) {
      queues.add(exchanges.boundQueue(exchange, "", further));
    }
    var sockets = new ArrayList<QueueSocket>();
    try {
      queues.forEach(queue -> sockets.add(QueueSocket.subscribed(client, queue, "")));
      exchanges.putNumbers(exchange, 0, 200);

      for (QueueSocket socket : sockets) {
        assertThat(socket.numbers(200)).isEqualTo(IntStream.range(0, 200).boxed().toList());
      }
    } finally {
      sockets.forEach(QueueSocket::close);
    }
  }

  @Test
  void publishesAtOnce_areAllDeliveredOnce() {
    String exchange = exchanges.exchange("fanout");
    String live = exchanges.boundQueue(exchange, "", "");
    String stored = exchanges.boundQueue(exchange, "", Exchanges.DURABLE_WORK);
    try (QueueSocket socket = QueueSocket.subscribed(client, live, "")) {
      var calls =
          IntStream.range(0, 500)
              .mapToObj(n -> exchanges.publishLater(exchange, "", "{\"n\":" + n + "}"))
              .toList();
      calls.forEach(call -> Exchanges.expectDone(Streams.result(call)));

      var all = IntStream.range(0, 500).boxed().toList();
      assertThat(socket.numbers(500)).containsExactlyInAnyOrderElementsOf(all);
      try (QueueSocket worker = QueueSocket.subscribed(client, stored, "")) {
        assertThat(worker.numbers(500)).containsExactlyInAnyOrderElementsOf(all);
      }
    }
  }

  /// Every answered publish is there for who looks afterwards.
  @Test
  void answered_isThere() {
    for (String further : List.of("", Exchanges.DURABLE, Exchanges.WORK, Exchanges.DURABLE_WORK)) {
      Route route = exchanges.route("direct", further);
      for (int n = 0; n < 10; n++) {
        exchanges.put(route.exchange(), n);
        assertThat(exchanges.pubsub().consume(route.queue(), 10))
            .as("right after the publish to a queue with %s", further)
            .extracting(Pubsub.Delivered::n)
            .containsExactly(n);
      }
    }
  }

  @Test
  void queueOfSeveralExchanges_getsFromAll() {
    Route route = exchanges.route("direct", "");
    String fanout = exchanges.exchange("fanout");
    String topic = exchanges.exchange("topic");
    Exchanges.expectDone(exchanges.bind(fanout, route.queue(), "x"));
    Exchanges.expectDone(exchanges.bind(topic, route.queue(), "a.#"));
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.put(route.exchange(), 1);
      exchanges.put(fanout, 2);
      exchanges.put(topic, "a.b", "{\"n\":3}");
      exchanges.put(topic, "b", "{\"n\":4}");
      exchanges.put(fanout, 5);

      assertThat(socket.numbers(4)).containsExactly(1, 2, 3, 5);
    }
  }

  // Much

  private void together(int count, IntFunction<CompletableFuture<Answer>> call) {
    var permits = new Semaphore(64);
    var answers = new ArrayList<CompletableFuture<Answer>>(count);
    for (int i = 0; i < count; i++) {
      permits.acquireUninterruptibly();
      answers.add(call.apply(i).whenComplete((_, _) -> permits.release()));
    }
    answers.forEach(answer -> Exchanges.expectDone(Streams.result(answer)));
  }

  @Test
  void tenThousandBindings_onOneExchange() {
    int count = 10_000;
    int queueCount = 100;
    String exchange = exchanges.exchange("direct");
    var queues = IntStream.range(0, queueCount).mapToObj(_ -> exchanges.queue("")).toList();
    together(
        count,
        i ->
            client.postLater(
                "/bindings", Exchanges.binding(exchange, queues.get(i % queueCount), "key-" + i)));

    JsonNode shown = client.get(Exchanges.exchangePath(exchange)).expect(200).json();
    assertThat(shown.get("bindings").asInt()).isEqualTo(count);
    assertThat(allKeys(Exchanges.byExchange(exchange))).hasSize(count);
    assertThat(exchanges.bindings(Exchanges.byQueue(queues.get(7)))).hasSize(count / queueCount);

    long start = System.nanoTime();
    for (int i = 0; i < 100; i++) {
      exchanges.put(exchange, "key-" + i * 97, "{\"n\":" + i + "}");
    }
    exchanges.put(exchange, "key-" + count, "{\"n\":-1}");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    int[] wanted = new int[queueCount];
    IntStream.range(0, 100).forEach(i -> wanted[i * 97 % queueCount]++);
    for (int i = 0; i < queueCount; i++) {
      assertThat(exchanges.count(queues.get(i), "messages")).as("queue %d", i).isEqualTo(wanted[i]);
    }

    // One that is deleted takes its bindings with it, and all of the exchange go at once.
    client.delete(Exchanges.queuePath(queues.get(7))).expectNoContent();
    exchanges.put(exchange, "key-7", "{\"n\":1}");
    client.delete(Exchanges.exchangePath(exchange)).expectNoContent();
    Exchanges.expectError(exchanges.publish(exchange, "key-8", "1"), 404, "E002");
    Exchanges.expectDone(exchanges.createExchange(exchange, "direct"));
    int before = exchanges.count(queues.get(8), "messages");
    exchanges.put(exchange, "key-8", "{\"n\":1}");
    exchanges.awaitCounts(queues.get(8), before, 0, 0);
    assertThat(exchanges.bindings(Exchanges.byExchange(exchange))).isEmpty();
    Pubsub.eventually(
        "bindings of the former exchange are gone",
        () -> exchanges.shown(queues.get(8)).get("bindings").asInt() == 0);
    together(
        100,
        i -> client.postLater("/bindings", Exchanges.binding(exchange, queues.get(8), "k" + i)));
    assertThat(exchanges.bindings(Exchanges.byExchange(exchange))).hasSize(100);
  }

  /// All keys of the bindings that a query asks for, page by page.
  private Set<String> allKeys(String query) {
    Set<String> keys = new HashSet<>();
    String after = "";
    do {
      JsonNode page = client.get("/bindings?limit=1000" + query + after).expect(200).json();
      page.get("bindings")
          .forEach(binding -> assertThat(keys.add(binding.get("key").asString())).isTrue());
      JsonNode next = page.get("next");
      after = next.isNull() ? "" : "&after=" + Streams.encoded(next.asString());
    } while (!after.isEmpty());
    return keys;
  }

  /// The same declared by everybody at once: one wins, the others are told, nothing is doubled.
  @Test
  void declaredByManyAtOnce_isThereOnce() {
    String name = Exchanges.unique("raced");
    for (String path : List.of("/exchanges", "/queues")) {
      var statuses =
          IntStream.range(0, 20)
              .mapToObj(_ ->
                  client.postLater(
                      path, "{\"name\":%s,\"type\":\"direct\"}".formatted(quoted(name))))
              .toList()
              .stream()
              .map(call -> Streams.result(call).status())
              .toList();
      assertThat(statuses).containsOnly(200, 409);
      assertThat(statuses.stream().filter(status -> status == 200)).hasSize(1);
    }
    together(50, _ -> client.postLater("/bindings", Exchanges.binding(name, name, "k")));
    assertThat(exchanges.bindings(Exchanges.byExchange(name))).hasSize(1);
    assertThat(exchanges.shown(name).get("bindings").asInt()).isEqualTo(1);
    exchanges.put(name, "k", "1");
    exchanges.awaitCounts(name, 1, 0, 0);
  }
}
