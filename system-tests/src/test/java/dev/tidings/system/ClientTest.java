// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Clients, their tokens and what these open on both APIs (API of fastpubsub).
@SystemTest
final class ClientTest {
  private static final Pattern MICROSECONDS =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z");

  private final RelayClient admin;
  private final RelayClient nobody;

  ClientTest(@On(Setup.SECURED) TidingsProcess server) {
    this.admin = server.admin();
    this.nobody = server.anonymous();
  }

  private static String path(String id) {
    return "/clients/" + id;
  }

  // ---- their life ----

  @Test
  void client_isCreatedShownChangedAndDeleted() {
    JsonNode created =
        admin
            .postJson("/clients", Json.object("name", "  My App\t", "scopes", " topics:read  * "))
            .expect(201)
            .json();
    assertThat(Json.names(created)).containsExactly("id", "secret");
    String id = created.get("id").asString();
    assertThat(UUID.fromString(id).version()).isEqualTo(7);
    assertThat(created.get("secret").asString()).matches("[0-9a-f]{32}");

    JsonNode shown = admin.get(path(id)).expect(200).json();
    assertThat(Json.names(shown))
        .containsExactly(
            "id", "name", "scopes", "is_active", "token_version", "created_at", "updated_at");
    assertThat(shown.get("name").asString()).isEqualTo("My App");
    assertThat(shown.get("scopes").asString()).isEqualTo("topics:read  *");
    assertThat(shown.get("is_active").asBoolean()).isTrue();
    assertThat(shown.get("token_version").asInt()).isEqualTo(1);
    assertThat(shown.get("created_at").asString()).matches(MICROSECONDS);
    assertThat(shown.get("updated_at")).isEqualTo(shown.get("created_at"));
    // Whatever a UUID may look like.
    assertThat(admin.get(path(id.toUpperCase(Locale.ROOT))).expect(200).json()).isEqualTo(shown);
    assertThat(admin.get(path("%7B" + id + "%7D")).expect(200).json()).isEqualTo(shown);

    OAuthClient client = new OAuthClient(id, "", nobody);
    JsonNode disabled =
        client
            .put(admin, "name", "n", "scopes", "clients:read", "is_active", false)
            .expect(200)
            .json();
    assertThat(disabled.get("is_active").asBoolean()).isFalse();
    assertThat(disabled.get("token_version").asInt()).isEqualTo(2);
    assertThat(disabled.get("created_at")).isEqualTo(shown.get("created_at"));
    assertThat(Instant.parse(disabled.get("updated_at").asString()))
        .isAfterOrEqualTo(Instant.parse(shown.get("updated_at").asString()));
    // All of it is replaced: what is left out is the default.
    JsonNode enabled = client.put(admin, "name", "n", "scopes", "clients:read").expect(200).json();
    assertThat(enabled.get("is_active").asBoolean()).isTrue();
    assertThat(enabled.get("token_version").asInt()).isEqualTo(3);
    assertThat(admin.get(path(id)).json()).isEqualTo(enabled);

    assertThat(admin.request("DELETE", path(id)).expect(204).body()).isEmpty();
    admin.get(path(id)).expectDetail(404, "Client not found");
    admin.request("DELETE", path(id)).expectDetail(404, "Client not found");
    client.put(admin, "name", "n", "scopes", "*").expectDetail(404, "Client not found");
  }

  @Test
  void clients_areListedInTheOrderOfTheirIds_pageByPage() {
    for (int i = 0; i < 3; i++) {
      OAuthClient _ = OAuthClient.create(admin, "topics:read");
    }
    List<String> all = ids("?limit=100");
    assertThat(all).hasSizeGreaterThanOrEqualTo(3).isSorted();
    assertThat(ids("?limit=2")).isEqualTo(all.subList(0, 2));
    assertThat(ids("?offset=1&limit=2")).isEqualTo(all.subList(1, 3));
    assertThat(ids("?offset=1000000")).isEmpty();
    admin
        .get("/clients?offset=-1&limit=101")
        .expectInvalid(
            "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"offset\"],\"msg\":\"Input should"
                + " be greater than or equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}}",
            "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"limit\"],\"msg\":\"Input should be"
                + " less than or equal to 100\",\"input\":\"101\",\"ctx\":{\"le\":100}}");
  }

