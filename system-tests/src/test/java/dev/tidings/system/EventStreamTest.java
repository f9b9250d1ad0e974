// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.File;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// A topic as Server-Sent Events.
@SystemTest
final class EventStreamTest {

  private final TidingsProcess secured;
  private final TidingsProcess shortTokens;
  private final TidingsProcess tight;
  private final RelayClient admin;

  EventStreamTest(
      @On(Setup.SECURED) TidingsProcess secured,
      @On(Setup.SHORT_TOKENS) TidingsProcess shortTokens,
      @On(Setup.TIGHT) TidingsProcess tight) {
    this.secured = secured;
    this.shortTokens = shortTokens;
    this.tight = tight;
    this.admin = secured.admin();
  }

  private static String path(String topic) {
    return "/api/v1/topics/" + topic + "/events";
  }

  private static String invalid(String source, String name, String rule, String input) {
    return Json.write(
        Json.object(
            "type",
            "value_error",
            "loc",
            List.of(source, name),
            "msg",
            "Value error, " + rule,
            "input",
            input,
            "ctx",
            Map.of("error", Map.of())));
  }

  // What it says

  @Test
  void message_isAnEventWithItsIdAndTheDataOfTheSocketsFrame() {
    String topic = RelayClient.unique("shape");
    try (RelaySocket socket = admin.subscribe(topic);
        EventSource events = EventSource.open(admin, topic, "")) {
      String id =
          admin
              .publish(topic, Map.of("a", List.of(1, "zwei – ②")), "metadata", Map.of("k", "v"))
              .expect(201)
              .messageId();

      EventSource.Event event = events.expect("message");

      assertThat(event.id()).isEqualTo(id);
      assertThat(event.json()).isEqualTo(socket.expect("message"));
    }
  }

  @Test
  void answer_isNotToBeKeptByAnybodyBetween() {
    try (EventSource events = EventSource.open(admin, RelayClient.unique("headers"), "")) {
      assertThat(events.header("cache-control")).isEqualTo("no-store");
      assertThat(events.header("x-accel-buffering")).isEqualTo("no");
    }
  }

  @Test
  void payloadWithLineBreaks_isOneEventAndTheSameValue() {
    String topic = RelayClient.unique("lines");
    try (EventSource events = EventSource.open(admin, topic, "")) {
      String payload = "{\r\n \"a\":\n\n1,\r\"b\" : \"x\\ny\"\n}";
      admin
          .postRaw("/api/v1/messages", "{\"topic\":\"" + topic + "\",\"payload\":" + payload + "}")
          .expect(201);

      EventSource.Event event = events.expect("message");

      // CR and CRLF end lines too, so they come as LF; nothing else changes.
      assertThat(event.data())
          .contains("\"payload\":{\n \"a\":\n\n1,\n\"b\" : \"x\\ny\"\n},\"timestamp\"");
      assertThat(event.json().get("payload")).isEqualTo(Json.parse(payload));
    }
  }

