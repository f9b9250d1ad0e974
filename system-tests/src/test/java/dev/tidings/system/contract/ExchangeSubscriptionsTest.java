// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Exchanges.Route;
import dev.tidings.system.contract.Pubsub.Delivered;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/// A queue is consumed under `/subscriptions/{queue}/…` as any subscription is; its topic is nobody
/// else's.
@SystemTest
final class ExchangeSubscriptionsTest {
  private static final String NO_RETRY =
      ",\"backoff_min_seconds\":3600,\"backoff_max_seconds\":3600";

  private final Caller client;
  private final Exchanges exchanges;
  private final Pubsub pubsub;

  ExchangeSubscriptionsTest(@On(Setup.DEV) TidingsProcess server) {
    this.exchanges = Exchanges.on(server);
    this.client = exchanges.caller();
    this.pubsub = exchanges.pubsub();
  }

  static Stream<String> kinds() {
    return Stream.of(
        "\"durable\":false", Exchanges.DURABLE, Exchanges.WORK, Exchanges.DURABLE_WORK);
  }

  private static String topicPath(String queue) {
    return Exchanges.segment("$queue/" + queue);
  }

  // Consuming

  @ParameterizedTest
  @MethodSource("kinds")
  void queue_isConsumedAckedAndCounted(String kind) {
    Route route = exchanges.route("fanout", kind + NO_RETRY);
    String queue = route.queue();
    exchanges.putNumbers(route.exchange(), 0, 6);

    List<Delivered> leased = pubsub.consume(queue, 4);
    assertThat(leased).extracting(Delivered::n).containsExactly(0, 1, 2, 3);
    assertThat(leased).extracting(Delivered::attempts).containsOnly(1);
    pubsub.awaitMetrics(queue, 2, 4, 0, 0);
    pubsub.ack(queue, leased.get(0), leased.get(1));
    pubsub.nack(queue, leased.get(2));
    pubsub.awaitMetrics(queue, 3, 1, 2, 0);
    exchanges.awaitCounts(queue, 3, 1, 0);
    pubsub.post(queue, "release", leased.get(3));
    assertThat(pubsub.await(queue, 3)).extracting(Delivered::n).containsExactlyInAnyOrder(3, 4, 5);
    pubsub.awaitMetrics(queue, 1, 3, 2, 0);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void queue_hasDeadLetters(String kind) {
    Route route = exchanges.route("fanout", kind + ",\"max_delivery_attempts\":1");
    String queue = route.queue();
    exchanges.putNumbers(route.exchange(), 0, 3);
    List<Delivered> leased = pubsub.consume(queue, 3);
    pubsub.nack(queue, leased.toArray(Delivered[]::new));
    exchanges.awaitCounts(queue, 0, 0, 3);

    assertThat(pubsub.deadLetters(queue)).extracting(Delivered::n).containsExactly(0, 1, 2);
    String dlq = Exchanges.subscriptionPath(queue, "/dlq");
    client.get(dlq + "/" + leased.get(1).id()).expect(200);
    pubsub.post(queue, "dlq/reprocess", leased.get(1));
    assertThat(pubsub.awaitOne(queue).attempts()).isEqualTo(1);
    client.post(dlq + "/purge", Pubsub.ids(leased.get(0))).expectNoContent();
    exchanges.awaitCounts(queue, 0, 1, 1);
    client.delete(dlq).expectNoContent();
    exchanges.awaitCounts(queue, 0, 1, 0);
  }

  @Test
  void queue_isWaitedForExtendedAndPatched() {
    Route route = exchanges.route("fanout", Exchanges.WORK + ",\"ack_deadline_seconds\":1");
    String queue = route.queue();
    CompletableFuture<Answer> waiting =
        client.getLater(
            Exchanges.subscriptionPath(queue, "/messages?consumer_id=c&wait_seconds=20"));
    exchanges.put(route.exchange(), 7);
    List<Delivered> first = Pubsub.delivered(Streams.result(waiting));
    assertThat(first).extracting(Delivered::n).containsExactly(7);
    client
        .post(
            Exchanges.subscriptionPath(queue, "/extend"),
            "{\"ids\":%s,\"ack_deadline_seconds\":3600}".formatted(Pubsub.ids(first.getFirst())))
        .expectNoContent();

    client
        .patch(
            Exchanges.subscriptionPath(queue, ""),
            "{\"max_delivery_attempts\":1,\"ack_deadline_seconds\":77}")
        .expect(200);
    JsonNode shown = client.get(Exchanges.subscriptionPath(queue, "")).expect(200).json();
    assertThat(shown.get("id").asString()).isEqualTo(queue);
    assertThat(shown.get("topic_id").asString()).isEqualTo("$queue/" + queue);
    assertThat(shown.get("filter").isNull()).isTrue();
    assertThat(shown.get("max_delivery_attempts").asInt()).isEqualTo(1);
    assertThat(shown.get("ack_deadline_seconds").asInt()).isEqualTo(77);
    exchanges.awaitCounts(queue, 0, 1, 0);
    pubsub.nack(queue, first.getFirst());
    exchanges.awaitCounts(queue, 0, 0, 1);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void leaseThatEnds_isGivenAgain(String kind) {
    Route route = exchanges.route("fanout", kind + ",\"ack_deadline_seconds\":1");
    exchanges.put(route.exchange(), 1);
    assertThat(pubsub.consume(route.queue(), 1)).hasSize(1);

    assertThat(pubsub.awaitOne(route.queue()).attempts()).isEqualTo(2);
  }

  /// A broadcast queue's subscribers do not ack, and what is acked here is gone for them.
  @ParameterizedTest
  @MethodSource("kinds")
  void acked_isTrimmed(String kind) {
    if (kind.contains("work")) {
      return; // There is no `from`.
    }
    Route route = exchanges.route("fanout", kind);
    exchanges.putNumbers(route.exchange(), 0, 5);
    try (QueueSocket live =
        QueueSocket.subscribed(client, route.queue(), "\"from\":\"earliest\"")) {
      assertThat(live.numbers(5)).containsExactly(0, 1, 2, 3, 4);
    }
    List<Delivered> leased = pubsub.consume(route.queue(), 3);
    pubsub.ack(route.queue(), leased.toArray(Delivered[]::new));
    exchanges.awaitCounts(route.queue(), 2, 0, 0);
    Pubsub.eventually(
        "what was acked is trimmed",
        () -> {
          try (QueueSocket late =
              QueueSocket.subscribed(client, route.queue(), "\"from\":\"earliest\"")) {
            return late.next().n() == 3;
          }
        });
  }

  // Names

  @Test
  void queuesAndSubscriptions_shareTheirNames() {
    String topic = pubsub.topic();
    String subscription = pubsub.subscription(topic, "");
    String queue = exchanges.queue("");

    Exchanges.expectError(exchanges.createQueue(subscription, ""), 409, "Q001");
    pubsub
        .createSubscription(queue, topic, "")
        .expectDetail(409, "This subscription already exists");

    // A subscription is no queue.
    Exchanges.expectError(client.get(Exchanges.queuePath(subscription)), 404, "Q002");
    Exchanges.expectError(client.delete(Exchanges.queuePath(subscription)), 404, "Q002");
    Exchanges.expectError(
        client.post(Exchanges.queuePath(subscription) + "/purge", ""), 404, "Q002");
    Exchanges.expectError(
        exchanges.bind(exchanges.exchange("direct"), subscription, ""), 404, "Q002");
    // Exchanges and topics have names of their own.
    Exchanges.expectDone(exchanges.createExchange(queue, "direct"));
    Exchanges.expectDone(exchanges.createQueue(topic, ""));
    client.post("/topics", "{\"id\":\"" + queue + "\"}").expect(201);

    // What is deleted leaves its name to the other.
    client.delete(Pubsub.path(subscription, "")).expectNoContent();
    client.delete(Exchanges.queuePath(queue)).expectNoContent();
    Exchanges.expectDone(exchanges.createQueue(subscription, ""));
    pubsub.createSubscription(queue, topic, "").expect(201);
  }

  @Test
  void queuesAndSubscriptions_createdAtOnce_oneOfThemIs() {
    String topic = pubsub.topic();
    for (int i = 0; i < 20; i++) {
      String name = Exchanges.unique("raced");
      CompletableFuture<Answer> queue = client.postLater("/queues", "{\"name\":\"" + name + "\"}");
      CompletableFuture<Answer> subscription =
          client.postLater(
              "/subscriptions", "{\"id\":\"%s\",\"topic_id\":\"%s\"}".formatted(name, topic));
      int first = Streams.result(queue).status();
      int second = Streams.result(subscription).status();

      assertThat(List.of(first, second)).isIn(List.of(200, 409), List.of(409, 201));
      client.get(Exchanges.queuePath(name)).expect(first == 200 ? 200 : 404);
      assertThat(client.get(Pubsub.path(name, "")).expect(200).text("topic_id"))
          .isEqualTo(first == 200 ? "$queue/" + name : topic);
    }
  }

  @Test
  void delete_asASubscription_is409() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE_WORK);
    exchanges.put(route.exchange(), 1);

    Answer answer = client.delete(Exchanges.subscriptionPath(route.queue(), ""));

    answer.expect(409);
    assertThat(answer.json().propertyNames()).containsExactly("detail");
    assertThat(answer.text("detail")).contains("queue");
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
  }

