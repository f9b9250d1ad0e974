// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 1 of the contract: creating exchanges, queues and bindings.
@SystemTest
final class ExchangeDefineTest {
  private final Caller client;
  private final Exchanges exchanges;
  private final Caller tight;

  ExchangeDefineTest(@On(Setup.DEV) TidingsProcess server, @On(Setup.TIGHT) TidingsProcess tight) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
    this.tight = Caller.nobody(tight);
  }

  private static String quoted(String text) {
    return Template.quoted(text);
  }

  private String type(String exchange) {
    return client.get(Exchanges.exchangePath(exchange)).expect(200).text("type");
  }

  private void expectNoExchange(String name) {
    Exchanges.expectError(client.get(Exchanges.exchangePath(name)), 404, "E002");
  }

  private void expectNoQueue(String name) {
    Exchanges.expectError(client.get(Exchanges.queuePath(name)), 404, "Q002");
  }

  // What no call accepts

  @ParameterizedTest
  @CsvSource({
    "/exchanges",
    "/queues",
    "/bindings",
    "/publish",
  })
  void body_notAnObject_is400(String path) {
    for (String body :
        List.of(
            "",
            " ",
            "{",
            "{]",
            "nonsense",
            "[]",
            "\"x\"",
            "5",
            "null",
            "true",
            "{}",
            "{\"name\"}",
            "{\"name\":}",
            "{'name':'x'}",
            "{\"name\":\"x\",}")) {
      Answer answer = client.post(path, body);
      assertThat(answer.status()).as("status for %s", body).isEqualTo(400);
      Exchanges.expectInvalid(answer);
    }
  }

  @Test
  void body_tooLarge_is413() {
    String padding = " ".repeat(64 * 1024);
    for (String path : List.of("/exchanges", "/queues", "/bindings", "/publish")) {
      Exchanges.expectError(tight.post(path, "{" + padding + "}"), 413, "TOO_LARGE");
    }
  }

  @Test
  void body_asLargeAsMayBe_isAccepted() {
    var small = new Exchanges(tight);
    String exchange = small.exchange("fanout");
    String queue = small.boundQueue(exchange, "", "");
    String around = Exchanges.message(exchange, "", "\"\"");
    String payload = quoted("x".repeat(64 * 1024 - around.length()));
    try (QueueSocket socket = QueueSocket.subscribed(tight, queue, "")) {
      small.put(exchange, "", payload);
      assertThat(socket.next().body()).isEqualTo(payload);
      Exchanges.expectError(
          small.publish(exchange, "", quoted("x".repeat(payload.length() - 1))), 413, "TOO_LARGE");
    }
  }

  // Exchanges

  @ParameterizedTest
  @CsvSource({
    "direct, direct",
    "fanout, fanout",
    "topic, topic",
    "Direct, direct",
    "FanOut, fanout",
    "TOPIC, topic",
  })
  void exchange_ofEveryType_inAnyCase(String type, String shown) {
    String name = Exchanges.unique("exchange");
    Exchanges.expectDone(exchanges.createExchange(name, type));

    assertThat(type(name)).isEqualTo(shown);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fanout", "direct", "topic"})
  void exchange_again_is409AndStaysWhatItIs(String type) {
    String name = exchanges.exchange("fanout");

    String message = Exchanges.expectError(exchanges.createExchange(name, type), 409, "E001");

    assertThat(message).contains("lready exists");
    assertThat(type(name)).isEqualTo("fanout");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"direct\"}",
        "{\"name\":null,\"type\":\"direct\"}",
        "{\"name\":\"\",\"type\":\"direct\"}",
        "{\"name\":5,\"type\":\"direct\"}",
        "{\"name\":true,\"type\":\"direct\"}",
        "{\"name\":[\"NAME\"],\"type\":\"direct\"}",
        "{\"name\":{},\"type\":\"direct\"}",
        "{\"name\":\"NAME\\ud800\",\"type\":\"direct\"}",
        "{\"name\":\"\\udc00NAME\",\"type\":\"direct\"}",
        "{\"nam\":\"NAME\",\"type\":\"direct\"}"
      })
  void exchange_withoutAGoodName_is400(String template) {
    String name = Exchanges.unique("exchange");

    String message =
        Exchanges.expectInvalid(client.post("/exchanges", template.replace("NAME", name)));

    assertThat(message).contains(template.contains("\\u") ? "surrogate" : "name");
    expectNoExchange(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"name\":\"NAME\"}",
        "{\"name\":\"NAME\",\"type\":null}",
        "{\"name\":\"NAME\",\"type\":\"\"}",
        "{\"name\":\"NAME\",\"type\":\"headers\"}",
        "{\"name\":\"NAME\",\"type\":\"fan-out\"}",
        "{\"name\":\"NAME\",\"type\":\"directs\"}",
        "{\"name\":\"NAME\",\"type\":5}",
        "{\"name\":\"NAME\",\"type\":true}",
        "{\"name\":\"NAME\",\"type\":[\"direct\"]}"
      })
  void exchange_withoutAKnownType_is400(String template) {
    String name = Exchanges.unique("exchange");

    String message =
        Exchanges.expectInvalid(client.post("/exchanges", template.replace("NAME", name)));

    assertThat(message).contains("type", "direct", "fanout", "topic");
    expectNoExchange(name);
  }

  @Test
  void names_of255Characters_areAcceptedAndOf256Not() {
    for (String character : List.of("a", "é", "😀")) {
      String longest = character.repeat(240) + Exchanges.unique("");
      longest += character.repeat(255 - longest.codePointCount(0, longest.length()));
      String over = longest + character;

      Exchanges.expectDone(exchanges.createExchange(longest, "direct"));
      Exchanges.expectDone(exchanges.createQueue(longest, ""));
      Exchanges.expectDone(exchanges.bind(longest, longest, longest));
      assertThat(client.get(Exchanges.exchangePath(longest)).expect(200).text("name"))
          .isEqualTo(longest);
      assertThat(exchanges.shown(longest).get("name").asString()).isEqualTo(longest);
      exchanges.put(longest, longest, "1");
      exchanges.awaitCounts(longest, 1, 0, 0);

      assertThat(Exchanges.expectInvalid(exchanges.createExchange(over, "direct"))).contains("255");
      assertThat(Exchanges.expectInvalid(exchanges.createQueue(over, ""))).contains("255");
      assertThat(Exchanges.expectInvalid(exchanges.bind(longest, longest, over))).contains("255");
      // No exchange or queue can have such a name.
      assertThat(exchanges.bind(over, longest, "").status()).isIn(400, 404);
      assertThat(exchanges.bind(longest, over, "").status()).isIn(400, 404);
      assertThat(exchanges.publish(over, "", "1").status()).isIn(400, 404);
      assertThat(client.get(Exchanges.exchangePath(over)).status()).isIn(400, 404);
      assertThat(client.get(Exchanges.queuePath(over)).status()).isIn(400, 404);
    }
  }

  // What Go's decoder lets through

  @Test
  void fieldNames_matchInAnyCase() {
    String name = Exchanges.unique("case");
    Exchanges.expectDone(
        client.post("/exchanges", "{\"NAME\":%s,\"Type\":\"direct\"}".formatted(quoted(name))));
    Exchanges.expectDone(
        client.post(
            "/queues", "{\"Name\":%s,\"DURABLE\":true,\"Mode\":\"work\"}".formatted(quoted(name))));
    Exchanges.expectDone(
        client.post(
            "/bindings",
            "{\"Exchange_Name\":%1$s,\"QUEUE_NAME\":%1$s,\"Key\":\"k\"}".formatted(quoted(name))));
    Exchanges.expectDone(
        client.post(
            "/publish",
            "{\"EXCHANGE_NAME\":%s,\"Payload\":7,\"KEY\":\"k\"}".formatted(quoted(name))));

    JsonNode queue = exchanges.shown(name);
    assertThat(queue.get("durable").asBoolean()).isTrue();
    assertThat(queue.get("mode").asString()).isEqualTo("work");
    exchanges.awaitCounts(name, 1, 0, 0);
  }

  @Test
  void unknownFields_areIgnored() {
    String name = Exchanges.unique("unknown");
    String unknown = "\"x\":{\"name\":5,\"a\":[1,{\"type\":null}]},\"names\":null,";
    Exchanges.expectDone(
        client.post(
            "/exchanges", "{%s\"name\":%s,\"type\":\"direct\"}".formatted(unknown, quoted(name))));
    Exchanges.expectDone(
        client.post("/queues", "{%s\"name\":%s}".formatted(unknown, quoted(name))));
    Exchanges.expectDone(
        client.post("/bindings", "{" + unknown + Exchanges.binding(name, name, "").substring(1)));
    Exchanges.expectDone(
        client.post("/publish", "{" + unknown + Exchanges.message(name, "", "7").substring(1)));

    exchanges.awaitCounts(name, 1, 0, 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {" ", "\n\n", "{\"name\":5}", " trailing", "]", "}", "{", "\u0000", "null"})
  void dataAfterTheFirstValue_isIgnored(String after) {
    String name = Exchanges.unique("after");
    Exchanges.expectDone(
        client.post(
            "/exchanges", "{\"name\":%s,\"type\":\"direct\"}".formatted(quoted(name)) + after));
    Exchanges.expectDone(client.post("/queues", "{\"name\":%s}".formatted(quoted(name)) + after));
    Exchanges.expectDone(client.post("/bindings", Exchanges.binding(name, name, "") + after));
    Exchanges.expectDone(client.post("/publish", Exchanges.message(name, "", "7") + after));

    exchanges.awaitCounts(name, 1, 0, 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "nonsense",
        "application/json; charset=utf-16"
      })
  void contentType_isIgnored(String contentType) {
    String name = Exchanges.unique("content");
    Exchanges.expectDone(
        client.send(
            "POST",
            "/exchanges",
            contentType,
            "{\"name\":%s,\"type\":\"direct\"}".formatted(quoted(name))));
    Exchanges.expectDone(
        client.send("POST", "/queues", contentType, "{\"name\":%s}".formatted(quoted(name))));
    Exchanges.expectDone(
        client.send("POST", "/bindings", contentType, Exchanges.binding(name, name, "")));
    Exchanges.expectDone(
        client.send("POST", "/publish", contentType, Exchanges.message(name, "", "7")));
    exchanges.awaitCounts(name, 1, 0, 0);
    client
        .send("DELETE", "/bindings", contentType, Exchanges.binding(name, name, ""))
        .expectNoContent();
  }

  // Queues

  @Test
  void queue_hasTheOriginalsDefaults() {
    String name = exchanges.queue("");

    JsonNode queue = exchanges.shown(name);

    assertThat(queue.get("durable").asBoolean()).isFalse();
    assertThat(queue.get("mode").asString()).isEqualTo("broadcast");
    assertThat(queue.get("overflow").asString()).isEqualTo("drop-oldest");
    assertThat(queue.get("max_length").isNull()).isTrue();
    assertThat(queue.get("message_ttl").isNull()).isTrue();
    JsonNode subscription = client.get(Exchanges.subscriptionPath(name, "")).expect(200).json();
    assertThat(subscription.get("max_delivery_attempts").asInt()).isEqualTo(5);
    assertThat(subscription.get("backoff_min_seconds").asInt()).isEqualTo(5);
    assertThat(subscription.get("backoff_max_seconds").asInt()).isEqualTo(300);
  }

  @Test
  void queue_nullIsAsAbsent() {
    String name =
        exchanges.queue(
            "\"durable\":null,\"mode\":null,\"max_length\":null,\"message_ttl\":null,"
                + "\"overflow\":null,\"max_delivery_attempts\":null,\"backoff_min_seconds\":null,"
                + "\"backoff_max_seconds\":null,\"ack_deadline_seconds\":null");
    String other = exchanges.queue("");

    JsonNode queue = exchanges.shown(name);
    for (String member :
        List.of("durable", "mode", "max_length", "message_ttl", "overflow", "messages")) {
      assertThat(queue.get(member)).as(member).isEqualTo(exchanges.shown(other).get(member));
    }
  }

  @Test
  void queue_keepsWhatItWasCreatedWith() {
    String name =
        exchanges.queue(
            "\"durable\":true,\"mode\":\"work\",\"max_length\":7,\"message_ttl\":60,"
                + "\"overflow\":\"reject\",\"max_delivery_attempts\":3,\"backoff_min_seconds\":2,"
                + "\"backoff_max_seconds\":9,\"ack_deadline_seconds\":11");

    JsonNode queue = exchanges.shown(name);

    assertThat(queue.get("durable").asBoolean()).isTrue();
    assertThat(queue.get("mode").asString()).isEqualTo("work");
    assertThat(queue.get("max_length").asInt()).isEqualTo(7);
    assertThat(queue.get("message_ttl").asInt()).isEqualTo(60);
    assertThat(queue.get("overflow").asString()).isEqualTo("reject");
    JsonNode subscription = client.get(Exchanges.subscriptionPath(name, "")).expect(200).json();
    assertThat(subscription.get("max_delivery_attempts").asInt()).isEqualTo(3);
    assertThat(subscription.get("backoff_min_seconds").asInt()).isEqualTo(2);
    assertThat(subscription.get("backoff_max_seconds").asInt()).isEqualTo(9);
    assertThat(subscription.get("ack_deadline_seconds").asInt()).isEqualTo(11);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\"durable\":true", "\"mode\":\"work\""})
  void queue_again_is409AndStaysWhatItIs(String further) {
    String name = exchanges.queue("\"max_length\":3");

    String message = Exchanges.expectError(exchanges.createQueue(name, further), 409, "Q001");

    assertThat(message).contains("lready exists");
    JsonNode queue = exchanges.shown(name);
    assertThat(queue.get("max_length").asInt()).isEqualTo(3);
    assertThat(queue.get("durable").asBoolean()).isFalse();
    assertThat(queue.get("mode").asString()).isEqualTo("broadcast");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"name\":null}",
        "{\"name\":\"\"}",
        "{\"name\":5}",
        "{\"name\":[\"NAME\"]}",
        "{\"name\":\"NAME\\ud800\"}",
        "{\"durable\":true}"
      })
  void queue_withoutAGoodName_is400(String template) {
    String name = Exchanges.unique("queue");
    assertThat(Exchanges.expectInvalid(client.post("/queues", template.replace("NAME", name))))
        .contains(template.contains("\\u") ? "surrogate" : "name");
    expectNoQueue(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"durable\":\"true\"",
        "\"durable\":1",
        "\"durable\":{}",
        "\"mode\":\"\"",
        "\"mode\":\"competing\"",
        "\"mode\":5",
        "\"max_length\":0",
        "\"max_length\":-1",
        "\"max_length\":1.5",
        "\"max_length\":\"many\"",
        "\"max_length\":true",
        "\"max_length\":[1]",
        "\"max_length\":1e400",
        "\"max_length\":-99999999999999999999",
        "\"message_ttl\":0",
        "\"message_ttl\":-1",
        "\"message_ttl\":0.5",
        "\"message_ttl\":\"long\"",
        "\"message_ttl\":false",
        "\"overflow\":\"\"",
        "\"overflow\":\"drop-newest\"",
        "\"overflow\":1",
        "\"max_delivery_attempts\":0",
        "\"max_delivery_attempts\":-1",
        "\"max_delivery_attempts\":{}",
        "\"backoff_min_seconds\":0",
        "\"backoff_max_seconds\":0",
        "\"backoff_min_seconds\":\"soon\"",
        "\"ack_deadline_seconds\":0",
        "\"ack_deadline_seconds\":86401",
        "\"ack_deadline_seconds\":[]"
      })
  void queue_invalidOption_is400AndNamesIt(String option) {
    String name = Exchanges.unique("queue");

    String message = Exchanges.expectInvalid(exchanges.createQueue(name, option));

    assertThat(message).contains(option.substring(1, option.indexOf('"', 1)));
    expectNoQueue(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"max_length\":1",
        "\"max_length\":2147483647",
        "\"message_ttl\":1",
        "\"message_ttl\":31536000",
        "\"max_delivery_attempts\":1",
        "\"ack_deadline_seconds\":1",
        "\"ack_deadline_seconds\":86400",
        "\"backoff_min_seconds\":1,\"backoff_max_seconds\":1"
      })
  void queue_optionAtItsBound_isAccepted(String option) {
    exchanges.queue(option);
  }

  // Bindings

  @Test
  void binding_again_is200AndOneBinding() {
    Exchanges.Route route = exchanges.route("direct", "");
    for (int i = 0; i < 3; i++) {
      Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), ""));
    }
    // Without a key, or null, it is the empty one.
    for (String key : List.of("", ",\"key\":null", ",\"key\":\"\"")) {
      Exchanges.expectDone(
          client.post(
              "/bindings",
              "{\"exchange_name\":%s,\"queue_name\":%s%s}"
                  .formatted(quoted(route.exchange()), quoted(route.queue()), key)));
    }

    assertThat(exchanges.bindings(Exchanges.byExchange(route.exchange()))).hasSize(1);
    assertThat(exchanges.shown(route.queue()).get("bindings").asInt()).isEqualTo(1);
    Exchanges.expectDone(exchanges.bind(route.exchange(), route.queue(), "another"));
    assertThat(exchanges.bindings(Exchanges.byExchange(route.exchange()))).hasSize(2);
  }

  @Test
  void binding_toWhatIsMissing_is404_theExchangeFirst() {
    String exchange = exchanges.exchange("direct");
    String queue = exchanges.queue("");
    String missing = Exchanges.unique("missing");

    Exchanges.expectError(exchanges.bind(missing, queue, ""), 404, "E002");
    Exchanges.expectError(exchanges.bind(exchange, missing, ""), 404, "Q002");
    Exchanges.expectError(exchanges.bind(missing, missing, ""), 404, "E002");
    // Their names are not mixed up.
    Exchanges.expectError(exchanges.bind(queue, exchange, ""), 404, "E002");
    Exchanges.expectError(exchanges.bind(exchange, exchange, ""), 404, "Q002");
    assertThat(exchanges.bindings(Exchanges.byExchange(exchange))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"queue_name\":\"Q\"}",
        "{\"exchange_name\":\"E\"}",
        "{\"exchange_name\":\"\",\"queue_name\":\"Q\"}",
        "{\"exchange_name\":\"E\",\"queue_name\":\"\"}",
        "{\"exchange_name\":null,\"queue_name\":\"Q\"}",
        "{\"exchange_name\":\"E\",\"queue_name\":null}",
        "{\"exchange_name\":5,\"queue_name\":\"Q\"}",
        "{\"exchange_name\":\"E\",\"queue_name\":{}}",
        "{\"exchange_name\":\"E\",\"queue_name\":\"Q\",\"key\":5}",
        "{\"exchange_name\":\"E\",\"queue_name\":\"Q\",\"key\":[\"a\"]}",
        "{\"exchange_name\":\"E\",\"queue_name\":\"Q\",\"key\":true}",
        "{\"exchange_name\":\"missing\",\"queue_name\":\"missing\",\"key\":5}",
        "{\"exchangename\":\"E\",\"queuename\":\"Q\"}"
      })
  void binding_invalid_is400(String template) {
    String exchange = exchanges.exchange("direct");
    String queue = exchanges.queue("");

    Exchanges.expectInvalid(
        client.post(
            "/bindings",
            template.replace("\"E\"", quoted(exchange)).replace("\"Q\"", quoted(queue))));

    assertThat(exchanges.bindings(Exchanges.byExchange(exchange))).isEmpty();
  }

  // Names

  /// A path cannot say them.
  @ParameterizedTest
  @ValueSource(strings = {".", ".."})
  void names_thatNoPathCanSay_are400(String name) {
    assertThat(Exchanges.expectInvalid(exchanges.createExchange(name, "direct"))).contains("name");
    assertThat(Exchanges.expectInvalid(exchanges.createQueue(name, ""))).contains("name");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        " ",
        "a b",
        "/",
        "a/b",
        "//",
        "a\"b",
        "it's",
        "😀",
        "%",
        "%2F",
        "100%",
        "%zz",
        "a.b",
        ".a",
        "?",
        "a?b#c",
        "a&b=c+d",
        "+",
        "\\",
        "a;b",
        "a:b",
        "*",
        "#",
        "<script>alert(1)</script>",
        "\n",
        "tab\t",
        "\u0000",
        "\u007f",
        "\u202e",
        "\ufeff",
        "é",
        "e\u0301",
        "ünïcödé",
        "日本語",
        "null",
        "$queue/x",
        "purge",
        "A",
        "a",
        "..."
      })
  void names_withOddCharacters_areNames(String name) {
    Exchanges.expectDone(exchanges.createExchange(name, "direct"));
    Exchanges.expectDone(exchanges.createQueue(name, Exchanges.WORK));
    Exchanges.expectDone(exchanges.bind(name, name, name));
    Exchanges.expectError(exchanges.createExchange(name, "direct"), 409, "E001");
    Exchanges.expectError(exchanges.createQueue(name, ""), 409, "Q001");

    assertThat(client.get(Exchanges.exchangePath(name)).expect(200).text("name")).isEqualTo(name);
    assertThat(exchanges.shown(name).get("name").asString()).isEqualTo(name);
    assertThat(exchanges.bindings(Exchanges.byExchange(name) + Exchanges.byQueue(name)))
        .singleElement()
        .satisfies(binding -> {
          assertThat(binding.get("exchange_name").asString()).isEqualTo(name);
          assertThat(binding.get("queue_name").asString()).isEqualTo(name);
          assertThat(binding.get("key").asString()).isEqualTo(name);
        });

    exchanges.put(name, name, "{\"n\":1}");
    exchanges.put(name, name, "{\"n\":2}");
    exchanges.put(name, name + "x", "{\"n\":3}");
    exchanges.awaitCounts(name, 2, 0, 0);
    client.get(Exchanges.subscriptionPath(name, "/metrics")).expect(200);
    try (QueueSocket socket = QueueSocket.subscribed(client, name, QueueSocket.MANUAL)) {
      assertThat(socket.numbers(2)).containsExactly(1, 2);
    }
    client.post(Exchanges.queuePath(name) + "/purge", "").expect(200, "{\"purged\":2}");
    exchanges.unbind(name, name, name).expectNoContent();
    client.delete(Exchanges.queuePath(name)).expectNoContent();
    client.delete(Exchanges.exchangePath(name)).expectNoContent();
    expectNoExchange(name);
    expectNoQueue(name);
  }
}
