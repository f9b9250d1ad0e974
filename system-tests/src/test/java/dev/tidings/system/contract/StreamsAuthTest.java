// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Clients.Credentials;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Who may send, receive and look after streams: users by permission, clients by scope, and calls
/// without a token.
@SystemTest
final class StreamsAuthTest {
  private final TidingsProcess server;
  private final TidingsProcess shortTokens;
  private final TidingsProcess dev;
  private final Caller nobody;
  private final Streams admin;

  StreamsAuthTest(
      @On(Setup.SECURED) TidingsProcess server,
      @On(Setup.SHORT_TOKENS) TidingsProcess shortTokens,
      @On(Setup.DEV) TidingsProcess dev) {
    this.server = server;
    this.shortTokens = shortTokens;
    this.dev = dev;
    this.nobody = Caller.nobody(server);
    this.admin = new Streams(Caller.admin(server));
  }

  private static void expectUnauthorized(Answer answer) {
    Streams.expectError(answer, 401, "unauthorized");
    assertThat(answer.text("detail")).isNotBlank();
  }

  private static void expectForbidden(Answer answer) {
    Streams.expectError(answer, 403, "forbidden");
    assertThat(answer.text("detail")).isNotBlank();
  }

  private static List<Answer> operatorCalls(Caller caller, String stream) {
    Streams streams = new Streams(caller);
    return List.of(
        caller.get(Streams.ROOT + "?limit=1"),
        streams.peek(stream, ""),
        streams.purge(stream),
        streams.delete(stream));
  }

  private static Streams client(Streams admin, String scopes) {
    return new Streams(Clients.with(admin.caller(), scopes));
  }

  /// A stream with one message.
  private String stream() {
    String stream = Streams.unique();
    admin.put(Outgoing.to(stream, 1));
    return stream;
  }

  // Without a token, or with a bad one

  @Test
  void withoutToken_is401() {
    String stream = stream();
    Streams streams = new Streams(nobody);
    expectUnauthorized(streams.send(Outgoing.to(stream, 2)));
    expectUnauthorized(streams.receive(stream, Streams.NOW));
    expectUnauthorized(streams.replay(stream, "", ""));
    operatorCalls(nobody, stream).forEach(StreamsAuthTest::expectUnauthorized);
    // Before anything else is looked at.
    expectUnauthorized(nobody.post(Streams.SEND, "{"));
    expectUnauthorized(nobody.get(Streams.ROOT + "/receive"));

    nobody.get("/").expect(200, "{\"hello\":\"This is the iPubSub service\"}");
    assertThat(admin.drain(stream)).containsExactly(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer x", "Bearer a.b.c"})
  void badToken_is401_alsoWhereNoneIsNeeded(String authorization) {
    for (TidingsProcess each : List.of(server, dev)) {
      Streams streams = new Streams(Caller.nobody(each).withAuthorization(authorization));
      expectUnauthorized(streams.send(Outgoing.to(Streams.unique(), 2)));
      expectUnauthorized(streams.receive(Streams.unique(), Streams.NOW));
    }
  }

  @Test
  void devMode_needsNoToken_notForOperatorsEither() {
    Streams streams = Streams.on(dev);
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1));
    assertThat(streams.take(stream).n()).isEqualTo(1);
    List<Answer> answers = operatorCalls(streams.caller(), stream);
    assertThat(answers).extracting(Answer::status).containsExactly(200, 200, 200, 204);
  }

  @Test
  void anonymousAll_letsStreamsBeUsedWithoutAToken_andNothingElse() {
    try (TidingsProcess open =
        TidingsProcess.startSecured(Map.of("TIDINGS_STREAMS_ANONYMOUS", "all"))) {
      Streams streams = Streams.on(open);
      String stream = Streams.unique();
      streams.put(Outgoing.to(stream, 1).durable());
      assertThat(streams.take(stream).n()).isEqualTo(1);
      assertThat(streams.stored(stream)).containsExactly(1);
      List<Answer> answers = operatorCalls(streams.caller(), stream);
      assertThat(answers).extracting(Answer::status).containsExactly(200, 200, 200, 204);

      expectUnauthorized(
          new Streams(streams.caller().withAuthorization("Bearer x")).receive(stream, Streams.NOW));
      expectForbidden(
          client(new Streams(Caller.admin(open)), "topics:read").receive(stream, Streams.NOW));
      streams.caller().get("/topics").expect(401);
      streams.caller().get("/api/v1/topics").expect(401);
    }
  }

  // Permissions and scopes

  @Test
  void user_withWrite_sends_andWithRead_receives() {
    String stream = stream();
    Streams writer = new Streams(Caller.user(server, "write"));
    Streams reader = new Streams(Caller.user(server, "read"));

    writer.put(Outgoing.to(stream, 2));
    writer.put(Outgoing.to(stream, 3).durable());
    writer.put(Outgoing.to(Streams.unique(), 1));
    expectForbidden(writer.receive(stream, Streams.NOW));
    expectForbidden(writer.replay(stream, "", ""));
    expectForbidden(reader.send(Outgoing.to(stream, 4)));

    assertThat(reader.stored(stream)).containsExactly(3);
    assertThat(reader.drain(stream)).containsExactly(1, 2, 3);
    for (Streams user : List.of(writer, reader)) {
      operatorCalls(user.caller(), stream).forEach(StreamsAuthTest::expectForbidden);
    }
  }