  // The reserved topic

  @Test
  void pubsub_neitherListsNorAcceptsTheTopic() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE);
    String topic = "$queue/" + route.queue();
    String path = "/topics/" + topicPath(route.queue());

    client.get(path).expect(404);
    client.post(path + "/messages", "[{\"n\":1}]").expect(404);
    client.delete(path).expect(404);
    for (String id : List.of(topic, "$queue/new", "$queue/")) {
      client.post("/topics", "{\"id\":" + Template.quoted(id) + "}").expect(422);
      assertThat(pubsub.createSubscription(Exchanges.unique("s"), id, "").status()).isIn(404, 422);
    }
    assertThat(client.get("/topics?limit=100").expect(200).body()).doesNotContain("$queue");
    exchanges.put(route.exchange(), 1);
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
  }

  @Test
  void relay_neitherListsNorAcceptsTheTopic() {
    Route route = exchanges.route("fanout", Exchanges.DURABLE);
    String topic = "$queue/" + route.queue();
    String path = "/api/v1/topics/" + topicPath(route.queue());

    client.get(path).expect(404);
    client.put(path, "{\"is_public\":true}").expect(404);
    client.get(path + "/messages").expect(404);
    assertThat(client.get(path + "/events").status()).isIn(404, 422);
    client.post(path + "/permissions", "{\"username\":\"admin\"}").expect(404);
    client.get(path + "/permissions").expect(404);
    client.delete(path).expect(404);
    for (String name : List.of(topic, "$queue/new", "$queue/")) {
      assertThat(client.createTopic(name, false).status()).isIn(400, 422);
      client.publish(name, "{\"n\":9}").expect(422);
      client.poll("{\"topics\":[%s],\"timeout\":1}".formatted(Template.quoted(name))).expect(422);
      Answer bulk =
          client.post(
              "/api/v1/messages/bulk",
              "{\"messages\":[{\"topic\":%s,\"payload\":{}}]}".formatted(Template.quoted(name)));
      if (bulk.status() == 207) {
        assertThat(bulk.json().get("summary").get("accepted").asInt()).isZero();
      } else {
        bulk.expect(422);
      }
      try (Socket socket = Socket.open(client.server().webSocketUrl())) {
        socket.send(Socket.subscribe("", name));
        assertThat(socket.next().get("type").asString()).isEqualTo("error");
      }
    }
    assertThat(client.get("/api/v1/topics").expect(200).body()).doesNotContain("$queue");
    exchanges.put(route.exchange(), 1);
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
  }

  @Test
  void relay_publishOverASocketToTheTopic_isRefused() {
    Route route = exchanges.route("fanout", "");
    try (Socket socket = Socket.open(client.server().webSocketUrl())) {
      socket.send(Socket.subscribe("", Caller.unique("topic")));
      assertThat(socket.next().get("type").asString()).isEqualTo("subscribed");
      socket.send(
          "{\"type\":\"publish\",\"topic\":%s,\"payload\":{\"n\":1}}"
              .formatted(Template.quoted("$queue/" + route.queue())));
      assertThat(socket.next().get("type").asString()).isEqualTo("error");
    }
    exchanges.put(route.exchange(), 1);
    exchanges.awaitCounts(route.queue(), 1, 0, 0);
  }
}