  @Test
  void curl_readsIt() throws Exception {
    assumeTrue(
        Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "curl"))),
        "curl is not on PATH");
    String topic = RelayClient.unique("curl");
    String id = admin.publishNumber(topic, 1);
    Process curl =
        new ProcessBuilder(
                "curl",
                "-sN",
                "-H",
                "Authorization: Bearer " + admin.token(),
                secured.url() + path(topic) + "?offset=earliest")
            .start();
    try (var lines = curl.inputReader(UTF_8)) {
      String first = lines.readLine();
      assertThat(first).startsWith("id: msg_");
      assertThat(lines.readLine()).isEmpty();
      assertThat(lines.readLine()).isEqualTo("id: " + id);
      assertThat(lines.readLine()).isEqualTo("event: message");
      assertThat(lines.readLine()).startsWith("data: {\"type\":\"message\"");
      assertThat(lines.readLine()).isEmpty();
    } finally {
      curl.destroyForcibly();
    }
  }

  // Where it begins

  @Test
  void withoutAPlace_itIsLive_fromTheHeadOfTheAnswerOn() {
    String topic = RelayClient.unique("live");
    admin.publishNumber(topic, 1);
    try (EventSource events = EventSource.open(admin, topic, "")) {
      admin.publishNumber(topic, 2);
      assertThat(events.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void places_areTakenFromHeaderThenLastEventIdThenOffset() {
    String topic = RelayClient.unique("places");
    List<String> ids = admin.publishNumbers(topic, 0, 4);
    record Case(String query, List<Integer> numbers, List<String> headers) {
      Case(String query, List<Integer> numbers) {
        this(query, numbers, List.of());
      }
    }
    for (Case each :
        List.of(
            new Case("?offset=earliest", List.of(0, 1, 2, 3)),
            new Case("?offset=" + ids.get(0), List.of(1, 2, 3)),
            new Case("?offset=" + Shape.asUuid(ids.get(1)), List.of(2, 3)),
            new Case("?last_event_id=" + ids.get(2), List.of(3)),
            new Case("?offset=earliest&last_event_id=" + ids.get(1), List.of(2, 3)),
            new Case("", List.of(1, 2, 3), List.of("Last-Event-ID", ids.get(0))),
            new Case(
                "?offset=earliest&last_event_id=" + ids.get(0),
                List.of(3),
                List.of("Last-Event-ID", ids.get(2))))) {
      try (EventSource events =
          EventSource.open(admin, topic, each.query(), each.headers().toArray(String[]::new))) {
        assertThat(events.numbers(each.numbers().size()))
            .as(each.query())
            .isEqualTo(each.numbers());
      }
    }
  }

  @Test
  void placeThatIsNone_is422() {
    String path = path(RelayClient.unique("typo"));
    String rule = " must be 'last', 'earliest' or the id of a message";
    admin
        .get(path + "?offset=newest")
        .expectInvalid(invalid("query", "offset", "offset" + rule, "newest"));
    admin
        .get(path + "?last_event_id=5")
        .expectInvalid(invalid("query", "last_event_id", "last_event_id" + rule, "5"));
    admin
        .send("GET", path, java.net.http.HttpRequest.BodyPublishers.noBody(), "Last-Event-ID", "x")
        .expectInvalid(invalid("header", "last-event-id", "last-event-id" + rule, "x"));
  }

  @Test
  void comingBackWithTheFirstId_missesNothing() {
    String topic = RelayClient.unique("return");
    admin.publishNumber(topic, 1);
    String place;
    try (EventSource events = EventSource.open(admin, topic, "")) {
      place = events.firstId();
    }
    admin.publishNumber(topic, 2);
    try (EventSource events = EventSource.open(admin, topic, "", "Last-Event-ID", place)) {
      assertThat(events.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void comingBackAfterWaitingForAMissingTopic_missesNothing() {
    String topic = RelayClient.unique("early");
    String place;
    try (EventSource events = EventSource.open(admin, topic, "")) {
      place = events.firstId();
    }
    admin.publishNumber(topic, 1);
    try (EventSource events = EventSource.open(admin, topic, "", "Last-Event-ID", place)) {
      assertThat(events.numbers(1)).containsExactly(1);
    }
  }

  @Test
  void idOfAnotherLog_isAGapAndThenEverything() {
    String topic = RelayClient.unique("gap");
    String foreign = admin.publishNumber(RelayClient.unique("foreign"), 0);
    List<String> ids = admin.publishNumbers(topic, 0, 2);
    try (EventSource events = EventSource.open(admin, topic, "", "Last-Event-ID", foreign)) {
      EventSource.Event gap = events.expect("gap");

      assertThat(gap.json())
          .isEqualTo(
              Json.parse(
                  Json.write(Json.object("topic", topic, "from", null, "to", ids.getFirst()))));
      assertThat(events.numbers(2)).containsExactly(0, 1);
    }
  }

  @Test
  void missingTopic_isWaitedFor_fromItsFirstMessage() {
    String topic = RelayClient.unique("missing");
    try (EventSource events = EventSource.open(admin, topic, "")) {
      admin.publishNumbers(topic, 0, 3);
      assertThat(events.numbers(3)).containsExactly(0, 1, 2);
    }
  }

  @Test
  void name_upTo255Characters_isATopic() {
    String path = path(URLEncoder.encode("ä", UTF_8).repeat(256));
    admin
        .get(path)
        .expectInvalid(
            invalid(
                "path",
                "topic_name",
                "a topic's name has at most 255 characters",
                "ä".repeat(256)));
    String longest = URLEncoder.encode("ä", UTF_8).repeat(255);
    try (EventSource events = EventSource.open(admin, longest, "")) {
      assertThat(events.firstId()).startsWith("msg_");
    }
  }

  @Test
  void aThousandMessages_comeInOrder_toAReaderWhoWasAway() {
    String topic = RelayClient.unique("order");
    admin.publishNumbers(topic, 0, 500);
    try (EventSource events = EventSource.open(admin, topic, "?offset=earliest")) {
      admin.publishNumbers(topic, 500, 1_000);
      assertThat(events.numbers(1_000)).isEqualTo(IntStream.range(0, 1_000).boxed().toList());
    }
  }

  @Test
  void otherMethods_are405() {
    admin.request("POST", path("x")).expectDetail(405, "Method Not Allowed");
  }

  // Who may

  @Test
  void token_mayBeAParameter() {
    String topic = RelayClient.unique("parameter");
    admin.publishNumber(topic, 1);
    try (EventSource events =
        EventSource.open(secured.anonymous(), topic, "?offset=earliest&token=" + admin.token())) {
      assertThat(events.numbers(1)).containsExactly(1);
    }
    secured
        .anonymous()
        .get(path(topic) + "?token=nonsense")
        .expectUnauthorized("Invalid or expired token");
    secured.anonymous().get(path(topic)).expectUnauthorized("Not authenticated");
  }

  @Test
  void whoMayNot_isRefusedAsAPollIs() {
    String topic = RelayClient.unique("private");
    admin.publishNumber(topic, 1);
    admin
        .newUser("read")
        .client()
        .get(path(topic))
        .expectDetail(403, "Access denied to topics: ['" + topic + "']");
    admin
        .newUser("write")
        .client()
        .get(path(topic))
        .expectDetail(403, "Permission 'read' required");
    // The order of checks: who calls comes before what it asks.
    secured.anonymous().get(path(topic) + "?offset=x").expect(401);
  }

  @Test
  void topicThatIsCreatedAndMayNotBeRead_endsTheStream() {
    String topic = RelayClient.unique("created");
    try (EventSource events = EventSource.open(admin.newUser("read").client(), topic, "")) {
      admin.publishNumber(topic, 1);

      assertThat(events.expect("ended").json())
          .isEqualTo(
              Json.parse(
                  Json.write(
                      Json.object(
                          "code",
                          "ACCESS_DENIED",
                          "message",
                          "Access denied to topics: ['" + topic + "']"))));
      events.expectEnd();
    }
  }

  @Test
  void tokenThatEnds_isWarnedOf_andEndsTheStream() {
    RelayClient client = shortTokens.admin();
    try (EventSource events = EventSource.open(client, RelayClient.unique("token"), "")) {
      assertThat(events.expect("token_expiring").json().get("expires_at").asString())
          .matches(Shape.TIMESTAMP);
      assertThat(events.expect("ended").json().get("code").asString()).isEqualTo("TOKEN_EXPIRED");
      events.expectEnd();
    }
  }

  @Test
  void serverThatStops_saysSo() {
    try (TidingsProcess server = TidingsProcess.startDev(Map.of());
        EventSource events = EventSource.open(server.admin(), "topic", "")) {
      server.requestStop();

      assertThat(events.expect("ended").json().get("code").asString()).isEqualTo("SERVER_STOPS");
      events.expectEnd();
      assertThat(server.awaitExit(Await.SOON)).isZero();
    }
  }

  // Quiet, slow and gone clients

  @Test
  void quietStream_hasHeartbeats() {
    // The ping interval of this server is one second.
    try (EventSource events = EventSource.open(tight.admin(), RelayClient.unique("quiet"), "")) {
      assertThat(events.nextComment()).isEqualTo(":");
      assertThat(events.nextComment()).isEqualTo(":");
    }
  }

  private static double streams(RelayClient client) {
    return OperationsTest.metric(client, "tidings_event_streams_active");
  }

  @Test
  void clientThatIsGone_isForgotten() {
    try (TidingsProcess server = TidingsProcess.startDev(Map.of())) {
      RelayClient client = server.admin();
      EventSource events = EventSource.open(client, "topic", "");
      assertThat(streams(client)).isEqualTo(1);
      events.close();
      Await.until("no stream is left", () -> streams(client) == 0);
    }
  }

  /// More than the buffers of both ends and the network take.
  private static void publishMuch(RelayClient client, String topic) {
    client.publishNumbers(topic, 0, 300, "x".repeat(60_000));
  }

  @Test
  void clientThatTakesNothing_isCutOff_andItsNeighboursAreNot() {
    try (TidingsProcess server =
        TidingsProcess.startDev(Map.of("TIDINGS_WEBSOCKET_PING_INTERVAL", "1s"))) {
      RelayClient client = server.admin();
      publishMuch(client, "much");
      try (RawConnection mute = RawConnection.open(server, 4_096);
          EventSource neighbour = EventSource.open(client, "much", "")) {
        mute.writeHead("GET " + path("much") + "?offset=earliest HTTP/1.1");
        assertThat(mute.readHead().getFirst()).isEqualTo("HTTP/1.1 200 OK");
        Await.until("both are open", () -> streams(client) == 2);
        Await.until("the mute one is cut off", () -> streams(client) == 1);

        client.publishNumber("much", 1_000);

        assertThat(neighbour.numbers(1)).containsExactly(1_000);
      }
    }
  }

  @Test
  void slowClient_getsEverythingInOrder() throws Exception {
    String topic = RelayClient.unique("slow");
    try (RawConnection slow = RawConnection.open(secured, 4_096)) {
      slow.writeHead("GET " + path(topic) + " HTTP/1.1", "Authorization: Bearer " + admin.token());
      slow.readHead();
      publishMuch(admin, topic);
      String text = "";
      int next = 0;
      while (next < 300) {
        text += new String(slow.readFully(32 * 1024), UTF_8);
        for (int at = text.indexOf("{\"n\":"); at >= 0; at = text.indexOf("{\"n\":")) {
          int end = text.indexOf(',', at);
          if (end < 0) {
            break;
          }
          // A boundary of chunks never lies within these few bytes: each event begins a chunk.
          assertThat(Integer.parseInt(text.substring(at + 5, end))).isEqualTo(next++);
          text = text.substring(end);
        }
        text = text.substring(Math.max(0, text.length() - 200));
        if (next == 300) {
          break;
        }
      }
    }
  }

  // How many

  static Stream<Arguments> ways() {
    return Stream.of(argumentSet("a socket", true), argumentSet("an event stream", false));
  }

  @ParameterizedTest
  @MethodSource("ways")
  void connectionsOfOneUser_areBounded_socketsAndStreamsTogether(boolean closeSocket) {
    try (TidingsProcess server =
        TidingsProcess.startSecured(Map.of("TIDINGS_LIMITS_CONNECTIONS_PER_USER", "2"))) {
      RelayClient first = server.admin().newUser("read").client();
      RelayClient second = server.admin().newUser("read").client();
      RelaySocket socket = first.subscribe("topic");
      EventSource events = EventSource.open(first, "topic", "");
      String detail =
          "too many live connections of this user (limit: 2, WebSockets and event streams"
              + " together); close one first";

      first.get(path("topic")).expectDetail(429, detail);
      assertThat(
              RelaySocket.refusedStatus(
                  java.net.URI.create(server.webSocketUrl() + "?token=" + first.token())))
          .isEqualTo(429);
      // Refusals do not count, and others are not concerned.
      second.subscribe("topic").close();

      if (closeSocket) {
        socket.close();
      } else {
        events.close();
      }
      Await.until("there is room again", Duration.ofSeconds(10), () -> opens(first));
      socket.close();
      events.close();
    }
  }

  private static boolean opens(RelayClient client) {
    try (var connection = RawConnection.open(client.server())) {
      connection.writeHead(
          "GET " + path("topic") + " HTTP/1.1", "Authorization: Bearer " + client.token());
      return connection.readHead().getFirst().contains(" 200 ");
    }
  }
}
