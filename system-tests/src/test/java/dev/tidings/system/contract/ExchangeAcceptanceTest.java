// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.QueueSocket.Message;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Section 8 of the contract: request and expectation, with its names, on a server of its own. The
/// two pairs with a restart are in `QueuesRestartTest`.
@SystemTest
final class ExchangeAcceptanceTest {
  private final TidingsProcess server = TidingsProcess.startDev(Map.of());
  private final Caller client = Caller.nobody(server);
  private final Exchanges exchanges = new Exchanges(client);

  @AfterAll
  void stop() {
    server.close();
  }

  @Test
  void acceptance_ping() {
    Answer answer = client.get("/ping").expect(200);
    assertThat(answer.body()).isEqualTo("{\"message\":\"PONG\"}");
    assertThat(answer.headers().firstValue("content-type").orElse(""))
        .startsWith("application/json");
  }

  /// The rows on logs, q1 and q2 follow one another.
  @Test
  void acceptance_declareBindSubscribePublish() {
    Exchanges.expectDone(client.post("/exchanges", "{\"name\":\"logs\",\"type\":\"fanout\"}"));
    Exchanges.expectError(
        client.post("/exchanges", "{\"name\":\"logs\",\"type\":\"fanout\"}"), 409, "E001");
    Exchanges.expectDone(client.post("/queues", "{\"name\":\"q1\",\"durable\":true}"));
    Exchanges.expectDone(client.post("/queues", "{\"name\":\"q2\"}"));
    String bind = "{\"exchange_name\":\"logs\",\"queue_name\":\"q1\",\"key\":\"a\"}";
    Exchanges.expectDone(client.post("/bindings", bind));
    Exchanges.expectDone(client.post("/bindings", bind));
    Exchanges.expectError(client.post("/bindings", bind.replace("logs", "missing")), 404, "E002");
    Exchanges.expectError(client.post("/bindings", bind.replace("q1", "missing")), 404, "Q002");

    try (QueueSocket first = QueueSocket.open(client);
        QueueSocket second = QueueSocket.open(client)) {
      first.subscribe("q1");
      second.subscribe("q2");
      first.awaitLive(exchanges, new Route("logs", "q1"));
      Exchanges.expectDone(
          client.post("/publish", "{\"exchange_name\":\"logs\",\"payload\":{\"n\":1}}"));

      Message message = first.next();
      assertThat(message.body()).isEqualTo("{\"n\":1}");
      assertThat(UUID.fromString(message.id())).hasToString(message.id());

      // Once q2 is bound too it gets this, and nothing before.
      Exchanges.expectDone(exchanges.bind("logs", "q2", ""));
      second.awaitLive(exchanges, new Route("logs", "q2"));
    }
  }

  @Test
  void acceptance_exchangeWithoutAName_is400() {
    Exchanges.expectInvalid(client.post("/exchanges", "{}"));
  }

  @Test
  void acceptance_directExchange_givesTheRedQueueOnly() {
    String exchange = exchanges.exchange("direct");
    String red = exchanges.boundQueue(exchange, "red", "");
    String blue = exchanges.boundQueue(exchange, "blue", "");
    try (QueueSocket ofRed = QueueSocket.subscribed(client, red, "");
        QueueSocket ofBlue = QueueSocket.subscribed(client, blue, "")) {
      exchanges.put(exchange, "red", "{\"n\":1}");
      exchanges.put(exchange, "blue", "{\"n\":2}");

      assertThat(ofRed.numbers(1)).containsExactly(1);
      assertThat(ofBlue.numbers(1)).containsExactly(2);
      assertThat(ofRed.waiting()).isZero();
    }
  }

  @Test
  void acceptance_directKeyWithoutABinding_is200AndNothingIsDelivered() {
    String exchange = exchanges.exchange("direct");
    String red = exchanges.boundQueue(exchange, "red", "");
    try (QueueSocket socket = QueueSocket.subscribed(client, red, "")) {
      exchanges.put(exchange, "green", "{\"n\":1}");
      exchanges.put(exchange, "", "{\"n\":2}");
      exchanges.put(exchange, "red", "{\"n\":3}");

      assertThat(socket.numbers(1)).containsExactly(3);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"text\"", "0", "false", "\"\"", "{}", "[]"})
  void acceptance_payloadsThatAreNotObjects_areDelivered(String payload) {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket socket = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.put(route.exchange(), "", payload);

      assertThat(socket.next().body()).isEqualTo(payload);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"payload\":null", ",\"Payload\":null"})
  void acceptance_payloadNullOrAbsent_is400(String payload) {
    String exchange = exchanges.exchange("fanout");
    Exchanges.expectInvalid(
        client.post(
            "/publish", "{\"exchange_name\":%s%s}".formatted(Template.quoted(exchange), payload)));
  }

  @Test
  void acceptance_twoSocketsOnOneQueue_getTheSameId() {
    Route route = exchanges.route("fanout", "");
    try (QueueSocket first = QueueSocket.subscribed(client, route.queue(), "");
        QueueSocket second = QueueSocket.subscribed(client, route.queue(), "")) {
      exchanges.put(route.exchange(), 1);

      assertThat(first.next()).isEqualTo(second.next());
    }
  }

  @Test
  void acceptance_publishThenCreateBindAndSubscribe_doNotHang() {
    Route route = exchanges.route("fanout", "");
    exchanges.put(route.exchange(), 1);
    Route another = exchanges.route("direct", "");
    exchanges.put(another.exchange(), 1);
    try (QueueSocket socket = QueueSocket.subscribed(client, another.queue(), "")) {
      exchanges.put(another.exchange(), 2);
      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void acceptance_wsWithoutUpgrade_is400() {
    client.get("/ws").expect(400);
  }
}
