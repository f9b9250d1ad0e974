// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Clients.Credentials;
import dev.tidings.system.contract.Exchanges.Route;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Who may do what with exchanges and queues: users by permission and ownership, clients by scope,
/// and calls without a token.
@SystemTest
final class ExchangeAuthTest {
  private static final String ALL_SCOPES =
      "exchanges:manage exchanges:publish queues:manage queues:consume";

  private final TidingsProcess server;
  private final TidingsProcess shortTokens;
  private final TidingsProcess dev;
  private final Caller nobody;
  private final Exchanges admin;
  private final Exchanges owner;

  ExchangeAuthTest(
      @On(Setup.SECURED) TidingsProcess server,
      @On(Setup.SHORT_TOKENS) TidingsProcess shortTokens,
      @On(Setup.DEV) TidingsProcess dev) {
    this.server = server;
    this.shortTokens = shortTokens;
    this.dev = dev;
    this.nobody = Caller.nobody(server);
    this.admin = new Exchanges(Caller.admin(server));
    this.owner = user("read", "write");
  }

  private Exchanges user(String... permissions) {
    return new Exchanges(Caller.user(server, permissions));
  }

  private Exchanges client(String scopes) {
    return new Exchanges(Clients.with(admin.caller(), scopes));
  }

  /// Every call of the API but the ping.
  private static List<Answer> everything(Caller caller, Route route) {
    var exchanges = new Exchanges(caller);
    return List.of(
        exchanges.createExchange(Exchanges.unique("e"), "direct"),
        exchanges.createQueue(Exchanges.unique("q"), ""),
        exchanges.bind(route.exchange(), route.queue(), "x"),
        exchanges.publish(route.exchange(), "", "1"),
        caller.get("/exchanges"),
        caller.get(Exchanges.exchangePath(route.exchange())),
        caller.get("/queues"),
        caller.get(Exchanges.queuePath(route.queue())),
        caller.get("/bindings"),
        exchanges.unbind(route.exchange(), route.queue(), "x"),
        caller.post(Exchanges.queuePath(route.queue()) + "/purge", ""),
        caller.delete(Exchanges.queuePath(route.queue())),
        caller.delete(Exchanges.exchangePath(route.exchange())));
  }

  // Without a token, or with a bad one