  private List<String> ids(String query) {
    return admin
        .get("/clients" + query)
        .expect(200)
        .json()
        .get("data")
        .valueStream()
        .map(it -> it.get("id").asString())
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"topics:write", "topics", "*:*", "topics:read:a:b", "topics:read,x"})
  void invalidScope_isToldInTheWordsOfTheContract(String scope) {
    admin
        .postJson("/clients", Json.object("name", "n", "scopes", "topics:read " + scope))
        .expectInvalid(
            "{\"type\":\"value_error\",\"loc\":[\"body\",\"scopes\"],\"msg\":\"Value error, Invalid"
                + " scope "
                + scope
                + "\",\"input\":\"topics:read "
                + scope
                + "\",\"ctx\":{\"error\":{}}}");
  }

  @Test
  void fieldsAreChecked_atUnderAndOverTheirLimits() {
    admin
        .postJson("/clients", Json.object("name", " ", "scopes", ""))
        .expectInvalid(
            "{\"type\":\"string_too_short\",\"loc\":[\"body\",\"name\"],\"msg\":\"String should have"
                + " at least 1 character\",\"input\":\" \",\"ctx\":{\"min_length\":1}}",
            "{\"type\":\"string_too_short\",\"loc\":[\"body\",\"scopes\"],\"msg\":\"String should"
                + " have at least 1 character\",\"input\":\"\",\"ctx\":{\"min_length\":1}}");
    admin.postJson("/clients", Json.object("name", "n".repeat(255), "scopes", "*")).expect(201);
    admin.postJson("/clients", Json.object("name", "n".repeat(256), "scopes", "*")).expect(422);
    String longest = "topics:read:" + "\"".repeat(2000 - 12);
    admin.postJson("/clients", Json.object("name", "n", "scopes", longest + "x")).expect(422);
    // The longest still fits into a header.
    OAuthClient client = OAuthClient.create(admin, longest);
    client.caller().get("/messages/poll/stats").expect(200);
    admin.postRaw("/clients", "{").expectNotJson();
    nobody.postRaw("/clients", "{").expectNotJson();
    nobody.postRaw("/clients", "{}").expectDetail(401, "Invalid jwt token");
    client.caller().postRaw("/clients", "{}").expectDetail(403, "Insufficient scope");
    client.caller().get(path("x")).expectDetail(403, "Insufficient scope");
    String noUuid =
        "{\"type\":\"uuid_parsing\",\"loc\":[\"path\",\"id\"],\"msg\":\"Input should be a valid UUID,"
            + " invalid length: expected length 32 for simple format, found 1\",\"input\":\"a\","
            + "\"ctx\":{\"error\":\"invalid length: expected length 32 for simple format, found"
            + " 1\"}}";
    admin.get(path("a")).expectInvalid(noUuid);
    admin.request("DELETE", path("a")).expectInvalid(noUuid);
    admin
        .send("PUT", path("a"), BodyPublishers.ofString("{\"name\":\"n\"}"))
        .expectInvalid(
            noUuid,
            "{\"type\":\"missing\",\"loc\":[\"body\",\"scopes\"],\"msg\":\"Field required\","
                + "\"input\":{\"name\":\"n\"}}");
  }

  // ---- tokens ----

  @Test
  void token_saysWhatTheContractWants() {
    OAuthClient client = OAuthClient.create(admin, "topics:read topics:publish:a");
    JsonNode answer = client.token().expect(201).json();
    assertThat(Json.names(answer))
        .containsExactly("access_token", "token_type", "expires_in", "scope");
    assertThat(answer.get("token_type").asString()).isEqualTo("Bearer");
    assertThat(answer.get("expires_in").asInt()).isEqualTo(1800);
    assertThat(answer.get("scope").asString()).isEqualTo("topics:read topics:publish:a");
    JsonNode claims = Jwt.claims(answer.get("access_token").asString());
    assertThat(Json.names(claims)).containsExactlyInAnyOrder("sub", "exp", "iat", "scope", "ver");
    assertThat(claims.get("sub").asString()).isEqualTo(client.id());
    assertThat(claims.get("scope").asString()).isEqualTo("topics:read topics:publish:a");
    assertThat(claims.get("ver").asInt()).isEqualTo(1);
    assertThat(claims.get("exp").asLong() - claims.get("iat").asLong()).isEqualTo(1800);
  }

  @Test
  void noToken_forClientsThatAreMissingDisabledOrWrong_inThisOrder() {
    OAuthClient client = OAuthClient.create(admin, "*");
    String missing = UUID.randomUUID().toString();
    Reply unknown = OAuthClient.token(nobody, missing, client.secret());
    unknown.expectDetail(401, "Client not found");
    assertThat(unknown.header("www-authenticate")).isEmpty();
    OAuthClient.token(nobody, client.id(), "wrong").expectDetail(401, "Client secret is invalid");
    OAuthClient.token(nobody, client.id(), "").expectDetail(401, "Client secret is invalid");
    OAuthClient.token(nobody, client.id(), "x".repeat(1025))
        .expectDetail(401, "Client secret is invalid");
    client.put(admin, "name", "n", "scopes", "*", "is_active", false).expect(200);
    OAuthClient.token(nobody, client.id(), "wrong").expectDetail(401, "Client disabled");
    client.put(admin, "name", "n", "scopes", "*").expect(200);
    client.token().expect(201);
    nobody
        .postJson("/oauth/token", Json.object("client_id", "a-b", "client_secret", 1))
        .expectInvalid(
            "{\"type\":\"uuid_parsing\",\"loc\":[\"body\",\"client_id\"],\"msg\":\"Input should be a"
                + " valid UUID, invalid group count: expected 5, found 2\",\"input\":\"a-b\","
                + "\"ctx\":{\"error\":\"invalid group count: expected 5, found 2\"}}",
            "{\"type\":\"string_type\",\"loc\":[\"body\",\"client_secret\"],\"msg\":\"Input should be"
                + " a valid string\",\"input\":1}");
  }

  @Test
  void forgedAndExchangedTokens_openNothing() {
    OAuthClient client = OAuthClient.create(admin, "*");
    var claims = Jwt.claims(client.caller().token());
    // Signed with the secret itself, as the tokens of users are: no client's.
    for (String token :
        List.of(
            Jwt.hs256(claims, TidingsProcess.SECRET_KEY),
            Jwt.hs256(claims, "another-secret-key-0123456789-0123456789"),
            Jwt.unsigned(claims, "none"),
            Jwt.rs256(claims))) {
      Reply onPubsub = nobody.withToken(token).get("/clients");
      assertThat(onPubsub.status()).isEqualTo(401);
      assertThat(onPubsub.header("www-authenticate")).isEmpty();
      assertThat(nobody.withToken(token).get("/api/v1/topics").status()).isEqualTo(401);
    }
    nobody.get("/clients").expectDetail(401, "Invalid jwt token");
    nobody.withToken("nonsense").get("/clients").expectDetail(401, "Invalid jwt token");
    nobody.withAuthorization("Basic YTpi").get("/clients").expectDetail(401, "Invalid jwt token");
    nobody
        .postJson("/auth/token/refresh", Map.of("refresh_token", client.caller().token()))
        .expectUnauthorized("invalid refresh token");
  }

  @Test
  void tokenEndsByItself() {
    try (TidingsProcess brief =
        TidingsProcess.startSecured(Map.of("TIDINGS_AUTH_CLIENT_TOKEN_LIFETIME", "6s"))) {
      OAuthClient client = OAuthClient.create(brief.admin(), "clients:read");
      assertThat(client.token().expect(201).json().get("expires_in").asInt()).isEqualTo(6);
      client.caller().get("/clients").expect(200);
      Await.until("the token has expired", () -> client.caller().get("/clients").status() == 401);
      client.caller().get("/clients").expectDetail(401, "Invalid jwt token");
      client.caller().get("/api/v1/topics").expectUnauthorized("Invalid or expired token");
    }
  }

  @Test
  void bothKindsOfTokens_areAcceptedByBothApis() {
    OAuthClient client =
        OAuthClient.create(
            admin, "clients:read topics:create topics:publish topics:read subscriptions:consume");
    client.caller().get("/clients").expect(200);
    admin.get("/clients").expect(200);
    admin.newUser("read", "write").client().get("/clients").expectDetail(403, "Insufficient scope");
    String topic = RelayClient.unique("of-a-client");
    // The name of the client is in the description, its id is the owner's.
    client.caller().publishNumber(topic, 1);
    JsonNode created = client.caller().get("/api/v1/topics/" + topic).expect(200).json();
    assertThat(created.get("owner_id").asString()).isEqualTo(client.id());
    assertThat(client.caller().readAll(topic).numbers()).containsExactly(1);
    try (RelaySocket socket = client.caller().subscribe(topic)) {
      client.caller().publishNumber(topic, 2);
      assertThat(socket.numbers(1)).containsExactly(2);
    }
    assertThat(
            client
                .caller()
                .get("/api/v1/topics")
                .expect(200)
                .json()
                .valueStream()
                .map(it -> it.get("topic_name").asString()))
        .contains(topic);
  }

  @Test
  void ownershipGivesAClientNothing() {
    OAuthClient client = OAuthClient.create(admin, "topics:create");
    String topic = RelayClient.unique("owned");
    client.caller().createTopic("topic_name", topic, "is_public", true).expect(201);
    String there = "/api/v1/topics/" + topic;
    client.caller().get(there).expectDetail(403, "Access denied to topic '" + topic + "'");
    client
        .caller()
        .request("DELETE", there)
        .expectDetail(403, "Only the topic owner can delete it");
    client.caller().publish(topic, Map.of("n", 1)).expectDetail(403, "Permission 'write' required");
    client.caller().get("/api/v1/topics").expectDetail(403, "Scope 'topics:read' required");
    client.caller().poll("topics", List.of(topic)).expectDetail(403, "Permission 'read' required");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /auth/me",
    "GET, /auth/sessions",
    "DELETE, /auth/sessions/x",
    "POST, /auth/logout"
  })
  void callsAboutTheUserWhoMakesThem_areRefusedToClients(String method, String path) {
    OAuthClient client = OAuthClient.create(admin, "*");
    client
        .caller()
        .request(method, path)
        .expectDetail(
            403,
            "This call is about the user who makes it; the token is a client's (expected: the"
                + " access token of a user)");
  }

  @Test
  void objectScopes_reachTheirObject_andNoListsNorCreation() {
    OAuthClient other = OAuthClient.create(admin, "topics:read");
    String topic = RelayClient.unique("object");
    String foreign = RelayClient.unique("object");
    admin.createTopic("topic_name", topic).expect(201);
    admin.createTopic("topic_name", foreign).expect(201);
    OAuthClient client =
        OAuthClient.create(
            admin,
            "clients:read:%s clients:create:x topics:publish:%s topics:read:%s topics:create:y"
                .formatted(other.id(), topic, topic));
    RelayClient caller = client.caller();
    caller.get(path(other.id())).expect(200);
    caller.get(path(client.id())).expectDetail(403, "Insufficient scope");
    caller.get("/clients").expectDetail(403, "Insufficient scope");
    caller
        .postJson("/clients", Json.object("name", "n", "scopes", "*"))
        .expectDetail(403, "Insufficient scope");
    caller.publish(topic, Map.of("n", 1)).expect(201);
    caller
        .publish(foreign, Map.of("n", 1))
        .expectDetail(403, "Access denied to topics: ['" + foreign + "']");
    caller.get("/api/v1/topics/" + topic).expect(200);
    caller.get("/api/v1/topics/" + foreign).expect(403);
    caller.get("/api/v1/topics").expect(403);
    caller.createTopic("topic_name", "y").expect(403);
    admin.request("DELETE", "/api/v1/topics/" + topic).expect(204);
    // It is missing now, and nothing lets the client create it.
    caller.publish(topic, Map.of("n", 1)).expect(403);
  }

  // ---- those who are connected ----

  private enum Change {
    CHANGED_TO_THE_SAME("Token revoked", "Token has been revoked"),
    DISABLED("Client disabled", "Client disabled"),
    DELETED("Client not found", "Client not found");

    private final String onPubsub;
    private final String onRelay;

    Change(String onPubsub, String onRelay) {
      this.onPubsub = onPubsub;
      this.onRelay = onRelay;
    }
  }

  @ParameterizedTest
  @EnumSource
  void change_endsTokensAndSessions_beforeItsAnswer_andNoOthers(Change change) {
    String topic = RelayClient.unique("watched");
    OAuthClient client = OAuthClient.create(admin, "clients:read subscriptions:consume");
    OAuthClient other = OAuthClient.create(admin, "subscriptions:consume topics:publish");
    admin.createTopic("topic_name", topic).expect(201);
    CompletableFuture<Reply> poll =
        client.caller().pollAsync("topics", List.of(topic), "timeout", 20);
    try (RelaySocket socket = client.caller().subscribe(topic);
        EventSource stream = EventSource.open(client.caller(), topic, "");
        RelaySocket unconcerned = other.caller().subscribe(topic)) {
      Reply reply =
          switch (change) {
            case CHANGED_TO_THE_SAME ->
                client.put(admin, "name", "n", "scopes", "clients:read subscriptions:consume");
            case DISABLED ->
                client.put(
                    admin,
                    "name",
                    "n",
                    "scopes",
                    "clients:read subscriptions:consume",
                    "is_active",
                    false);
            case DELETED -> admin.request("DELETE", path(client.id()));
          };
      assertThat(reply.status()).isIn(200, 204);
      client.caller().get("/clients").expectDetail(401, change.onPubsub);
      client.caller().get("/messages/poll/stats").expectUnauthorized(change.onRelay);
      other.caller().publishNumber(topic, 1);
      JsonNode error = socket.expect("error");
      assertThat(error.get("code").asString()).isEqualTo("ACCESS_REVOKED");
      assertThat(error.get("message").asString()).isEqualTo(change.onRelay);
      assertThat(socket.expectClosed().code()).isEqualTo(1008);
      assertThat(stream.expect("ended").json().get("message").asString()).isEqualTo(change.onRelay);
      Await.result(poll).expectUnauthorized(change.onRelay);
      assertThat(unconcerned.numbers(1)).containsExactly(1);
    }
    if (change == Change.CHANGED_TO_THE_SAME) {
      String token = client.token().expect(201).json().get("access_token").asString();
      nobody.withToken(token).get("/clients").expect(200);
    }
  }

  @Test
  void socket_isExtendedByAnotherTokenOfItsClient_andByNoOther() {
    String topic = RelayClient.unique("extended");
    OAuthClient client = OAuthClient.create(admin, "subscriptions:consume");
    OAuthClient other = OAuthClient.create(admin, "subscriptions:consume");
    try (RelaySocket socket = client.caller().subscribe(topic)) {
      socket.send(Map.of("type", "refresh", "token", other.caller().token()));
      socket.expect("error");
      String token = client.token().expect(201).json().get("access_token").asString();
      socket.send(Map.of("type", "refresh", "token", token));
      socket.expect("refreshed");
    }
  }

  // ---- what stays, and the commands ----

  @Test
  void clientsAndTheirTokens_outliveARestart() {
    try (TidingsProcess own = TidingsProcess.startSecured(Map.of())) {
      OAuthClient client = OAuthClient.create(own.admin(), "clients:read");
      JsonNode shown = client.caller().get("/clients").expect(200).json();
      own.kill9();
      own.restart();
      RelayClient again = own.anonymous().withToken(client.caller().token());
      assertThat(again.get("/clients").expect(200).json()).isEqualTo(shown);
      OAuthClient.token(own.anonymous(), client.id(), client.secret()).expect(201);
    }
  }

  @Test
  void commands_createClients_withAndWithoutARunningServer() {
    try (TidingsProcess own = TidingsProcess.startSecured(Map.of())) {
      Path data = own.dataDir();
      OAuthClient online = ofCommand(own, "create-client", "My App", "topics:read", "true");
      assertThat(own.terminate()).isZero();
      String[] offline = created("create_client", "Other", "--data-dir", data.toString());
      String[] disabled =
          created("create-client", "No", "*", "false", "--data-dir", data.toString());
      own.restart();
      RelayClient nobody = own.anonymous();
      assertThat(
              OAuthClient.token(nobody, online.id(), online.secret())
                  .json()
                  .get("scope")
                  .asString())
          .isEqualTo("topics:read");
      assertThat(OAuthClient.token(nobody, offline[0], offline[1]).json().get("scope").asString())
          .isEqualTo("*");
      OAuthClient.token(nobody, disabled[0], disabled[1]).expectDetail(401, "Client disabled");
    }
  }

  private static OAuthClient ofCommand(TidingsProcess own, String... line) {
    String[] whole = Arrays.copyOf(line, line.length + 2);
    whole[line.length] = "--data-dir";
    whole[line.length + 1] = own.dataDir().toString();
    String[] credentials = created(whole);
    return new OAuthClient(credentials[0], credentials[1], own.anonymous());
  }

  private static String[] created(String... line) {
    Matcher printed =
        Pattern.compile("(?s).*client_id=(\\S+)\nclient_secret=([0-9a-f]{32})\nexit code 0")
            .matcher(TidingsProcess.command(line));
    assertThat(printed.matches()).as("%s", printed).isTrue();
    return new String[] {printed.group(1), printed.group(2)};
  }

  @Test
  void attemptsAreLimited_likeLogins() {
    try (TidingsProcess limited =
        TidingsProcess.startSecured(Map.of("TIDINGS_RATE_LIMITS_LOGIN", "3"))) {
      RelayClient anybody = limited.anonymous();
      String id = UUID.randomUUID().toString();
      Await.until(
          "attempts are limited", () -> OAuthClient.token(anybody, id, "x").status() == 429);
    }
  }
}