  @Test
  void client_withAScope_doesThatOnly() {
    String stream = stream();
    Streams sender = client(admin, "streams:send");
    Streams receiver = client(admin, "streams:receive");
    Streams other = client(admin, "topics:publish topics:read subscriptions:consume");

    sender.put(Outgoing.to(stream, 2).durable());
    sender.put(Outgoing.to(Streams.unique(), 1));
    expectForbidden(sender.receive(stream, Streams.NOW));
    expectForbidden(receiver.send(Outgoing.to(stream, 3)));
    expectForbidden(other.send(Outgoing.to(stream, 3)));
    expectForbidden(other.receive(stream, Streams.NOW));

    assertThat(receiver.stored(stream)).containsExactly(2);
    assertThat(receiver.drain(stream)).containsExactly(1, 2);
    for (Streams client : List.of(sender, receiver, other)) {
      operatorCalls(client.caller(), stream).forEach(StreamsAuthTest::expectForbidden);
    }
  }

  @Test
  void client_withAScopeForOneStream_doesItThereOnly() {
    String stream = stream();
    String other = stream();
    Streams client = client(admin, "streams:send:" + stream + " streams:receive:" + stream);

    client.put(Outgoing.to(stream, 2).durable());
    assertThat(client.drain(stream)).containsExactly(1, 2);
    assertThat(client.stored(stream)).containsExactly(2);
    expectForbidden(client.send(Outgoing.to(other, 2)));
    expectForbidden(client.receive(other, Streams.NOW));
    expectForbidden(client.replay(other, "", ""));
    expectForbidden(client.send(Outgoing.to(stream + "x", 2)));
    expectForbidden(client.receive(stream + "x", Streams.NOW));
    assertThat(admin.drain(other)).containsExactly(1);
    assertThat(admin.listed(stream + "x")).isEmpty();
  }

  @Test
  void operators_areAdminsAndClientsWithStar() {
    for (Streams operator : List.of(admin, client(admin, "*"))) {
      String stream = stream();
      operator.put(Outgoing.to(stream, 2));
      assertThat(operator.take(stream).n()).isEqualTo(1);
      assertThat(operatorCalls(operator.caller(), stream))
          .extracting(Answer::status)
          .containsExactly(200, 200, 200, 204);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"streams:read", "streams:create", "streams", "streams:send:a:b", "topics:send"})
  void create_invalidScope_is422(String scopes) {
    Clients.create(admin.caller(), "n", scopes).expect(422);
  }

  // Rights that end while somebody waits

  /// Somebody with a receive, a replay and a blocked send under way, and what takes the right to
  /// them away.
  private final class Loser {
    private final String stream = Streams.unique();
    private final Runnable loss;
    private final List<CompletableFuture<Answer>> waiting = new ArrayList<>();

    Loser(Streams streams, Runnable loss) {
      this.loss = loss;
      admin.put(Outgoing.to(stream + "-full", 0).size(1));
      waiting.add(streams.receiveLater(stream, 40));
      waiting.add(streams.replayLater(stream, "", 40));
      waiting.add(streams.sendLater(Outgoing.to(stream + "-full", 1).blocking(40)));
      waiting.add(streams.sendLater(Outgoing.to(stream + "-0", 1).size(0).blocking(40)));
      admin.awaitBlocked(stream + "-full", 1);
      admin.awaitBlocked(stream + "-0", 1);
    }

    void expectEnd() {
      assertThat(waiting).noneMatch(CompletableFuture::isDone);
      loss.run();
      for (CompletableFuture<Answer> call : waiting) {
        Answer answer = Streams.result(call);
        assertThat(Streams.error(answer, answer.status())).isIn("unauthorized", "forbidden");
        assertThat(answer.status()).isIn(401, 403);
      }
      // Nothing of them is left, and nothing goes to them.
      admin.put(Outgoing.to(stream, 5));
      assertThat(admin.drain(stream)).containsExactly(5);
      assertThat(admin.drain(stream + "-full")).containsExactly(0);
      admin.expectNothing(stream + "-0");
    }
  }

  private Loser userWho(Consumer<Caller> loss) {
    Caller user = Caller.user(server, "read", "write");
    return new Loser(new Streams(user), () -> loss.accept(user));
  }

  private Loser clientWhose(Consumer<Credentials> loss) {
    Credentials credentials = Clients.created(admin.caller(), "streams:send streams:receive");
    return new Loser(
        new Streams(Clients.authorized(nobody, credentials)), () -> loss.accept(credentials));
  }

  @Test
  void waitingCalls_endWithTheRightToThem() {
    Caller root = admin.caller();
    var losers =
        List.of(
            userWho(user ->
                root.patch("/auth/users/" + user.id(), "{\"is_active\":false}").expect(200)),
            userWho(
                user -> root.patch("/auth/users/" + user.id(), "{\"permissions\":[]}").expect(200)),
            userWho(user -> root.delete("/auth/users/" + user.id()).expectNoContent()),
            userWho(user -> assertThat(user.post("/auth/logout", "").status()).isIn(200, 204)),
            clientWhose(client -> root.delete("/clients/" + client.id()).expectNoContent()),
            clientWhose(
                client -> Clients.update(root, client.id(), "n", "topics:read", "").expect(200)),
            clientWhose(client ->
                Clients.update(
                        root,
                        client.id(),
                        "n",
                        "streams:send streams:receive",
                        "\"is_active\":false")
                    .expect(200)));
    losers.forEach(Loser::expectEnd);
  }

  @Test
  void waitingCalls_endWithTheirToken() {
    Streams streams =
        new Streams(
            Caller.nobody(shortTokens)
                .loggedIn(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD));
    long start = System.nanoTime();
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).size(1));
    var waiting =
        List.of(
            streams.receiveLater(stream + "-none", 30),
            streams.replayLater(stream + "-none", "", 30),
            streams.sendLater(Outgoing.to(stream, 1).blocking(30)));

    waiting.forEach(call -> expectUnauthorized(Streams.result(call)));

    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(1500), Duration.ofSeconds(6));
  }
}