  @Test
  void withoutToken_is401_exceptThePing() {
    Route route = owner.route("fanout", "");
    nobody.get("/ping").expect(200);
    everything(nobody, route).forEach(Exchanges::expectUnauthorized);
    // Before anything else is looked at.
    for (String path : List.of("/exchanges", "/queues", "/bindings", "/publish")) {
      Exchanges.expectUnauthorized(nobody.post(path, "{"));
    }
    Exchanges.expectUnauthorized(nobody.get("/exchanges/missing"));
    Exchanges.expectUnauthorized(nobody.get("/queues?limit=0"));
    owner.put(route.exchange(), 1);
    owner.awaitCounts(route.queue(), 1, 0, 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer x", "Bearer a.b.c"})
  void badToken_is401_alsoWhereNoneIsNeeded(String authorization) {
    for (TidingsProcess each : List.of(server, dev)) {
      Caller caller = Caller.nobody(each).withAuthorization(authorization);
      everything(caller, new Route("e", "q")).forEach(Exchanges::expectUnauthorized);
      caller.get("/ping").expect(200);
    }
  }

  @Test
  void devMode_needsNoToken() {
    Exchanges exchanges = Exchanges.on(dev);
    Route route = exchanges.route("fanout", "");
    assertThat(everything(exchanges.caller(), route))
        .extracting(Answer::status)
        .containsExactly(200, 200, 200, 200, 200, 200, 200, 200, 200, 204, 200, 204, 204);
  }

  @Test
  void anonymousAll_opensTheExchangeApi_andNothingElse() {
    try (TidingsProcess open =
        TidingsProcess.startSecured(Map.of("TIDINGS_EXCHANGES_ANONYMOUS", "all"))) {
      Exchanges exchanges = Exchanges.on(open);
      Exchanges root = new Exchanges(Caller.admin(open));
      // Also what is somebody's.
      Route route = root.route("fanout", Exchanges.WORK);
      exchanges.put(route.exchange(), 1);
      try (QueueSocket socket = QueueSocket.open(exchanges.caller())) {
        socket.subscribe(route.queue());
        assertThat(socket.numbers(1)).containsExactly(1);
      }
      assertThat(exchanges.caller().get("/queues").expect(200).body()).contains(route.queue());
      assertThat(everything(exchanges.caller(), route))
          .extracting(Answer::status)
          .containsExactly(200, 200, 200, 200, 200, 200, 200, 200, 200, 204, 200, 204, 204);

      Exchanges.expectUnauthorized(
          exchanges.caller().withAuthorization("Bearer x").get("/exchanges"));
      Caller client = Clients.with(root.caller(), "topics:read");
      Exchanges.expectForbidden(new Exchanges(client).createQueue("q", ""));
      exchanges.caller().get("/topics").expect(401);
      exchanges.caller().get("/api/v1/topics").expect(401);
      exchanges.caller().get("/api/v1/streams").expect(401);
      exchanges.caller().get("/clients").expect(401);
    }
  }

  // Users

  @Test
  void user_withoutWrite_createsNothing() {
    for (Exchanges reader : List.of(user("read"), user())) {
      Exchanges.expectForbidden(reader.createExchange(Exchanges.unique("e"), "direct"));
      Exchanges.expectForbidden(reader.createQueue(Exchanges.unique("q"), ""));
    }
  }

  @Test
  void owner_doesEverythingWithItsOwn() {
    Route route = owner.route("fanout", Exchanges.DURABLE);
    try (QueueSocket socket = QueueSocket.subscribed(owner.caller(), route.queue(), "")) {
      owner.put(route.exchange(), 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
    Pubsub pubsub = owner.pubsub();
    pubsub.ack(route.queue(), pubsub.awaitOne(route.queue()));
    pubsub.awaitMetrics(route.queue(), 0, 0, 1, 0);
    assertThat(everything(owner.caller(), route))
        .extracting(Answer::status)
        .containsExactly(200, 200, 200, 200, 200, 200, 200, 200, 200, 204, 200, 204, 204);
  }

  @Test
  void other_mayNothingWithIt() {
    Route route = owner.route("fanout", Exchanges.DURABLE);
    owner.put(route.exchange(), 1);
    Exchanges other = user("read", "write");
    Route own = other.route("fanout", "");

    Exchanges.expectForbidden(other.publish(route.exchange(), "", "1"));
    Exchanges.expectForbidden(other.caller().get(Exchanges.exchangePath(route.exchange())));
    Exchanges.expectForbidden(other.caller().delete(Exchanges.exchangePath(route.exchange())));
    Exchanges.expectForbidden(other.caller().get(Exchanges.queuePath(route.queue())));
    Exchanges.expectForbidden(other.caller().delete(Exchanges.queuePath(route.queue())));
    Exchanges.expectForbidden(
        other.caller().post(Exchanges.queuePath(route.queue()) + "/purge", ""));
    // A binding needs the right to both.
    Exchanges.expectForbidden(other.bind(route.exchange(), own.queue(), ""));
    Exchanges.expectForbidden(other.bind(own.exchange(), route.queue(), ""));
    Exchanges.expectForbidden(other.bind(route.exchange(), route.queue(), ""));
    Exchanges.expectForbidden(other.unbind(route.exchange(), route.queue(), ""));
    String path = Exchanges.subscriptionPath(route.queue(), "");
    other.caller().get(path).expect(403);
    other.caller().get(path + "/messages?consumer_id=c").expect(403);
    other.caller().post(path + "/acks", "[]").expect(403);
    other.caller().get(path + "/dlq").expect(403);
    other.caller().patch(path, "{\"max_delivery_attempts\":1}").expect(403);
    for (String collection : List.of("exchanges", "queues", "bindings")) {
      String listed = other.caller().get("/" + collection + "?limit=1000").expect(200).body();
      assertThat(listed).doesNotContain(route.exchange()).doesNotContain(route.queue());
    }
    assertThat(other.caller().get("/queues").expect(200).body()).contains(own.queue());
    // Neither says whether there is what one may not see.
    Exchanges.expectError(other.publish(Exchanges.unique("missing"), "", "1"), 404, "E002");
    owner.awaitCounts(route.queue(), 1, 0, 0);
  }

  @Test
  void admin_doesEverythingWithEverything() {
    Route route = owner.route("fanout", Exchanges.WORK);
    admin.put(route.exchange(), 1);
    try (QueueSocket socket = QueueSocket.subscribed(admin.caller(), route.queue(), "")) {
      assertThat(socket.numbers(1)).containsExactly(1);
    }
    assertThat(everything(admin.caller(), route))
        .extracting(Answer::status)
        .containsExactly(200, 200, 200, 200, 200, 200, 200, 200, 200, 204, 200, 204, 204);
  }

  @Test
  void publish_byTheOwner_needsWrite() {
    Exchanges former = user("read", "write");
    Route route = former.route("fanout", "");
    admin
        .caller()
        .patch("/auth/users/" + former.caller().id(), "{\"permissions\":[\"read\"]}")
        .expect(200);

    Exchanges again = new Exchanges(nobody.loggedIn(former.caller().name(), Caller.PASSWORD));
    Exchanges.expectForbidden(again.publish(route.exchange(), "", "1"));
    again.caller().get(Exchanges.exchangePath(route.exchange())).expect(200);
    try (QueueSocket socket = QueueSocket.subscribed(again.caller(), route.queue(), "")) {
      admin.put(route.exchange(), 2);
      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void consume_byTheOwner_needsRead() {
    Exchanges writer = user("write");
    Route route = writer.route("fanout", "");
    writer.put(route.exchange(), 1);
    admitted(writer.caller())
        .ifPresent(socket -> {
          try (socket) {
            socket.subscribe(route.queue());
            assertThat(socket.closeCode()).isEqualTo(1008);
          }
        });
    writer
        .caller()
        .get(Exchanges.subscriptionPath(route.queue(), "/messages?consumer_id=c"))
        .expect(403);
  }

  // Clients

  @Test
  void client_withManage_doesThatWithAll_andNothingElse() {
    Route route = owner.route("fanout", "");
    Exchanges manager = client("exchanges:manage queues:manage");
    String exchange = manager.exchange("fanout");
    String queue = manager.boundQueue(exchange, "", "");

    Exchanges.expectDone(manager.bind(route.exchange(), route.queue(), "x"));
    Exchanges.expectDone(manager.bind(exchange, route.queue(), "x"));
    Exchanges.expectForbidden(manager.publish(exchange, "", "1"));
    Exchanges.expectForbidden(manager.publish(route.exchange(), "", "1"));
    manager.caller().get(Exchanges.queuePath(route.queue())).expect(200);
    assertThat(
            manager.caller().get(Exchanges.exchangePath(route.exchange())).expect(200).text("name"))
        .isEqualTo(route.exchange());
    manager.caller().post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200);
    expectNoConsuming(manager.caller(), route.queue());
    expectNoConsuming(manager.caller(), queue);
    assertThat(names(manager, "exchanges")).contains(exchange, route.exchange());
    assertThat(names(manager, "queues")).contains(queue, route.queue());
    manager.unbind(route.exchange(), route.queue(), "x").expectNoContent();
    manager.caller().delete(Exchanges.queuePath(route.queue())).expectNoContent();
    manager.caller().delete(Exchanges.exchangePath(route.exchange())).expectNoContent();
  }

  private static List<String> names(Exchanges exchanges, String collection) {
    var names = new ArrayList<String>();
    String after = "";
    do {
      JsonNode page =
          exchanges.caller().get("/" + collection + "?limit=1000" + after).expect(200).json();
      page.get(collection).forEach(item -> names.add(item.get("name").asString()));
      JsonNode next = page.get("next");
      after = next.isNull() ? "" : "&after=" + Streams.encoded(next.asString());
    } while (!after.isEmpty());
    return names;
  }

  /// A socket with the caller's token; none if it is refused with 403, as the relay's is.
  private static Optional<QueueSocket> admitted(Caller caller) {
    try {
      return Optional.of(QueueSocket.open(caller));
    } catch (AssertionError e) {
      URI url = URI.create(caller.server().webSocketUrl() + "?token=" + caller.token());
      assertThat(Socket.refused(url).statusCode()).as("%s", e).isEqualTo(403);
      return Optional.empty();
    }
  }

  /// Neither over `/ws`, nor as a subscription.
  private static void expectNoConsuming(Caller caller, String queue) {
    caller.get(Exchanges.subscriptionPath(queue, "/messages?consumer_id=c")).expect(403);
    admitted(caller)
        .ifPresent(socket -> {
          try (socket) {
            socket.subscribe(queue, QueueSocket.CONFIRM);
            socket.expectError(queue, "FORBIDDEN");
          }
        });
  }

  @Test
  void client_withOneOfTheScopesToManage_bindsNothing() {
    Route route = owner.route("direct", "");
    Exchanges ofExchanges = client("exchanges:manage");
    Exchanges ofQueues = client("queues:manage");

    Exchanges.expectForbidden(ofExchanges.bind(route.exchange(), route.queue(), "x"));
    Exchanges.expectForbidden(ofQueues.bind(route.exchange(), route.queue(), "x"));
    Exchanges.expectForbidden(ofExchanges.unbind(route.exchange(), route.queue(), ""));
    Exchanges.expectForbidden(ofQueues.unbind(route.exchange(), route.queue(), ""));
    Exchanges.expectForbidden(ofExchanges.createQueue(Exchanges.unique("q"), ""));
    Exchanges.expectForbidden(ofQueues.createExchange(Exchanges.unique("e"), "direct"));
    Exchanges.expectForbidden(ofExchanges.caller().get(Exchanges.queuePath(route.queue())));
    Exchanges.expectForbidden(ofQueues.caller().get(Exchanges.exchangePath(route.exchange())));
    ofExchanges.caller().get(Exchanges.exchangePath(route.exchange())).expect(200);
    ofQueues.caller().get(Exchanges.queuePath(route.queue())).expect(200);
  }

  @Test
  void client_withPublish_publishesToAll_andNothingElse() {
    Route route = owner.route("fanout", "");
    Exchanges publisher = client("exchanges:publish");

    publisher.put(route.exchange(), 1);
    Exchanges.expectForbidden(publisher.createExchange(Exchanges.unique("e"), "direct"));
    Exchanges.expectForbidden(publisher.bind(route.exchange(), route.queue(), "x"));
    Exchanges.expectForbidden(publisher.caller().delete(Exchanges.exchangePath(route.exchange())));
    Exchanges.expectForbidden(
        publisher.caller().post(Exchanges.queuePath(route.queue()) + "/purge", ""));
    expectNoConsuming(publisher.caller(), route.queue());
    owner.awaitCounts(route.queue(), 1, 0, 0);
  }

  @Test
  void client_withConsume_consumesAll_andNothingElse() {
    Route route = owner.route("fanout", Exchanges.WORK);
    Exchanges consumer = client("queues:consume");
    owner.putNumbers(route.exchange(), 0, 2);

    Pubsub pubsub = consumer.pubsub();
    pubsub.ack(route.queue(), pubsub.consume(route.queue(), 1).getFirst());
    try (QueueSocket socket = QueueSocket.subscribed(consumer.caller(), route.queue(), "")) {
      assertThat(socket.numbers(1)).containsExactly(1);
    }
    Exchanges.expectForbidden(consumer.publish(route.exchange(), "", "1"));
    Exchanges.expectForbidden(consumer.createQueue(Exchanges.unique("q"), ""));
    Exchanges.expectForbidden(consumer.caller().delete(Exchanges.queuePath(route.queue())));
    Exchanges.expectForbidden(
        consumer.caller().post(Exchanges.queuePath(route.queue()) + "/purge", ""));
    owner.awaitCounts(route.queue(), 0, 0, 0);
  }

  @Test
  void client_withScopesForOneObject_doesItThereOnly() {
    Route route = owner.route("fanout", "");
    Route other = owner.route("fanout", "");
    Exchanges one =
        client(
            "exchanges:manage:%1$s exchanges:publish:%1$s queues:manage:%2$s queues:consume:%2$s"
                .formatted(route.exchange(), route.queue()));

    one.put(route.exchange(), 1);
    Exchanges.expectDone(one.bind(route.exchange(), route.queue(), "x"));
    try (QueueSocket socket =
        QueueSocket.subscribed(one.caller(), route.queue(), "\"from\":\"earliest\"")) {
      assertThat(socket.numbers(1)).containsExactly(1);
    }
    assertThat(one.pubsub().consume(route.queue(), 1)).hasSize(1);
    one.caller().get(Exchanges.exchangePath(route.exchange())).expect(200);
    one.caller().get(Exchanges.queuePath(route.queue())).expect(200);

    Exchanges.expectForbidden(one.publish(other.exchange(), "", "1"));
    Exchanges.expectForbidden(one.bind(route.exchange(), other.queue(), ""));
    Exchanges.expectForbidden(one.bind(other.exchange(), route.queue(), ""));
    Exchanges.expectForbidden(one.caller().get(Exchanges.exchangePath(other.exchange())));
    Exchanges.expectForbidden(one.caller().get(Exchanges.queuePath(other.queue())));
    Exchanges.expectForbidden(one.caller().delete(Exchanges.queuePath(other.queue())));
    expectNoConsuming(one.caller(), other.queue());
    Exchanges.expectForbidden(one.createExchange(Exchanges.unique("e"), "direct"));
    Exchanges.expectForbidden(one.createQueue(Exchanges.unique("q"), ""));

    one.caller().post(Exchanges.queuePath(route.queue()) + "/purge", "").expect(200);
    one.caller().delete(Exchanges.queuePath(route.queue())).expectNoContent();
    one.caller().delete(Exchanges.exchangePath(route.exchange())).expectNoContent();
  }

  @Test
  void client_withOtherScopes_mayNothing() {
    Route route = owner.route("fanout", "");
    Exchanges other =
        client("topics:publish topics:read topics:create subscriptions:create streams:send");

    Exchanges.expectForbidden(other.createExchange(Exchanges.unique("e"), "direct"));
    Exchanges.expectForbidden(other.createQueue(Exchanges.unique("q"), ""));
    Exchanges.expectForbidden(other.publish(route.exchange(), "", "1"));
    Exchanges.expectForbidden(other.bind(route.exchange(), route.queue(), "x"));
    Exchanges.expectForbidden(other.caller().get(Exchanges.queuePath(route.queue())));
    expectNoConsuming(other.caller(), route.queue());
  }

  @Test
  void client_withStar_doesEverything() {
    Route route = owner.route("fanout", "");
    assertThat(everything(client("*").caller(), route))
        .extracting(Answer::status)
        .containsExactly(200, 200, 200, 200, 200, 200, 200, 200, 200, 204, 200, 204, 204);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exchanges:create",
        "exchanges:consume",
        "exchanges",
        "queues:publish",
        "queues:read",
        "queues:consume:a:b",
        "bindings:manage"
      })
  void create_invalidScope_is422(String scopes) {
    Clients.create(admin.caller(), "n", scopes).expect(422);
  }

  // Sockets

  @Test
  void socket_deniedQueue_isClosedWith1008_orToldInAFrame() {
    Route route = owner.route("fanout", "");
    Exchanges other = user("read", "write");
    Route own = other.route("fanout", "");
    try (QueueSocket plain = QueueSocket.open(other.caller());
        QueueSocket asking = QueueSocket.subscribed(other.caller(), own.queue(), "")) {
      plain.subscribe(route.queue());
      assertThat(plain.closeCode()).isEqualTo(1008);

      asking.subscribe(route.queue(), QueueSocket.CONFIRM);
      asking.expectError(route.queue(), "FORBIDDEN");
      owner.put(route.exchange(), 1);
      other.put(own.exchange(), 2);
      assertThat(asking.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void socket_waitingForAQueueThatSomebodyElseCreates_getsNothing() {
    Exchanges other = user("read", "write");
    String queue = Exchanges.unique("later");
    try (QueueSocket plain = QueueSocket.open(other.caller());
        QueueSocket asking = QueueSocket.open(other.caller())) {
      plain.subscribe(queue);
      asking.subscribe(queue, QueueSocket.CONFIRM);
      asking.expectSubscribed(queue, "null");
      Exchanges.expectDone(owner.createQueue(queue, ""));
      String exchange = owner.exchange("fanout");
      Exchanges.expectDone(owner.bind(exchange, queue, ""));
      owner.put(exchange, 1);

      assertThat(plain.closeCode()).isEqualTo(1008);
      assertThat(plain.waiting()).isZero();
      asking.expectError(queue, "FORBIDDEN");
    }
  }

  /// A socket with a subscription, and what takes the right to it away.
  private final class Loser implements AutoCloseable {
    private final Route route;
    private final QueueSocket broadcast;
    private final Runnable loss;

    Loser(Caller caller, Route route, Runnable loss) {
      this.route = route;
      this.broadcast = QueueSocket.subscribed(caller, route.queue(), "");
      this.loss = loss;
    }

    void expectEnd() {
      admin.put(route.exchange(), 1);
      assertThat(broadcast.numbers(1)).containsExactly(1);
      loss.run();
      admin.put(route.exchange(), 2);
      assertThat(broadcast.closeCode()).isEqualTo(1008);
      while (broadcast.waiting() > 0) {
        // It has asked for such frames.
        assertThat(broadcast.nextText())
            .as("after the loss was answered")
            .contains("\"type\":\"ERROR\"");
      }
    }

    @Override
    public void close() {
      broadcast.close();
    }
  }

  private Loser userWho(Consumer<Caller> loss) {
    Exchanges user = user("read", "write");
    return new Loser(user.caller(), user.route("fanout", ""), () -> loss.accept(user.caller()));
  }

  private Loser clientWhose(Consumer<Credentials> loss) {
    Credentials credentials = Clients.created(admin.caller(), ALL_SCOPES);
    Exchanges client = new Exchanges(Clients.authorized(nobody, credentials));
    return new Loser(client.caller(), client.route("fanout", ""), () -> loss.accept(credentials));
  }

  @Test
  void sockets_endWithTheRightToThem() {
    Caller root = admin.caller();
    var losers =
        List.of(
            userWho(user ->
                root.patch("/auth/users/" + user.id(), "{\"is_active\":false}").expect(200)),
            userWho(user -> root.delete("/auth/users/" + user.id()).expectNoContent()),
            userWho(user -> assertThat(user.post("/auth/logout", "").status()).isIn(200, 204)),
            clientWhose(client -> root.delete("/clients/" + client.id()).expectNoContent()),
            clientWhose(
                client -> Clients.update(root, client.id(), "n", "topics:read", "").expect(200)),
            clientWhose(client ->
                Clients.update(root, client.id(), "n", ALL_SCOPES, "\"is_active\":false")
                    .expect(200)));
    losers.forEach(loser -> {
      try (loser) {
        loser.expectEnd();
      }
    });
  }

  @Test
  void userWithoutReadAnyMore_getsNothingMore() {
    Exchanges user = user("read", "write");
    Route route = user.route("fanout", "");
    try (QueueSocket socket = QueueSocket.subscribed(user.caller(), route.queue(), "")) {
      admin
          .caller()
          .patch("/auth/users/" + user.caller().id(), "{\"permissions\":[\"write\"]}")
          .expect(200);
      admin.put(route.exchange(), 1);
      String error = "\"type\":\"ERROR\"";
      Pubsub.eventually("the end", () -> socket.isClosed() || socket.waiting() > 0);
      while (socket.waiting() > 0) {
        assertThat(socket.nextText()).contains(error);
      }
    }
  }

  @Test
  void workSubscriberThatIsRevoked_leavesItsMessagesToOthers() {
    Exchanges user = user("read", "write");
    Route route =
        user.route(
            "fanout",
            Exchanges.DURABLE_WORK + ",\"backoff_min_seconds\":1,\"backoff_max_seconds\":1");
    user.putNumbers(route.exchange(), 0, 3);
    try (QueueSocket socket =
        QueueSocket.subscribed(user.caller(), route.queue(), QueueSocket.MANUAL)) {
      assertThat(socket.numbers(3)).containsExactly(0, 1, 2);
      admin
          .caller()
          .patch("/auth/users/" + user.caller().id(), "{\"is_active\":false}")
          .expect(200);
      assertThat(socket.closeCode()).isEqualTo(1008);
    }
    assertThat(admin.pubsub().await(route.queue(), 3))
        .extracting(Pubsub.Delivered::attempts)
        .containsOnly(2);
  }

  @Test
  void sockets_endWithTheirToken() {
    long start = System.nanoTime();
    Exchanges exchanges =
        new Exchanges(
            Caller.nobody(shortTokens)
                .loggedIn(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD));
    Route route = exchanges.route("fanout", "");
    try (QueueSocket plain = QueueSocket.open(exchanges.caller());
        QueueSocket asking = QueueSocket.subscribed(exchanges.caller(), route.queue(), "")) {
      plain.subscribe(route.queue());

      assertThat(plain.closeCode()).isEqualTo(1008);
      assertThat(asking.closeCode()).isEqualTo(1008);
      assertThat(plain.waiting()).as("frames that the original does not know").isZero();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(1500), Duration.ofSeconds(6));
  }
}
