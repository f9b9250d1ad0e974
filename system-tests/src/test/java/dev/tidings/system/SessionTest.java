// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Refresh tokens, sessions and logging out, and what becomes of those who are connected.
@SystemTest
final class SessionTest {
  private static final String INVALID = "invalid refresh token";
  private static final String REVOKED = "Token has been revoked";
  private static final String MISSING =
      """
      {"type":"missing","loc":["body","refresh_token"],"msg":"Field required","input":{}}\
      """;

  private final TidingsProcess server;
  private final RelayClient admin;
  private final RelayClient nobody;

  SessionTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
    this.nobody = server.anonymous();
  }

  /// What a login or a renewal has given.
  private record Tokens(String access, String refresh) {
    static Tokens of(Reply reply) {
      JsonNode json = reply.expect(200).json();
      assertThat(Json.names(json))
          .containsExactlyInAnyOrder("access_token", "token_type", "expires_in", "refresh_token");
      assertThat(json.get("token_type").asString()).isEqualTo("bearer");
      return new Tokens(json.get("access_token").asString(), json.get("refresh_token").asString());
    }
  }

  private Tokens logIn(User user) {
    return logIn(nobody, user);
  }

  private static Tokens logIn(RelayClient client, User user) {
    return Tokens.of(client.login(user.name(), user.password()));
  }

  private static Reply refresh(RelayClient client, String token) {
    return client.postJson("/auth/token/refresh", Json.object("refresh_token", token));
  }

  private Reply refresh(String token) {
    return refresh(nobody, token);
  }

  private Reply revoke(Object... fields) {
    return nobody.postJson("/auth/token/revoke", Json.object(fields));
  }

  private RelayClient as(Tokens tokens) {
    return server.anonymous().withToken(tokens.access());
  }

  private static Reply logOut(RelayClient client) {
    return client.request("POST", "/auth/logout");
  }

  private static List<String> sessions(RelayClient client) {
    return client
        .get("/auth/sessions")
        .expect(200)
        .json()
        .valueStream()
        .map(session -> session.get("jti").asString())
        .toList();
  }

  private static String loginOf(Tokens tokens) {
    return Jwt.claims(tokens.access()).get("sid").asString();
  }

  private Reply change(User user, Object... fields) {
    return admin.send(
        "PATCH",
        "/auth/users/" + user.id(),
        BodyPublishers.ofString(Json.write(Json.object(fields))),
        "Content-Type",
        "application/json");
  }

  // ---- refresh tokens ----

  @Test
  void login_givesAccessTokensOfTheirOwn_ofOneLoginEach() {
    User user = admin.newUser();
    JsonNode first = Jwt.claims(logIn(user).access());
    JsonNode second = Jwt.claims(logIn(user).access());

    assertThat(first.get("jti").asString()).matches(Shape.UUID);
    assertThat(first.get("jti")).isNotEqualTo(second.get("jti"));
    assertThat(first.get("sid").asString()).matches(Shape.UUID);
    assertThat(first.get("sid")).isNotEqualTo(second.get("sid"));
  }

  @Test
  void refresh_givesNewTokensOfTheSameLogin_andBothAccessTokensCount() {
    Tokens first = logIn(admin.newUser());

    Tokens second = Tokens.of(refresh(first.refresh()));
    Tokens third = Tokens.of(refresh(second.refresh()));

    assertThat(List.of(first.refresh(), second.refresh(), third.refresh())).doesNotHaveDuplicates();
    assertThat(List.of(loginOf(second), loginOf(third))).containsOnly(loginOf(first));
    for (Tokens tokens : List.of(first, second, third)) {
      as(tokens).me().expect(200);
    }
  }

  @Test
  void refreshTokenThatIsUsedTwice_endsTheLogin_andLeavesOthers() {
    User user = admin.newUser();
    Tokens stolen = logIn(user);
    Tokens other = logIn(user);
    Tokens renewed = Tokens.of(refresh(stolen.refresh()));

    refresh(stolen.refresh()).expectUnauthorized(INVALID);

    refresh(renewed.refresh()).expectUnauthorized(INVALID);
    as(renewed).me().expectUnauthorized(REVOKED);
    as(stolen).me().expectUnauthorized(REVOKED);
    as(other).me().expect(200);
    refresh(other.refresh()).expect(200);
  }

  @Test
  void refreshAtOnce_succeedsOnce_andTheLoginEnds() {
    Tokens tokens = logIn(admin.newUser());
    String body = Json.write(Json.object("refresh_token", tokens.refresh()));

    List<Reply> replies =
        IntStream.range(0, 8)
            .mapToObj(_ ->
                nobody.sendAsync(
                    "POST",
                    "/auth/token/refresh",
                    BodyPublishers.ofString(body),
                    "Content-Type",
                    "application/json"))
            .toList()
            .stream()
            .map(Await::result)
            .toList();

    assertThat(replies).extracting(Reply::status).containsOnly(200, 401).containsOnlyOnce(200);
    Reply won = replies.stream().filter(reply -> reply.status() == 200).findFirst().orElseThrow();
    as(Tokens.of(won)).me().expectUnauthorized(REVOKED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "garbage", "a.b", "a.b.c", "..", "e30.e30.e30"})
  void refreshWithGarbage_is401(String token) {
    refresh(token).expectUnauthorized(INVALID);
  }

  @Test
  void neitherTokenIsTakenForTheOther() {
    Tokens tokens = logIn(admin.newUser());

    refresh(tokens.access()).expectUnauthorized(INVALID);
    server
        .anonymous()
        .withToken(tokens.refresh())
        .me()
        .expectUnauthorized("Invalid or expired token");
    // Not even with the claims of the other, signed with the configured key.
    var claims = Jwt.claimsWith(tokens.refresh(), "iat", Instant.now().getEpochSecond());
    refresh(Jwt.hs256(claims, TidingsProcess.SECRET_KEY)).expectUnauthorized(INVALID);
    refresh(tokens.refresh()).expect(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/auth/token/refresh", "/auth/token/revoke"})
  void bodyWithoutToken_is422(String path) {
    nobody.postRaw(path, "{}").expectInvalid(MISSING);
    nobody.postRaw(path, "{").expectNotJson();
    nobody.postRaw(path, "{\"refresh_token\":5}").expect(422);
    nobody.postRaw(path, "").expect(422);
  }

  @Test
  void refreshOfADisabledUser_is401_andEndsTheLogin() {
    User user = admin.newUser();
    Tokens tokens = logIn(user);
    change(user, "is_active", false).expect(200);

    refresh(tokens.refresh()).expectUnauthorized("user not found");

    change(user, "is_active", true).expect(200);
    refresh(tokens.refresh()).expectUnauthorized(INVALID);
    as(tokens).me().expectUnauthorized(REVOKED);
  }

  @Test
  void refreshOfADeletedUser_is401() {
    User user = admin.newUser();
    Tokens tokens = logIn(user);
    admin.request("DELETE", "/auth/users/" + user.id()).expect(204);

    refresh(tokens.refresh()).expectUnauthorized("user not found");
    revoke("refresh_token", tokens.refresh()).expect(204);
    as(tokens).me().expectUnauthorized("User not found");
  }

  @Test
  void newPassword_endsAllLogins() {
    User user = admin.newUser();
    Tokens first = logIn(user);
    Tokens second = logIn(user);
    change(user, "email", "new@example.com").expect(200);
    as(first).me().expect(200);

    change(user, "password", "another-password").expect(200);

    as(first).me().expectUnauthorized(REVOKED);
    refresh(second.refresh()).expectUnauthorized(INVALID);
    nobody.login(user.name(), user.password()).expect(401);
    as(Tokens.of(nobody.login(user.name(), "another-password"))).me().expect(200);
  }

  // ---- revoking ----

  @Test
  void revokedToken_endsItsLogin() {
    Tokens tokens = logIn(admin.newUser());

    revoke("refresh_token", tokens.refresh()).expect(204);

    refresh(tokens.refresh()).expectUnauthorized(INVALID);
    as(tokens).me().expectUnauthorized(REVOKED);
    revoke("refresh_token", tokens.refresh()).expect(204);
  }

  @Test
  void revokingAnEarlierToken_endsTheLogin_onlyWithTheChain() {
    Tokens first = logIn(admin.newUser());
    Tokens second = Tokens.of(refresh(first.refresh()));

    revoke("refresh_token", first.refresh()).expect(204);
    as(second).me().expect(200);
    revoke("refresh_token", first.refresh(), "revoke_chain", true).expect(204);

    as(second).me().expectUnauthorized(REVOKED);
    refresh(second.refresh()).expectUnauthorized(INVALID);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "garbage", ".", ".b", "a."})
  void revokingWhatIsNoToken_is400(String token) {
    revoke("refresh_token", token).expectDetail(400, "malformed refresh token");
  }

  @Test
  void revokingWithoutProof_is204_andDoesNothing() {
    Tokens tokens = logIn(admin.newUser());

    revoke("refresh_token", "a.b").expect(204);
    revoke("refresh_token", loginOf(tokens) + ".secret", "revoke_chain", true).expect(204);
    revoke("refresh_token", tokens.access()).expect(204);

    refresh(tokens.refresh()).expect(200);
  }

  // ---- sessions ----

  @Test
  void sessions_areTheLoginsOfTheCallerThatLive() {
    User user = admin.newUser();
    User stranger = admin.newUser();
    // The client of a new user has logged in too.
    logOut(user.client()).expect(204);
    Tokens first = logIn(user);
    Tokens second = logIn(user);
    JsonNode fresh = as(first).get("/auth/sessions").expect(200).json();

    assertThat(fresh).hasSize(2);
    JsonNode session = fresh.get(0);
    assertThat(Json.names(session))
        .containsExactlyInAnyOrder("jti", "issued_at", "expires_at", "last_used_at", "client_hint");
    assertThat(session.get("jti").asString()).isEqualTo(loginOf(first));
    assertThat(session.get("last_used_at").isNull()).isTrue();
    assertThat(session.get("client_hint").asString()).isEqualTo("password-login");
    Instant issued = Instant.parse(session.get("issued_at").asString());
    assertThat(Duration.between(issued, Instant.parse(session.get("expires_at").asString())))
        .isEqualTo(Duration.ofDays(30));

    refresh(first.refresh()).expect(200);
    JsonNode used = as(first).get("/auth/sessions").expect(200).json().get(0);
    assertThat(Instant.parse(used.get("last_used_at").asString())).isAfterOrEqualTo(issued);
    assertThat(used.get("issued_at")).isEqualTo(session.get("issued_at"));
    assertThat(sessions(stranger.client())).doesNotContain(loginOf(first), loginOf(second));

    logOut(as(second)).expect(204);
    assertThat(sessions(as(first))).containsExactly(loginOf(first));
  }

  @Test
  void sessionThatIsEnded_isGone_andItsTokensWithIt() {
    User user = admin.newUser();
    Tokens here = logIn(user);
    Tokens there = logIn(user);

    as(here).request("DELETE", "/auth/sessions/" + loginOf(there)).expect(204);

    assertThat(sessions(as(here))).contains(loginOf(here)).doesNotContain(loginOf(there));
    as(there).me().expectUnauthorized(REVOKED);
    refresh(there.refresh()).expectUnauthorized(INVALID);
    as(here).request("DELETE", "/auth/sessions/" + loginOf(there)).expect(204);
  }

  @Test
  void sessionOfSomebodyElse_is404_alsoForAdmins() {
    Tokens tokens = logIn(admin.newUser());
    String path = "/auth/sessions/" + loginOf(tokens);

    admin.newUser("read").client().request("DELETE", path).expectDetail(404, "session not found");
    admin.request("DELETE", path).expectDetail(404, "session not found");
    admin.request("DELETE", "/auth/sessions/none").expectDetail(404, "session not found");
    nobody.request("DELETE", path).expectUnauthorized("Not authenticated");

    as(tokens).me().expect(200);
  }

  // ---- logging out ----

  @Test
  void loggedOut_itsTokensCountNoMore_andThoseOfOtherLoginsDo() {
    User user = admin.newUser("read", "write");
    Tokens first = logIn(user);
    Tokens other = logIn(user);
    Tokens renewed = Tokens.of(refresh(first.refresh()));

    logOut(as(renewed)).expect(204);

    for (Tokens ended : List.of(first, renewed)) {
      as(ended).me().expectUnauthorized(REVOKED);
      as(ended).publish("never-stored", Map.of()).expectUnauthorized(REVOKED);
      URI socket = URI.create(server.webSocketUrl() + "?token=" + ended.access());
      assertThat(RelaySocket.refusedStatus(socket)).isEqualTo(403);
    }
    refresh(renewed.refresh()).expectUnauthorized(INVALID);
    logOut(as(renewed)).expectUnauthorized(REVOKED);
    as(other).me().expect(200);
  }

  @Test
  void logoutWithoutToken_is401() {
    logOut(nobody).expectUnauthorized("Not authenticated");
  }

  @Test
  void logoutWithATokenOfNoLogin_doesNothing() {
    var claims = new HashMap<>(Jwt.claimsWith(admin.newUser().client().token(), "jti", "x"));
    claims.remove("jti");
    claims.remove("sid");
    RelayClient legacy = server.anonymous().withToken(Jwt.hs256(claims, TidingsProcess.SECRET_KEY));

    logOut(legacy).expect(204);

    legacy.me().expect(200);
  }

  @Test
  void tokenOfALogin_livesNoLongerThanTokensDoNow() {
    long now = Instant.now().getEpochSecond();
    var claims = new HashMap<>(Jwt.claimsWith(admin.newUser().client().token(), "iat", now - 7000));
    claims.put("exp", now + 10_000);

    server
        .anonymous()
        .withToken(Jwt.hs256(claims, TidingsProcess.SECRET_KEY))
        .me()
        .expectUnauthorized("Invalid or expired token");
  }

  // ---- those who are connected ----

  @Test
  void socketOfALoginThatEnds_isClosed_andThatOfAnotherStays() {
    User user = admin.newUser("read", "write");
    Tokens ending = logIn(user);
    Tokens staying = logIn(user);
    String topic = RelayClient.unique("left");
    as(staying).publishNumber(topic, 1);
    try (RelaySocket ended = as(ending).subscribe(topic);
        RelaySocket idle = as(ending).open();
        RelaySocket open = as(staying).subscribe(topic)) {
      logOut(as(ending)).expect(204);
      as(staying).publishNumber(topic, 2);

      JsonNode frame = ended.expect("error");
      assertThat(frame.get("code").asString()).isEqualTo("ACCESS_REVOKED");
      assertThat(frame.get("message").asString()).isEqualTo(REVOKED);
      assertThat(ended.expectClosed().code()).isEqualTo(1008);
      assertThat(idle.expectClosed().code()).isEqualTo(1008);
      assertThat(open.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void socketOfALoginThatIsReplayed_isClosed() {
    User user = admin.newUser("read", "write");
    Tokens tokens = logIn(user);
    String topic = RelayClient.unique("replayed");
    try (RelaySocket socket = as(tokens).subscribe(topic)) {
      refresh(tokens.refresh()).expect(200);
      refresh(tokens.refresh()).expect(401);

      assertThat(socket.expectClosed().code()).isEqualTo(1008);
    }
  }

  @Test
  void socketThatWasRefreshedWithAnotherLogin_livesOnWithThatOne() {
    User user = admin.newUser("read", "write");
    Tokens first = logIn(user);
    Tokens second = logIn(user);
    String topic = RelayClient.unique("moved");
    try (RelaySocket socket = as(first).subscribe(topic)) {
      socket.send(Json.object("type", "refresh", "token", second.access()));
      socket.expect("refreshed");
      logOut(as(first)).expect(204);
      as(second).publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);

      socket.send(Json.object("type", "refresh", "token", first.access()));
      assertThat(socket.expect("error").get("code").asString()).isEqualTo("PROCESSING_ERROR");
      logOut(as(second)).expect(204);

      assertThat(socket.expectClosed().code()).isEqualTo(1008);
    }
  }

  @Test
  void pollOfALoginThatEnds_is401() {
    Tokens tokens = logIn(admin.newUser("read"));
    String topic = RelayClient.unique("polled");
    CompletableFuture<Reply> poll = as(tokens).pollAsync("topics", List.of(topic), "timeout", 60);
    Await.until(
        "the poll waits",
        () ->
            admin
                .get("/messages/poll/stats")
                .expect(200)
                .json()
                .get("topic_subscriber_counts")
                .has(topic));

    logOut(as(tokens)).expect(204);

    Await.result(poll).expectUnauthorized(REVOKED);
  }

  @Test
  void eventStreamOfALoginThatEnds_ends() {
    User user = admin.newUser("read", "write");
    Tokens tokens = logIn(user);
    String topic = RelayClient.unique("streamed");
    user.client().publishNumber(topic, 1);
    double before = OperationsTest.metric(nobody, "tidings_event_streams_active");
    // Answered when the stream has ended.
    CompletableFuture<Reply> stream =
        as(tokens).sendAsync("GET", "/api/v1/topics/" + topic + "/events", BodyPublishers.noBody());
    Await.until(
        "the stream is open",
        () -> OperationsTest.metric(nobody, "tidings_event_streams_active") > before);

    logOut(as(tokens)).expect(204);

    String events = Await.result(stream).body();
    assertThat(events).contains("ACCESS_REVOKED", REVOKED);
  }

  // ---- bounds, time and restarts ----

  @Test
  void loginsBeyondTheBound_forgetTheLeastRecentlyUsed_whoseAccessTokenLivesOn() {
    try (TidingsProcess small =
        TidingsProcess.startSecured(Map.of("TIDINGS_AUTH_LOGINS_PER_USER", "2"))) {
      RelayClient any = small.anonymous();
      User user = small.admin().newUser();
      Tokens first = logIn(any, user);
      Tokens second = logIn(any, user);
      Tokens renewed = Tokens.of(refresh(any, first.refresh()));
      Tokens third = logIn(any, user);

      refresh(any, second.refresh()).expectUnauthorized(INVALID);
      any.withToken(second.access()).me().expect(200);
      assertThat(sessions(any.withToken(third.access())))
          .containsExactly(loginOf(first), loginOf(third));
      // A forgotten one can be logged out all the same.
      logOut(any.withToken(second.access())).expect(204);
      any.withToken(second.access()).me().expectUnauthorized(REVOKED);
      refresh(any, renewed.refresh()).expect(200);
      refresh(any, third.refresh()).expect(200);
    }
  }

  @Test
  void expiredLogin_isNotRenewedNorShown() {
    try (TidingsProcess brief =
        TidingsProcess.startSecured(
            Map.of(
                "TIDINGS_AUTH_REFRESH_TOKEN_LIFETIME", "2s",
                "TIDINGS_RETENTION_SWEEP_INTERVAL", "100ms"))) {
      RelayClient any = brief.anonymous();
      Tokens tokens = logIn(any, brief.admin().newUser());
      RelayClient client = any.withToken(tokens.access());

      Await.until("the login has expired", () -> sessions(client).isEmpty());

      refresh(any, tokens.refresh()).expectUnauthorized(INVALID);
      client.me().expect(200);
      logOut(client).expect(204);
      client.me().expectUnauthorized(REVOKED);
    }
  }

  @Test
  void killedServer_knowsWhatWasRenewedAndRevoked() {
    try (TidingsProcess killed = TidingsProcess.startSecured(Map.of())) {
      User user = killed.admin().newUser();
      Tokens first = logIn(killed.anonymous(), user);
      Tokens ended = logIn(killed.anonymous(), user);
      Tokens renewed = Tokens.of(refresh(killed.anonymous(), first.refresh()));
      logOut(killed.anonymous().withToken(ended.access())).expect(204);
      killed.kill9();
      killed.restart();

      RelayClient any = killed.anonymous();
      any.withToken(ended.access()).me().expectUnauthorized(REVOKED);
      Tokens next = Tokens.of(refresh(any, renewed.refresh()));
      any.withToken(next.access()).me().expect(200);
      refresh(any, first.refresh()).expectUnauthorized(INVALID);
      any.withToken(next.access()).me().expectUnauthorized(REVOKED);
    }
  }
}
