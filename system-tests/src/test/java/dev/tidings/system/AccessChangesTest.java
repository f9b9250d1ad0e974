// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What becomes of those who are at work when what they may do changes: they have ended by the time
/// the change is answered, and everybody else goes on.
@SystemTest
final class AccessChangesTest {
  private static final int POLICY = 1008;

  private final TidingsProcess server;
  private final RelayClient admin;

  AccessChangesTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
  }

  private static String path(String topic) {
    return "/api/v1/topics/" + topic;
  }

  private static String denied(String topic) {
    return "Access denied to topics: ['" + topic + "']";
  }

  private static Reply put(RelayClient client, String topic, Object body) {
    return client.send("PUT", path(topic), BodyPublishers.ofString(Json.write(body)));
  }

  private Reply patch(User user, Object body) {
    return admin.send(
        "PATCH", "/auth/users/" + user.id(), BodyPublishers.ofString(Json.write(body)));
  }

  /// How many polls wait for a topic.
  private int waitingFor(String topic) {
    return admin
        .get("/messages/poll/stats")
        .expect(200)
        .json()
        .get("topic_subscriber_counts")
        .path(topic)
        .asInt(0);
  }

  /// A WebSocket, an event stream and a poll that waits: what a client has open on one topic.
  private record Sessions(RelaySocket socket, EventSource stream, CompletableFuture<Reply> poll)
      implements AutoCloseable {

    static Sessions open(RelayClient client, String topic) {
      EventSource stream = EventSource.open(client, topic, "");
      return new Sessions(
          client.subscribe(topic),
          stream,
          client.pollAsync("topics", List.of(topic), "timeout", 20));
    }

    void expectNumber(int number) {
      assertThat(socket.numbers(1)).containsExactly(number);
      assertThat(stream.numbers(1)).containsExactly(number);
      assertThat(Poll.of(Await.result(poll)).numbers()).containsExactly(number);
    }

    /// Asserts how all three have ended, and that nothing came before that.
    void expectEnded(String code, String streamCode, int status, String text) {
      expectError(socket, code, text);
      assertThat(socket.expectClosed().code()).isEqualTo(POLICY);
      expectEnded(stream, streamCode, text);
      Reply reply = Await.result(poll);
      if (status == 401) {
        reply.expectUnauthorized(text);
      } else {
        reply.expectDetail(status, text);
      }
    }

    static void expectError(RelaySocket socket, String code, String text) {
      JsonNode frame = socket.expect("error");
      assertThat(frame.get("code").asString()).isEqualTo(code);
      assertThat(frame.get("message").asString()).isEqualTo(text);
    }

    static void expectEnded(EventSource stream, String code, String text) {
      JsonNode ended = stream.expect("ended").json();
      assertThat(ended.get("code").asString()).isEqualTo(code);
      assertThat(ended.get("message").asString()).isEqualTo(text);
      stream.expectEnd();
    }

    @Override
    public void close() {
      socket.close();
      stream.close();
    }
  }

  // ---- those who are connected ----

  private enum Change {
    DISABLED,
    DEMOTED,
    DELETED,
    LOGGED_OUT,
    PASSWORD_CHANGED,
    GRANT_REVOKED,
    MADE_PRIVATE,
    TOPIC_DELETED
  }

  @ParameterizedTest
  @EnumSource
  void change_endsTheSessionsItConcerns_beforeItsAnswer_andNoOthers(Change change) {
    User owner = admin.newUser("read", "write");
    User user = admin.newUser("read", "write");
    String topic = RelayClient.unique("changes");
    boolean isPublic = change == Change.MADE_PRIVATE;
    owner.client().createTopic("topic_name", topic, "is_public", isPublic).expect(201);
    if (!isPublic) {
      owner.client().grant(topic, "user_id", user.id()).expect(201);
    }
    String others = change == Change.TOPIC_DELETED ? RelayClient.unique("others") : topic;
    try (Sessions ending = Sessions.open(user.client(), topic);
        Sessions staying = Sessions.open(owner.client(), others)) {
      int waiting = others.equals(topic) ? 2 : 1;
      Await.until(
          "the polls wait", () -> waitingFor(topic) == waiting && waitingFor(others) == waiting);

      carryOut(change, owner, user, topic);

      assertThat(waitingFor(topic)).as("polls that wait on").isEqualTo(waiting - 1);
      owner.client().publishNumber(others, 1);
      switch (change) {
        case DISABLED ->
            ending.expectEnded("ACCESS_REVOKED", "ACCESS_REVOKED", 403, "User is inactive");
        case DEMOTED ->
            ending.expectEnded(
                "ACCESS_REVOKED", "ACCESS_REVOKED", 403, "Permission 'read' required");
        case DELETED ->
            ending.expectEnded("ACCESS_REVOKED", "ACCESS_REVOKED", 401, "User not found");
        case LOGGED_OUT, PASSWORD_CHANGED ->
            ending.expectEnded("ACCESS_REVOKED", "ACCESS_REVOKED", 401, "Token has been revoked");
        case GRANT_REVOKED, MADE_PRIVATE ->
            ending.expectEnded("SUBSCRIPTION_ENDED", "ACCESS_DENIED", 403, denied(topic));
        case TOPIC_DELETED ->
            ending.expectEnded(
                "SUBSCRIPTION_ENDED", "TOPIC_DELETED", 404, "Topic '" + topic + "' was deleted");
      }
      staying.expectNumber(1);
    }
  }

  private void carryOut(Change change, User owner, User user, String topic) {
    Reply reply =
        switch (change) {
          case DISABLED -> patch(user, Map.of("is_active", false));
          case DEMOTED -> patch(user, Map.of("permissions", List.of("write")));
          case DELETED -> admin.request("DELETE", "/auth/users/" + user.id());
          case LOGGED_OUT -> user.client().request("POST", "/auth/logout");
          case PASSWORD_CHANGED -> patch(user, Map.of("password", "another-" + user.password()));
          case GRANT_REVOKED ->
              owner.client().request("DELETE", path(topic) + "/permissions/" + user.id());
          case MADE_PRIVATE -> put(owner.client(), topic, Map.of("is_public", false));
          case TOPIC_DELETED -> owner.client().request("DELETE", path(topic));
        };
    assertThat(reply.status()).as(reply.body()).isIn(200, 204);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void socketThatHasNotSubscribed_isClosedToo(boolean disabled) {
    User user = admin.newUser("read", "write");
    try (RelaySocket idle = user.client().open()) {
      patch(user, disabled ? Map.of("is_active", false) : Map.of("permissions", List.of()))
          .expect(200);

      Sessions.expectError(
          idle, "ACCESS_REVOKED", disabled ? "User is inactive" : "Permission 'read' required");
      assertThat(idle.expectClosed().code()).isEqualTo(POLICY);
    }
  }

  @Test
  void tokenThatEnds_endsItsSessions_andNotThoseOfAnotherTokenOfTheUser() {
    User user = admin.newUser("read", "write");
    String topic = RelayClient.unique("expiring");
    long end = Instant.now().getEpochSecond() + 3;
    String token =
        Jwt.hs256(Jwt.claimsWith(user.client().token(), "exp", end), TidingsProcess.SECRET_KEY);
    try (Sessions ending = Sessions.open(server.anonymous().withToken(token), topic);
        Sessions staying = Sessions.open(user.client(), topic)) {
      ending.socket().expect("token_expiring");
      ending.stream().expect("token_expiring");

      assertThat(ending.socket().expectClosed())
          .isEqualTo(new RelaySocket.Closed(POLICY, "the token has expired"));
      Sessions.expectEnded(ending.stream(), "TOKEN_EXPIRED", "the token has expired");
      Await.result(ending.poll()).expectUnauthorized("Invalid or expired token");
      assertThat(Instant.now().getEpochSecond()).isGreaterThanOrEqualTo(end);
      user.client().publishNumber(topic, 1);
      staying.expectNumber(1);
    }
  }

  @Test
  void userWhoMayDoMore_mayAtOnce_alsoOnASocketThatIsOpen() {
    User user = admin.newUser("read");
    String topic = RelayClient.unique("promoted");
    admin.publishNumber(topic, 1);
    try (RelaySocket socket = user.client().open()) {
      patch(user, Map.of("permissions", List.of("admin"))).expect(200);

      socket.send(Json.object("type", "subscribe", "topics", List.of(topic), "offset", "earliest"));
      socket.expect("subscribed");
      assertThat(socket.numbers(1)).containsExactly(1);
    }
  }

  // ---- those who publish ----

  private static final int PER_TOPIC = 25;

  /// A publisher who never waits for an answer, and one after another over HTTP, are stopped in the
  /// midst of it. The first creates topics all the time: what follows a message that creates one
  /// waits for it, and must not be sent on with the rights of before.
  @RepeatedTest(3)
  void disabledUser_hasPublishedNothingMore_onceThatIsAnswered() {
    User user = admin.newUser("read", "write");
    List<String> piped = names("piped", 400);
    List<String> called = names("called", 100);
    List<String> all = Stream.concat(piped.stream(), called.stream()).toList();
    try (RelaySocket socket = user.client().open()) {
      CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> pipeline(socket, piped));
      CompletableFuture<Reply> calling =
          CompletableFuture.supplyAsync(() -> publishUntilRefused(user.client(), called));
      var published = new HashSet<String>();
      for (int i = 0; i < 200; i++) {
        published.add(socket.expect("published").get("message_id").asString());
      }

      patch(user, Map.of("is_active", false)).expect(200);

      Set<String> stored = stored(all);
      Await.result(calling).expectDetail(403, "User is inactive");
      Await.result(sending);
      assertThat(socket.expectClosed().code()).isEqualTo(POLICY);
      JsonNode frame = socket.next();
      // Those that waited for a topic to be created may be refused before the socket's end.
      while (!frame.path("code").asString("").equals("ACCESS_REVOKED")) {
        if (frame.get("type").asString().equals("published")) {
          published.add(frame.get("message_id").asString());
        } else {
          assertThat(frame.get("code").asString()).isEqualTo("ACCESS_DENIED");
        }
        frame = socket.next();
      }
      assertThat(stored).hasSizeLessThan(all.size() * PER_TOPIC).containsAll(published);
      assertThat(stored(all)).as("stored by the end").isEqualTo(stored);
    }
  }

  private static List<String> names(String prefix, int count) {
    return Stream.generate(() -> RelayClient.unique(prefix)).limit(count).toList();
  }

  /// Publishes to one topic after another until the socket is closed.
  private static void pipeline(RelaySocket socket, List<String> topics) {
    for (String topic : topics) {
      for (int n = 0; n < PER_TOPIC; n++) {
        if (socket.isClosed()) {
          return;
        }
        try {
          socket.send(Json.object("type", "publish", "topic", topic, "payload", Map.of("n", n)));
        } catch (AssertionError _) {
          // Closed between the look and the sending; the close frame is on its way to us.
          assertThat(socket.expectClosed().code()).isEqualTo(POLICY);
          return;
        }
      }
    }
  }

  private static Reply publishUntilRefused(RelayClient client, List<String> topics) {
    for (String topic : topics) {
      for (int n = 0; n < PER_TOPIC; n++) {
        Reply reply = client.publish(topic, Map.of("n", n));
        if (reply.status() != 201) {
          return reply;
        }
      }
    }
    throw new AssertionError("all was published (expected: refused on the way)");
  }

  /// The ids of all messages in these topics, looked at in one call.
  private Set<String> stored(List<String> topics) {
    return new HashSet<>(
        Poll.of(admin.poll("topics", topics, "since", Map.of("nothing", "x"), "timeout", 1)).ids());
  }

  // ---- topics that are deleted and made again ----

  @Test
  void topicMadeAgainByAnother_isClosedToThoseWhoReadTheFormerOne() {
    User former = admin.newUser("read", "write");
    User reader = admin.newUser("read");
    User next = admin.newUser("read", "write");
    String topic = RelayClient.unique("again");
    String other = RelayClient.unique("other");
    String old = former.client().publishNumber(topic, 1);
    former.client().publishNumber(other, 1);
    former.client().grant(topic, "user_id", reader.id()).expect(201);
    former.client().grant(other, "user_id", reader.id()).expect(201);
    try (RelaySocket before = reader.client().subscribe(topic, other);
        RelaySocket owned = former.client().subscribe(topic, other)) {
      former.client().request("DELETE", path(topic)).expect(204);
      // Those who come while there is no topic wait for the name.
      try (RelaySocket waiting = reader.client().subscribe(topic, other);
          EventSource stream = EventSource.open(reader.client(), topic, "", "Last-Event-ID", old)) {
        CompletableFuture<Reply> poll =
            reader
                .client()
                .pollAsync("topics", List.of(topic), "since", Map.of(topic, old), "timeout", 20);
        Await.until("the poll waits", () -> waitingFor(topic) == 1);

        next.client().createTopic("topic_name", topic).expect(201);
        next.client().publishNumber(topic, 99);

        Sessions.expectError(waiting, "SUBSCRIPTION_ENDED", denied(topic));
        Sessions.expectEnded(stream, "ACCESS_DENIED", denied(topic));
        Await.result(poll).expectDetail(403, denied(topic));
        for (RelaySocket socket : List.of(before, owned)) {
          Sessions.expectError(socket, "SUBSCRIPTION_ENDED", "Topic '" + topic + "' was deleted");
        }
        former.client().publishNumber(other, 2);
        for (RelaySocket socket : List.of(before, owned, waiting)) {
          assertThat(socket.numbers(1)).containsExactly(2);
        }
      }
    }
    for (RelayClient client : List.of(former.client(), reader.client())) {
      client
          .poll("topics", List.of(topic), "since", Map.of(topic, old))
          .expectDetail(403, denied(topic));
      client
          .send("GET", path(topic) + "/events", RelayClient.NOTHING, "Last-Event-ID", old)
          .expectDetail(403, denied(topic));
      client
          .get(path(topic) + "/messages?cursor=" + old)
          .expectDetail(403, "Access denied to topic '" + topic + "'");
    }
    former.client().publish(topic, Map.of()).expectDetail(403, denied(topic));
  }

  /// Whom the new owner lets in begins with its first message; an id of the former topic is no
  /// place in the new one.
  @Test
  void placeInADeletedTopic_isNoPlaceInTheNextOfTheName() {
    User owner = admin.newUser("read", "write");
    String topic = RelayClient.unique("places");
    owner.client().publishNumbers(topic, 0, 5);
    String old = owner.client().publishNumber(topic, 5);
    owner.client().request("DELETE", path(topic)).expect(204);
    owner.client().publishNumbers(topic, 10, 12);

    JsonNode poll =
        owner.client().poll("topics", List.of(topic), "since", Map.of(topic, old)).json();
    assertThat(poll.get("messages").valueStream().map(it -> it.at("/payload/n").asInt()))
        .containsExactly(10, 11);
    assertThat(poll.get("gaps")).hasSize(1);
    try (EventSource events = EventSource.open(owner.client(), topic, "?last_event_id=" + old)) {
      events.expect("gap");
      assertThat(events.numbers(2)).containsExactly(10, 11);
    }
    owner.client().get(path(topic) + "/messages?cursor=" + old).expect(422);
  }

  @Test
  void killedServer_hasNoMessagesOfADeletedTopic() {
    try (TidingsProcess killed = TidingsProcess.startSecured(Map.of())) {
      RelayClient owner = killed.admin();
      String topic = RelayClient.unique("deleted");
      String kept = RelayClient.unique("kept");
      owner.publishNumbers(topic, 0, 500);
      String old = owner.publishNumber(topic, 500);
      owner.publishNumbers(kept, 0, 3);

      owner.request("DELETE", path(topic)).expect(204);
      killed.kill9();
      killed.restart();

      RelayClient later = killed.admin();
      later.get(path(topic)).expectDetail(404, "Topic '" + topic + "' not found");
      assertThat(later.readFrom(topic, old).messages()).isEmpty();
      later.publishNumber(topic, 1000);
      assertThat(later.readAll(topic).numbers()).containsExactly(1000);
      assertThat(later.get(path(topic) + "/messages").json().get("total").asInt()).isEqualTo(1);
      assertThat(later.readAll(kept).numbers()).containsExactly(0, 1, 2);
    }
  }

  // ---- what a topic retains ----

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @Test
  void retentionOfATopic_isKeptToByTheSweep_alsoAfterARestart() {
    try (TidingsProcess swept =
        TidingsProcess.startSecured(Map.of("TIDINGS_RETENTION_SWEEP_INTERVAL", "100ms"))) {
      RelayClient owner = swept.admin();
      // Swept in the order of their names: when the last one is trimmed, the first was looked at.
      String full = "a-full";
      String over = "b-over";
      for (String topic : List.of(full, over)) {
        owner.createTopic("topic_name", topic).expect(201);
        JsonNode changed =
            put(owner, topic, Map.of("retention", Map.of("max_messages", 5))).expect(200).json();
        assertThat(changed.at("/retention/max_messages").asInt()).isEqualTo(5);
        assertThat(changed.at("/retention/max_bytes").isNull()).isTrue();
      }
      owner.publishNumbers(full, 0, 5);
      owner.publishNumbers(over, 0, 6);
      Await.until("one is trimmed", () -> owner.readAll(over).numbers().equals(range(1, 6)));
      assertThat(owner.readAll(full).numbers()).isEqualTo(range(0, 5));

      swept.kill9();
      swept.restart();

      RelayClient later = swept.admin();
      assertThat(later.get(path(over)).json().at("/retention/max_messages").asInt()).isEqualTo(5);
      later.publishNumbers(over, 6, 40);
      Await.until("it is trimmed again", () -> later.readAll(over).numbers().equals(range(35, 40)));

      // What is not sent stays; what is sent is all that counts.
      put(later, over, Map.of("description", "trimmed")).expect(200);
      assertThat(later.get(path(over)).json().at("/retention/max_messages").asInt()).isEqualTo(5);
      put(later, over, Map.of("retention", Map.of())).expect(200);
      assertThat(later.get(path(over)).json().at("/retention/max_messages").isNull()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"max_messages\": -1}",
        "{\"max_messages\": 1.5}",
        "{\"max_messages\": \"many\"}",
        "{\"max_messages\": []}",
        "{\"max_bytes\": -1}",
        "{\"max_bytes\": \"1KiB\"}",
        "{\"max_age_seconds\": -1}",
        "{\"max_age_seconds\": {}}",
        "{\"max_messages\": 3, \"max_bytes\": -1}",
        "[]",
        "5",
        "\"long\""
      })
  void badRetention_is422_andChangesNothing(String retention) {
    String topic = RelayClient.unique("bad-retention");
    String named = RelayClient.unique("never-made");
    admin.createTopic("topic_name", topic, "retention", Map.of("max_messages", 7)).expect(201);
    String body = "{\"description\": \"new\", \"retention\": " + retention + "}";

    Reply reply = admin.send("PUT", path(topic), BodyPublishers.ofString(body)).expect(422);
    admin
        .postRaw("/api/v1/topics", body.replaceFirst("\\{", "{\"topic_name\": \"" + named + "\", "))
        .expect(422);

    JsonNode location = reply.json().at("/detail/0/loc");
    assertThat(Json.texts(location)).startsWith("body", "retention");
    JsonNode unchanged = admin.get(path(topic)).expect(200).json();
    assertThat(unchanged.at("/retention/max_messages").asInt()).isEqualTo(7);
    assertThat(unchanged.get("description").isNull()).isTrue();
    admin.get(path(named)).expect(404);
  }

  @Test
  void bounds_ofRetention_areTaken() {
    String topic = RelayClient.unique("bounds");
    admin.createTopic("topic_name", topic).expect(201);
    for (long bound : new long[] {0, 1, Long.MAX_VALUE}) {
      JsonNode changed =
          put(admin, topic, Map.of("retention", Map.of("max_messages", bound, "max_bytes", bound)))
              .expect(200)
              .json();
      assertThat(changed.at("/retention/max_messages").asLong()).isEqualTo(bound);
      assertThat(changed.at("/retention/max_bytes").asLong()).isEqualTo(bound);
    }
  }
}
