// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What every request meets before its endpoint: ids, hosts, origins, limits; and what is logged of
/// it.
@Tag("embedded")
@SystemTest
final class EdgeTest {

  private static final String FORM = "application/x-www-form-urlencoded";

  private final TidingsProcess server;
  private final TidingsProcess plain;
  private final RelayClient admin;
  private final RelayClient nobody;

  EdgeTest(@On(Setup.EDGE) TidingsProcess server, @On(Setup.SECURED) TidingsProcess plain) {
    this.server = server;
    this.plain = plain;
    this.admin = server.admin();
    this.nobody = server.anonymous();
  }

  private static Reply send(RelayClient client, String method, String path, String... headers) {
    return client.send(method, path, BodyPublishers.noBody(), headers);
  }

  private static Reply raw(TidingsProcess server, String requestLine, String... headerLines) {
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(requestLine, headerLines);
      return connection.readReply();
    }
  }

  // ---- request ids ----

  @Test
  void everyAnswer_carriesAnIdOfItsOwn() {
    RelayClient client = plain.admin();
    List<Reply> replies =
        List.of(
            client.get("/health"),
            client.get("/nope"),
            client.get("/health/"),
            client.get("/auth/login"),
            client.request("PATCH", "/api/v1/topics/x"),
            client.get("/api/v1/topics/no-such-topic"),
            plain.anonymous().me(),
            client.publish("id", Map.of("n", 1)),
            client.postRaw("/api/v1/messages", "{"),
            raw(plain, "GET /ws HTTP/1.1"),
            raw(plain, "POST /health HTTP/1.1", "Content-Length: many"),
            raw(plain, "GET /" + "x".repeat(10_000) + " HTTP/1.1"),
            raw(server, "GET /health HTTP/1.1", "Host: evil.test"));

    assertThat(replies.stream().map(reply -> reply.header("x-request-id").orElse("none")))
        .doesNotHaveDuplicates()
        .allMatch(id -> id.matches("[0-9a-f]{8}-[0-9a-f]+"));
  }

  @Test
  void unreadableRequest_isToldWhatIsWrong_andTheConnectionEnds() {
    for (String request :
        List.of(
            "400 GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
            "414 GET /" + "x".repeat(10_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
            "431 GET /health HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(20_000) + "\r\n\r\n")) {
      try (var connection = RawConnection.open(plain)) {
        connection.writeUntilRefused(request.substring(4).getBytes(ISO_8859_1));

        Reply reply = connection.readReply().expect(Integer.parseInt(request.substring(0, 3)));
        assertThat(reply.json().get("detail").asString()).contains("request");
        connection.expectEnd();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 128})
  void usableIdOfTheClient_isTaken(int length) {
    String id = "~".repeat(length);

    assertThat(send(nobody, "GET", "/health", "X-Request-ID", id).header("x-request-id"))
        .hasValue(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"two words", "tab\there", "\u00e9", "   "})
  void unusableIdOfTheClient_isReplaced(String id) {
    try (var connection = RawConnection.open(plain)) {
      connection.write(
          ("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: " + id + "\r\n\r\n")
              .getBytes(ISO_8859_1));

      assertThat(connection.readReply().header("x-request-id").orElseThrow())
          .matches("[0-9a-f]{8}-[0-9a-f]+");
    }
  }

  @Test
  void tooLongIdOfTheClient_isReplaced() {
    assertThat(
            send(nobody, "GET", "/health", "X-Request-ID", "x".repeat(129)).header("x-request-id"))
        .hasValueSatisfying(id -> assertThat(id).hasSizeLessThan(40));
  }

  @Test
  void upgrade_carriesItsIdToo() {
    try (var connection = RawConnection.open(server)) {
      Reply reply =
          RawWebSocket.upgrade(
              connection, "/ws?token=" + admin.token(), "X-Request-ID: socket-of-a-test");

      assertThat(reply.status()).isEqualTo(101);
      assertThat(reply.header("x-request-id")).hasValue("socket-of-a-test");
    }
    awaitLine("[socket-of-a-test] - GET /ws 101 ");
  }

  // ---- hosts ----

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, 200",
    "127.0.0.1:9999, 200",
    "relay.test, 200",
    "RELAY.TEST:80, 200",
    "a.wild.test, 200",
    "a.b.wild.test, 200",
    "wild.test, 400",
    "evilwild.test, 400",
    "evil.test, 400",
    "relay.test.evil.test, 400",
    "localhost, 400"
  })
  void host_thatIsNotTrusted_is400(String host, int status) {
    Reply reply = raw(server, "GET /health HTTP/1.1", "Host: " + host).expect(status);

    if (status == 400) {
      reply.expectDetail(400, "Invalid host header");
    }
  }

  @Test
  void host_isNotLookedAt_byDefault() {
    raw(plain, "GET /health HTTP/1.1", "Host: anything.test").expect(200);
  }

  @Test
  void host_missing_is400() {
    try (var connection = RawConnection.open(server)) {
      connection.write("GET /health HTTP/1.0\r\n\r\n");

      assertThat(connection.readReply().status()).isEqualTo(400);
    }
  }

  // ---- origins ----

  @Test
  void listedOrigin_mayReadAnswers() {
    for (String path : List.of("/health", "/auth/me", "/nope")) {
      Reply reply = send(nobody, "GET", path, "Origin", "https://app.test");

      assertThat(reply.header("access-control-allow-origin")).hasValue("https://app.test");
      assertThat(reply.header("access-control-expose-headers").orElseThrow())
          .contains("X-Request-ID", "Retry-After");
      assertThat(reply.header("access-control-allow-credentials")).isEmpty();
      assertThat(reply.header("vary"))
          .hasValueSatisfying(it -> assertThat(it).isEqualToIgnoringCase("origin"));
    }
  }

  @Test
  void otherOrigin_getsItsAnswerWithoutLeave() {
    Reply reply = send(nobody, "GET", "/health", "Origin", "https://other.test").expect(200);

    assertThat(reply.header("access-control-allow-origin")).isEmpty();
    assertThat(reply.header("vary")).isPresent();
  }

  @Test
  void preflight_ofAListedOrigin_tellsWhatMayBeSent() {
    Reply reply =
        send(
                nobody,
                "OPTIONS",
                "/api/v1/messages",
                "Origin",
                "https://app.test",
                "Access-Control-Request-Method",
                "POST",
                "Access-Control-Request-Headers",
                "authorization,content-type")
            .expect(204);

    assertThat(reply.header("access-control-allow-origin")).hasValue("https://app.test");
    assertThat(reply.header("access-control-allow-methods").orElseThrow())
        .contains("GET", "POST", "PUT", "PATCH", "DELETE");
    assertThat(reply.header("access-control-allow-headers").orElseThrow())
        .contains("Authorization", "Content-Type");
    assertThat(reply.header("access-control-max-age")).isPresent();
  }

  @Test
  void preflight_ofAnotherOrigin_isRefused() {
    Reply reply =
        send(
                nobody,
                "OPTIONS",
                "/api/v1/messages",
                "Origin",
                "https://other.test",
                "Access-Control-Request-Method",
                "POST")
            .expectDetail(400, "Disallowed CORS origin");

    assertThat(reply.header("access-control-allow-origin")).isEmpty();
  }

  @Test
  void origins_areNoMatter_byDefault() {
    Reply reply = send(plain.anonymous(), "GET", "/health", "Origin", "https://app.test");

    assertThat(reply.headers()).doesNotContainKeys("access-control-allow-origin", "vary");
    send(
            plain.anonymous(),
            "OPTIONS",
            "/health",
            "Origin",
            "https://app.test",
            "Access-Control-Request-Method",
            "GET")
        .expect(405);
  }

  @ParameterizedTest
  @CsvSource({"https://app.test, 101", "https://other.test, 403", "null, 403"})
  void webSocket_ofAPage_isOpenedForListedOriginsOnly(String origin, int status) {
    try (var connection = RawConnection.open(server)) {
      assertThat(
              RawWebSocket.upgrade(connection, "/ws?token=" + admin.token(), "Origin: " + origin)
                  .status())
          .isEqualTo(status);
    }
  }

  @Test
  void webSocket_withoutOrigin_isOpened() {
    try (var connection = RawConnection.open(server)) {
      assertThat(RawWebSocket.upgrade(connection, "/ws?token=" + admin.token()).status())
          .isEqualTo(101);
    }
  }

  @Test
  void anyOrigin_mayBeAllowed() {
    try (TidingsProcess open =
        TidingsProcess.startSecured(Map.of("TIDINGS_SERVER_ALLOWED_ORIGINS", "*"))) {
      Reply reply = send(open.anonymous(), "GET", "/health", "Origin", "https://any.test");

      assertThat(reply.header("access-control-allow-origin")).hasValue("*");
      try (var connection = RawConnection.open(open)) {
        assertThat(
                RawWebSocket.upgrade(
                        connection, "/ws?token=" + open.admin().token(), "Origin: https://any.test")
                    .status())
            .isEqualTo(101);
      }
    }
  }

  // ---- limits ----

  private Reply loginFrom(String address) {
    return nobody.send(
        "POST",
        "/auth/login",
        BodyPublishers.ofString("username=nobody&password=wrong"),
        "Content-Type",
        FORM,
        "X-Forwarded-For",
        address);
  }

  private Reply publishFrom(String address, String path, Object body) {
    return admin.send(
        "POST",
        path,
        BodyPublishers.ofString(Json.write(body)),
        "Content-Type",
        "application/json",
        "X-Forwarded-For",
        address);
  }

  @Test
  void logins_beyondTheLimit_are429() {
    String address = "203.0.113.1";
    for (int remaining = 2; remaining >= 0; remaining--) {
      Reply reply = loginFrom(address).expect(401);

      assertThat(reply.header("x-ratelimit-limit")).hasValue("3");
      assertThat(reply.header("x-ratelimit-remaining")).hasValue("" + remaining);
      assertThat(reply.header("retry-after")).isEmpty();
    }
    Reply refused = loginFrom(address).expect(429);

    long seconds = Long.parseLong(refused.header("retry-after").orElseThrow());
    assertThat(seconds).isBetween(1L, 60L);
    assertThat(refused.json().get("detail").asString())
        .isEqualTo("Rate limit exceeded: 3 per minute; try again in " + seconds + " s");
    assertThat(refused.header("x-ratelimit-remaining")).hasValue("0");
    assertThat(Long.parseLong(refused.header("x-ratelimit-reset").orElseThrow()))
        .isCloseTo(Instant.now().getEpochSecond() + seconds, within(5L));
    loginFrom("203.0.113.2").expect(401);
  }

  @Test
  void publishes_beyondTheLimit_are429AndStoreNothing() {
    String topic = RelayClient.unique("limited");
    Object message = Json.object("topic", topic, "payload", Map.of("n", 1));
    for (int i = 0; i < 2; i++) {
      publishFrom("203.0.113.3", "/api/v1/messages", message).expect(201);
    }
    publishFrom("203.0.113.3", "/api/v1/messages", message).expect(429);
    publishFrom("203.0.113.4", "/api/v1/messages", message).expect(201);

    assertThat(admin.readAll(topic).messages()).hasSize(3);
  }

  @Test
  void bulks_haveALimitOfTheirOwn() {
    Object bulk =
        Map.of(
            "messages", List.of(Map.of("topic", RelayClient.unique("bulk"), "payload", Map.of())));
    publishFrom("203.0.113.5", "/api/v1/messages/bulk", bulk).expect(207);
    publishFrom("203.0.113.5", "/api/v1/messages/bulk", bulk).expect(429);
  }

  @Test
  void forgedAddresses_beforeTheLastOne_doNotCount() {
    for (int i = 0; i < 3; i++) {
      loginFrom("198.51.100." + i + ", 203.0.113.6").expect(401);
    }
    loginFrom("198.51.100.99, 203.0.113.6, 127.0.0.1").expect(429);
  }

  @Test
  void limits_areOff_byDefault() {
    Reply reply = plain.anonymous().login("nobody", "wrong").expect(401);

    assertThat(reply.headers()).doesNotContainKeys("x-ratelimit-limit", "retry-after");
  }

  // ---- logs ----

  private void awaitLine(String part) {
    Await.until("a line with " + part, () -> server.errors().contains(part));
  }

  @Test
  void accessLog_hasALineForEachRequest() {
    send(admin, "GET", "/auth/me?a=hidden-in-the-query", "X-Request-ID", "access-1").expect(200);
    send(nobody, "POST", "/nope", "X-Request-ID", "access-2").expect(404);

    awaitLine("[access-1] - GET /auth/me 200 ");
    awaitLine("[access-2] - POST /nope 404 ");
    assertThat(server.errors().lines().filter(line -> line.contains("[access-1]")))
        .singleElement()
        .asString()
        .matches(".* INFO .* access \\[access-1] - GET /auth/me 200 [0-9.]+ ms [0-9]+ B user=admin")
        .doesNotContain("hidden-in-the-query");
  }

  @Test
  void accessLog_tellsOfAClientThatLeft() {
    try (var connection = RawConnection.open(server)) {
      String body = "{\"topics\":[\"never\"],\"timeout\":60}";
      connection.writeHead(
          "POST /messages/poll HTTP/1.1",
          "Authorization: Bearer " + admin.token(),
          "X-Request-ID: left-alone",
          "Content-Type: application/json",
          "Content-Length: " + body.length());
      connection.write(body);
      raw(server, "GET /health HTTP/1.1");
    }
    awaitLine("[left-alone] - POST /messages/poll 499 ");
  }

  @Test
  void tokensAndPasswords_areNeverLogged() {
    String secret = "a-password-that-must-not-be-logged";
    nobody.login("admin", secret);
    send(nobody, "GET", "/auth/me?token=" + admin.token());
    send(nobody.withToken(admin.token() + "x"), "GET", "/auth/me", "X-Request-ID", "token-test");
    try (RelaySocket socket = admin.open()) {
      socket.send(Map.of("type", "refresh", "token", admin.token()));
    }
    awaitLine("[token-test]");

    assertThat(server.errors()).doesNotContain(admin.token(), secret);
  }

  @Test
  void jsonLog_carriesTheIdAndTheFields() {
    try (TidingsProcess json =
        TidingsProcess.startDev(
            Map.of(
                "TIDINGS_LOG_FORMAT", "json",
                "TIDINGS_LOG_LEVEL", "warn",
                "TIDINGS_LOG_ACCESS", "true"))) {
      send(json.anonymous(), "GET", "/health", "X-Request-ID", "json-1");

      Await.until("its line", () -> json.errors().contains("\"json-1\""));
      JsonNode line =
          json.errors()
              .lines()
              .filter(it -> it.contains("\"json-1\""))
              .map(Json::parse)
              .findFirst()
              .orElseThrow();
      assertThat(line.get("mdc").get("request_id").asString()).isEqualTo("json-1");
      assertThat(line.get("kvpList").toString())
          .contains("{\"method\":\"GET\"}", "{\"path\":\"/health\"}", "\"status\"");
    }
  }

  // ---- calls that need no token ----

  @ParameterizedTest
  @CsvSource({"TIDINGS_PUBSUB_ANONYMOUS, /clients", "TIDINGS_STREAMS_ANONYMOUS, /api/v1/streams"})
  void anonymousCalls_onLoopback_comeFromThisMachineAlone(String variable, String path) {
    try (TidingsProcess open = TidingsProcess.startSecured(Map.of(variable, "all"))) {
      String call = "GET " + path + " HTTP/1.1";
      raw(open, call, "Host: localhost", "Origin: http://localhost:8080").expect(200);
      raw(open, call, "Host: localhost", "Origin: https://evil.test").expect(403);
      raw(open, call, "Host: evil.test", "Origin: http://evil.test").expect(403);
    }
  }

  // ---- starting with what everybody knows ----

  @Test
  void knownSecret_refusesToStart_withCode2_untilTolerated() {
    var environment = new HashMap<>(TidingsProcess.SECURED_ENVIRONMENT);
    environment.put("TIDINGS_AUTH_SECRET_KEY", "your-secret-key-here-change-in-production");
    try (TidingsProcess refusing =
        TidingsProcess.launchServe("known", TidingsProcess.newDataDir(), environment)) {
      assertThat(refusing.awaitExit(Duration.ofSeconds(20))).isEqualTo(2);
      assertThat(refusing.errors())
          .contains("auth.secret-key", "server.allow-insecure-settings")
          .doesNotContain("change-in-production", "\tat ");
    }
    environment.put("TIDINGS_SERVER_ALLOW_INSECURE_SETTINGS", "true");
    try (TidingsProcess tolerant = TidingsProcess.startSecured(environment)) {
      assertThat(tolerant.errors()).contains("WARN").contains("auth.secret-key");
      assertThat(tolerant.errors()).doesNotContain("change-in-production");
    }
  }
}
