// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Clients.Credentials;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Section 3 of the contract: clients, their tokens and scopes; and what users and clients may do
/// on the API that is not theirs. On a server of its own, without `--dev`.
@SystemTest
final class PubsubAuthTest {
  private static final String NOBODY = "550e8400-e29b-41d4-a716-446655440000";

  private final TidingsProcess server = TidingsProcess.startSecured(Map.of());
  private final Caller nobody = Caller.nobody(server);
  private final Caller admin = Caller.admin(server);

  @AfterAll
  void stop() {
    server.close();
  }

  private static void expectUnauthorized(Answer answer, String detail) {
    answer.expectDetail(401, detail);
    assertThat(answer.headers().firstValue("www-authenticate")).isEmpty();
  }

  private static void expectForbidden(Answer answer) {
    answer.expectDetail(403, "Insufficient scope");
  }

  private String topic() {
    return new Pubsub(admin).topic();
  }

  private String subscription(String topic) {
    return new Pubsub(admin).subscription(topic, "");
  }

  private static JsonNode claims(String token) {
    byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.", -1)[1]);
    return Template.parse(new String(claims, UTF_8));
  }

  private static JsonNode header(String token) {
    byte[] header = Base64.getUrlDecoder().decode(token.split("\\.", -1)[0]);
    return Template.parse(new String(header, UTF_8));
  }

  // Tokens

  @Test
  void withoutToken_is401() {
    String topic = topic();
    String subscription = subscription(topic);
    String messages = Pubsub.path(subscription, "");
    assertThat(
            List.of(
                nobody.post("/topics", "{\"id\":\"t\"}"),
                nobody.get("/topics"),
                nobody.get("/topics/" + topic),
                nobody.delete("/topics/" + topic),
                nobody.post("/topics/" + topic + "/messages", "[]"),
                nobody.post("/subscriptions", "{\"id\":\"s\",\"topic_id\":\"t\"}"),
                nobody.get("/subscriptions"),
                nobody.get(messages),
                nobody.delete(messages),
                nobody.get(messages + "/messages?consumer_id=c"),
                nobody.post(messages + "/acks", "[]"),
                nobody.post(messages + "/nacks", "[]"),
                nobody.get(messages + "/dlq"),
                nobody.post(messages + "/dlq/reprocess", "[]"),
                nobody.get(messages + "/metrics"),
                nobody.post("/clients", "{\"name\":\"n\",\"scopes\":\"*\"}"),
                nobody.get("/clients"),
                nobody.get("/clients/" + NOBODY),
                nobody.put("/clients/" + NOBODY, "{\"name\":\"n\",\"scopes\":\"*\"}"),
                nobody.delete("/clients/" + NOBODY)))
        .allSatisfy(answer -> expectUnauthorized(answer, "Invalid jwt token"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Basic YWRtaW46YWRtaW4=",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAA",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwic2NvcGUiOiIqIiwidmVyIjoxfQ."
      })
  void badToken_is401(String authorization) {
    expectUnauthorized(nobody.withAuthorization(authorization).get("/topics"), "Invalid jwt token");
  }

  @Test
  void openCalls_needNoToken() {
    nobody.get("/liveness").expect(200, "{\"status\":\"alive\"}");
    nobody.get("/readiness").expect(200, "{\"status\":\"ready\"}");
    nobody.get("/metrics").expect(200);
  }

  @Test
  void tokenCall_is201_withTheClaimsOfTheContract() {
    Credentials client = Clients.created(admin, "topics:create topics:read");
    long before = Instant.now().getEpochSecond();

    Answer answer = Clients.askForToken(nobody, client.id(), client.secret());

    answer.expect(
        201,
        "{\"access_token\":\"<jwt>\",\"token_type\":\"Bearer\",\"expires_in\":1800,\"scope\":\"topics:create topics:read\"}");
    String token = answer.text("access_token");
    assertThat(header(token).get("alg").asString()).isEqualTo("HS256");
    JsonNode claims = claims(token);
    assertThat(claims.get("sub").asString()).isEqualTo(client.id());
    assertThat(claims.get("scope").asString()).isEqualTo("topics:create topics:read");
    assertThat(claims.get("ver").asInt()).isEqualTo(1);
    assertThat(claims.get("iat").asLong()).isBetween(before - 1, before + 30);
    assertThat(claims.get("exp").asLong() - claims.get("iat").asLong()).isEqualTo(1800);
  }

  @Test
  void changedToken_is401() {
    String token = Clients.with(admin, "topics:read").token();
    String[] parts = token.split("\\.", -1);
    String all =
        Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(claims(token).toString().replace("topics:read", "*").getBytes(UTF_8));

    expectUnauthorized(
        nobody.withAuthorization("Bearer " + parts[0] + "." + all + "." + parts[2]).get("/topics"),
        "Invalid jwt token");
  }

  @Test
  void expiredToken_is401() {
    try (TidingsProcess brief =
        TidingsProcess.startSecured(Map.of("TIDINGS_AUTH_CLIENT_TOKEN_LIFETIME", "2s"))) {
      Credentials client = Clients.created(Caller.admin(brief), "*");
      Caller caller = Clients.authorized(Caller.nobody(brief), client);
      caller.get("/topics").expect(200);

      Pubsub.eventually("the end of the token", () -> caller.get("/topics").status() != 200);

      expectUnauthorized(caller.get("/topics"), "Invalid jwt token");
      assertThat(
              Clients.askForToken(Caller.nobody(brief), client.id(), client.secret())
                  .json()
                  .get("expires_in")
                  .asInt())
          .isEqualTo(2);
    }
  }

  @Test
  void tokenCall_refusals_inTheirOrder() {
    Credentials client = Clients.created(admin, "*");
    expectUnauthorized(Clients.askForToken(nobody, NOBODY, client.secret()), "Client not found");
    expectUnauthorized(
        Clients.askForToken(nobody, client.id(), "wrong"), "Client secret is invalid");
    expectUnauthorized(Clients.askForToken(nobody, client.id(), ""), "Client secret is invalid");

    Clients.update(admin, client.id(), "n", "*", "\"is_active\":false").expect(200);

    expectUnauthorized(
        Clients.askForToken(nobody, client.id(), client.secret()), "Client disabled");
    expectUnauthorized(Clients.askForToken(nobody, client.id(), "wrong"), "Client disabled");
  }

  @Test
  void tokenCall_fields() {
    nobody
        .post("/oauth/token", "{}")
        .expectInvalid(
            """
            {"type":"missing","loc":["body","client_id"],"msg":"Field required","input":{}},
            {"type":"missing","loc":["body","client_secret"],"msg":"Field required","input":{}}
            """);
    nobody
        .post("/oauth/token", "{\"client_id\":\"x\",\"client_secret\":5}")
        .expectInvalid(
            """
            {"type":"uuid_parsing","loc":["body","client_id"],"msg":"<no-uuid>","input":"x",
             "ctx":{"error":"<text>"}},
            {"type":"string_type","loc":["body","client_secret"],
             "msg":"Input should be a valid string","input":5}
            """);
    nobody.form("/oauth/token", "grant_type", "client_credentials").expect(422);
  }

  // The life of a client

  private static String clientJson(
      String id, String name, String scopes, boolean active, int version) {
    return """
    {"id":"%s","name":"%s","scopes":"%s","is_active":%s,"token_version":%d,
     "created_at":"<microseconds>","updated_at":"<microseconds>"}
    """
        .formatted(id, name, scopes, active, version);
  }

  @Test
  void create_is201IdAndSecret() {
    Answer answer = Clients.create(admin, "My Application", "topics:create topics:read");

    answer.expect(201, "{\"id\":\"<uuid7>\",\"secret\":\"<hex32>\"}");
    admin
        .get("/clients/" + answer.text("id"))
        .expect(
            200,
            clientJson(answer.text("id"), "My Application", "topics:create topics:read", true, 1));
  }

  @Test
  void create_trimsNameAndScopes() {
    String id = Clients.create(admin, "  spaced ", "\t topics:read   * \n").expect(201).text("id");

    admin.get("/clients/" + id).expect(200, clientJson(id, "spaced", "topics:read   *", true, 1));
  }

  @Test
  void create_sameNameTwice_is201() {
    Clients.create(admin, "twice", "*").expect(201);
    Clients.create(admin, "twice", "*").expect(201);
  }

  @Test
  void create_inactive_getsNoToken() {
    Answer answer =
        admin.post("/clients", "{\"name\":\"n\",\"scopes\":\"*\",\"is_active\":false}").expect(201);

    expectUnauthorized(
        Clients.askForToken(nobody, answer.text("id"), answer.text("secret")), "Client disabled");
  }

  @Test
  void create_fields() {
    admin
        .post("/clients", "{}")
        .expectInvalid(
            """
            {"type":"missing","loc":["body","name"],"msg":"Field required","input":{}},
            {"type":"missing","loc":["body","scopes"],"msg":"Field required","input":{}}
            """);
    Clients.create(admin, "  ", " ")
        .expectInvalid(
            """
            {"type":"string_too_short","loc":["body","name"],
             "msg":"String should have at least 1 character","input":"  ","ctx":{"min_length":1}},
            {"type":"string_too_short","loc":["body","scopes"],
             "msg":"String should have at least 1 character","input":" ","ctx":{"min_length":1}}
            """);
    admin
        .post("/clients", "{\"name\":5,\"scopes\":[],\"is_active\":null}")
        .expectInvalid(
            """
            {"type":"string_type","loc":["body","name"],
             "msg":"Input should be a valid string","input":5},
            {"type":"string_type","loc":["body","scopes"],
             "msg":"Input should be a valid string","input":[]},
            {"type":"bool_type","loc":["body","is_active"],
             "msg":"Input should be a valid boolean","input":null}
            """);
  }

  @ParameterizedTest
  @CsvSource({
    "topics, topics",
    "topics:bad, topics:bad",
    "topics:read:a:b, topics:read:a:b",
    "*:x, *:x",
    "topics:update, topics:update",
    "clients:publish:x, clients:publish:x",
    "TOPICS:READ, TOPICS:READ",
    "a:b c:d, a:b",
    "topics:read subscriptions:publish *, subscriptions:publish"
  })
  void create_invalidScope_is422(String scopes, String first) {
    Clients.create(admin, "n", scopes)
        .expectInvalid(
            """
            {"type":"value_error","loc":["body","scopes"],"msg":"Value error, Invalid scope %s",
             "input":"%s","ctx":{"error":{}}}
            """
                .formatted(first, scopes));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "*",
        "topics:create topics:read topics:delete topics:publish",
        "subscriptions:create subscriptions:read subscriptions:delete subscriptions:consume",
        "clients:create clients:update clients:read clients:delete",
        "topics:read:",
        "topics:create:some.id-_",
        "clients:read:x"
      })
  void create_validScopes_are201AsGiven(String scopes) {
    String id = Clients.create(admin, "n", scopes).expect(201).text("id");

    assertThat(admin.get("/clients/" + id).expect(200).text("scopes")).isEqualTo(scopes);
  }

  @Test
  void clientId_thatIsNoUuid_is422() {
    String error =
        """
        {"type":"uuid_parsing","loc":["path","id"],"msg":"<no-uuid>","input":"x",
         "ctx":{"error":"<text>"}}
        """;
    admin.get("/clients/x").expectInvalid(error);
    admin.delete("/clients/x").expectInvalid(error);
    Clients.update(admin, "x", "n", "*", "").expectInvalid(error);
  }

  @Test
  void unknownClient_is404() {
    admin.get("/clients/" + NOBODY).expectDetail(404, "Client not found");
    admin.delete("/clients/" + NOBODY).expectDetail(404, "Client not found");
    Clients.update(admin, NOBODY, "n", "*", "").expectDetail(404, "Client not found");
  }

  @Test
  void list_isInPagesByIdAscending() {
    var made = new ArrayList<String>();
    for (int i = 0; i < 12; i++) {
      made.add(Clients.created(admin, "*").id());
    }
    var listed = new ArrayList<String>();
    for (int offset = 0; ; offset += 7) {
      JsonNode page = admin.get("/clients?limit=7&offset=" + offset).expect(200).json().get("data");
      page.forEach(client -> listed.add(client.get("id").asString()));
      if (page.isEmpty()) {
        break;
      }
      page.forEach(client -> assertThat(client.propertyNames()).doesNotContain("secret"));
    }

    assertThat(listed).isSorted().doesNotHaveDuplicates().containsAll(made);
    assertThat(admin.get("/clients").expect(200).json().get("data")).hasSize(10);
  }

  @Test
  void update_isTheWholeObject_andEndsTheTokens() {
    Credentials client = Clients.created(admin, "topics:read");
    Caller caller = Clients.authorized(nobody, client);
    caller.get("/topics").expect(200);

    Clients.update(admin, client.id(), "renamed", "topics:read topics:create", "")
        .expect(200, clientJson(client.id(), "renamed", "topics:read topics:create", true, 2));

    expectUnauthorized(caller.get("/topics"), "Token revoked");
    Caller again = Clients.authorized(nobody, client);
    again.get("/topics").expect(200);
    assertThat(claims(again.token()).get("ver").asInt()).isEqualTo(2);
    again.post("/topics", "{\"id\":\"of-the-renamed\"}").expect(201);
  }

  @Test
  void update_withoutAnyChange_endsTheTokensToo() {
    Credentials client = Clients.created(admin, "topics:read");
    Caller caller = Clients.authorized(nobody, client);
    String name = admin.get("/clients/" + client.id()).text("name");

    Clients.update(admin, client.id(), name, "topics:read", "\"is_active\":true").expect(200);

    expectUnauthorized(caller.get("/topics"), "Token revoked");
  }

  @Test
  void update_needsNameAndScopes() {
    Credentials client = Clients.created(admin, "topics:read");

    admin
        .put("/clients/" + client.id(), "{\"is_active\":false}")
        .expectInvalid(
            """
            {"type":"missing","loc":["body","name"],"msg":"Field required",
             "input":{"is_active":false}},
            {"type":"missing","loc":["body","scopes"],"msg":"Field required",
             "input":{"is_active":false}}
            """);
  }

  @Test
  void update_withoutIsActive_enablesAgain() {
    Credentials client = Clients.created(admin, "*");
    Caller caller = Clients.authorized(nobody, client);
    Clients.update(admin, client.id(), "n", "*", "\"is_active\":false")
        .expect(200, clientJson(client.id(), "n", "*", false, 2));
    expectUnauthorized(caller.get("/topics"), "Client disabled");

    Clients.update(admin, client.id(), "n", "*", "")
        .expect(200, clientJson(client.id(), "n", "*", true, 3));

    expectUnauthorized(caller.get("/topics"), "Token revoked");
    Clients.authorized(nobody, client).get("/topics").expect(200);
  }

  @Test
  void delete_is204_andEndsTheTokens() {
    Credentials client = Clients.created(admin, "*");
    Caller caller = Clients.authorized(nobody, client);

    admin.delete("/clients/" + client.id()).expectNoContent();

    expectUnauthorized(caller.get("/topics"), "Client not found");
    expectUnauthorized(
        Clients.askForToken(nobody, client.id(), client.secret()), "Client not found");
    admin.delete("/clients/" + client.id()).expectDetail(404, "Client not found");
  }

  // Scopes

  @Test
  void starScope_mayDoEverything() {
    Pubsub all = new Pubsub(Clients.with(admin, "*"));
    Pubsub.Pair pair = all.pair("");
    all.publish(pair.topic(), "{}");
    all.ack(pair.subscription(), all.awaitOne(pair.subscription()));
    all.awaitMetrics(pair.subscription(), 0, 0, 1, 0);
    all.caller().get("/clients").expect(200);
    all.caller().delete("/topics/" + pair.topic()).expectNoContent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "topics:create",
        "topics:read",
        "topics:delete",
        "topics:publish",
        "subscriptions:create",
        "subscriptions:read",
        "subscriptions:delete",
        "subscriptions:consume",
        "clients:create",
        "clients:update",
        "clients:read",
        "clients:delete"
      })
  void oneScope_allowsItsCallsOnly(String scope) {
    Caller client = Clients.with(admin, scope);
    String topic = topic();
    String subscription = subscription(topic);
    String path = Pubsub.path(subscription, "");
    String other = Clients.created(admin, "topics:read").id();
    String newTopic = Caller.unique("scoped");
    record Call(String scope, int status, Answer answer) {}
    // Deletions last, those of subscriptions before those of topics.
    var calls =
        List.of(
            new Call(
                "topics:create",
                201,
                client.post("/topics", "{\"id\":\"%s\"}".formatted(newTopic))),
            new Call("topics:read", 200, client.get("/topics")),
            new Call("topics:read", 200, client.get("/topics/" + topic)),
            new Call("topics:publish", 204, client.post("/topics/" + topic + "/messages", "[{}]")),
            new Call(
                "subscriptions:create",
                201,
                new Pubsub(client).createSubscription(Caller.unique("scoped"), topic, "")),
            new Call("subscriptions:read", 200, client.get("/subscriptions")),
            new Call("subscriptions:read", 200, client.get(path)),
            new Call("subscriptions:read", 200, client.get(path + "/metrics")),
            new Call("subscriptions:consume", 200, client.get(path + "/messages?consumer_id=c")),
            new Call("subscriptions:consume", 204, client.post(path + "/acks", "[]")),
            new Call("subscriptions:consume", 204, client.post(path + "/nacks", "[]")),
            new Call("subscriptions:consume", 200, client.get(path + "/dlq")),
            new Call("subscriptions:consume", 204, client.post(path + "/dlq/reprocess", "[]")),
            new Call("clients:create", 201, Clients.create(client, "n", "topics:read")),
            new Call("clients:read", 200, client.get("/clients")),
            new Call("clients:read", 200, client.get("/clients/" + other)),
            new Call("clients:update", 200, Clients.update(client, other, "n", "topics:read", "")),
            new Call("clients:delete", 204, client.delete("/clients/" + other)),
            new Call("subscriptions:delete", 204, client.delete(path)),
            new Call("topics:delete", 204, client.delete("/topics/" + topic)));

    assertThat(calls)
        .allSatisfy(call -> {
          if (call.scope().equals(scope)) {
            call.answer().expect(call.status());
          } else {
            expectForbidden(call.answer());
          }
        });
  }

  @Test
  void objectScope_isForItsObjectOnly() {
    String topic = topic();
    String other = topic();
    Caller publisher = Clients.with(admin, "topics:publish:" + topic);

    publisher.post("/topics/" + topic + "/messages", "[{}]").expectNoContent();
    expectForbidden(publisher.post("/topics/" + other + "/messages", "[{}]"));
    expectForbidden(publisher.post("/topics/missing/messages", "[{}]"));
    expectForbidden(publisher.get("/topics/" + topic));

    String subscription = subscription(topic);
    Caller consumer = Clients.with(admin, "subscriptions:consume:" + subscription);
    consumer.get(Pubsub.path(subscription, "/messages?consumer_id=c")).expect(200);
    consumer.get(Pubsub.path(subscription, "/dlq")).expect(200);
    expectForbidden(consumer.get(Pubsub.path(subscription, "/metrics")));
    expectForbidden(consumer.get(Pubsub.path(subscription(topic), "/messages?consumer_id=c")));
  }

  @Test
  void objectScope_neverSatisfiesListsAndCreations() {
    String topic = topic();
    Caller client =
        Clients.with(
            admin,
            "topics:read:%1$s topics:create:fresh topics:read: subscriptions:read:x subscriptions:create:x clients:read:x clients:create:x"
                .formatted(topic));

    client.get("/topics/" + topic).expect(200);
    expectForbidden(client.get("/topics"));
    expectForbidden(client.post("/topics", "{\"id\":\"fresh\"}"));
    expectForbidden(client.get("/subscriptions"));
    expectForbidden(new Pubsub(client).createSubscription("x", topic, ""));
    expectForbidden(client.get("/clients"));
    expectForbidden(Clients.create(client, "x", "*"));
  }

  @Test
  void clientWithScope_mayDoItToAnybodys_whoeverMadeIt() {
    Caller owner = Caller.user(server, "read", "write");
    String topic = new Pubsub(owner).topic();

    Clients.with(admin, "topics:publish")
        .post("/topics/" + topic + "/messages", "[{}]")
        .expectNoContent();
    Caller creator = Clients.with(admin, "topics:create");
    String own = new Pubsub(creator).topic();
    expectForbidden(creator.post("/topics/" + own + "/messages", "[{}]"));
    expectForbidden(creator.delete("/topics/" + own));
  }

  // Users on this API

  @Test
  void usersToken_isAcceptedHere() {
    Caller writer = Caller.user(server, "read", "write");
    Pubsub pubsub = new Pubsub(writer);
    Pubsub.Pair pair = pubsub.pair("");

    pubsub.publish(pair.topic(), "{\"n\":1}");
    pubsub.ack(pair.subscription(), pubsub.awaitOne(pair.subscription()));
    pubsub.awaitMetrics(pair.subscription(), 0, 0, 1, 0);
    writer.delete(Pubsub.path(pair.subscription(), "")).expectNoContent();
    writer.delete("/topics/" + pair.topic()).expectNoContent();
  }

  @Test
  void user_withoutWrite_createsNoTopic() {
    Caller reader = Caller.user(server, "read");

    expectForbidden(reader.post("/topics", "{\"id\":\"of-a-reader\"}"));
  }

  @Test
  void user_mayNothingWithAnothersTopic_untilGranted() {
    Caller owner = Caller.user(server, "read", "write");
    Caller other = Caller.user(server, "read", "write");
    String topic = new Pubsub(owner).topic();
    String subscription = new Pubsub(owner).subscription(topic, "");
    String path = Pubsub.path(subscription, "");

    expectForbidden(other.get("/topics/" + topic));
    expectForbidden(other.post("/topics/" + topic + "/messages", "[{}]"));
    expectForbidden(other.delete("/topics/" + topic));
    expectForbidden(new Pubsub(other).createSubscription("of-another", topic, ""));
    expectForbidden(other.get(path));
    expectForbidden(other.get(path + "/metrics"));
    expectForbidden(other.get(path + "/messages?consumer_id=c"));
    expectForbidden(other.post(path + "/acks", "[]"));
    expectForbidden(other.delete(path));
    assertThat(other.get("/topics?limit=100").expect(200).body()).doesNotContain(topic);
    assertThat(other.get("/subscriptions?limit=100").expect(200).body())
        .doesNotContain(subscription);
    assertThat(owner.get("/topics?limit=100").expect(200).body()).contains(topic);
    assertThat(owner.get("/subscriptions?limit=100").expect(200).body()).contains(subscription);

    owner.grant(topic, other).expect(201);

    other.get("/topics/" + topic).expect(200);
    other.post("/topics/" + topic + "/messages", "[{\"n\":1}]").expectNoContent();
    String own = new Pubsub(other).subscription(topic, "");
    other.post("/topics/" + topic + "/messages", "[{\"n\":2}]").expectNoContent();
    assertThat(new Pubsub(other).awaitOne(own).n()).isEqualTo(2);
    expectForbidden(other.get(path + "/messages?consumer_id=c"));
    // The topic's owner may look after every subscription on it.
    owner.get(Pubsub.path(own, "/metrics")).expect(200);
  }

  @Test
  void clientsOfTheServer_areForAdmins() {
    Caller writer = Caller.user(server, "read", "write");

    expectForbidden(writer.get("/clients"));
    expectForbidden(writer.get("/clients/" + NOBODY));
    expectForbidden(Clients.create(writer, "n", "*"));
    expectForbidden(Clients.update(writer, NOBODY, "n", "*", ""));
    expectForbidden(writer.delete("/clients/" + NOBODY));
  }

  // Clients on the relay's API

  @Test
  void clientsToken_isAcceptedByTheRelay() {
    String topic = topic();
    Clients.with(admin, "topics:publish").publish(topic, "{}").expect(201);
    Clients.with(admin, "topics:publish:" + topic).publish(topic, "{}").expect(201);
    Clients.with(admin, "topics:publish:another").publish(topic, "{}").expect(403);
    Clients.with(admin, "topics:read").publish(topic, "{}").expect(403);

    String missing = Caller.unique("missing");
    Clients.with(admin, "topics:publish").publish(missing, "{}").expect(403);
    Clients.with(admin, "topics:publish topics:create").publish(missing, "{}").expect(201);

    Clients.with(admin, "subscriptions:consume").mayPoll(topic).expect(200);
    Clients.with(admin, "subscriptions:consume:" + topic).mayPoll(topic).expect(403);
    Clients.with(admin, "topics:read").get("/api/v1/topics/" + topic).expect(200);
    Clients.with(admin, "topics:publish").get("/api/v1/topics/" + topic).expect(403);
    Clients.with(admin, "topics:publish").delete("/api/v1/topics/" + topic).expect(403);
    Clients.with(admin, "topics:delete:" + topic)
        .delete("/api/v1/topics/" + topic)
        .expectNoContent();
    Clients.with(admin, "*").get("/auth/users").expect(200);
    Clients.with(admin, "clients:read").get("/auth/users").expect(403);
  }

  @Test
  void socketOfAClient_endsWhenTheClientIsChanged() {
    Credentials credentials = Clients.created(admin, "subscriptions:consume");
    Caller client = Clients.authorized(nobody, credentials);
    String topic = topic();
    try (Socket socket = Socket.subscribed(client, topic)) {
      admin.publish(topic, "{\"n\":1}").expect(201);
      assertThat(socket.next().get("type").asString()).isEqualTo("message");

      Clients.update(admin, credentials.id(), "n", "topics:read", "").expect(200);

      assertThat(socket.closeCode()).isPositive();
    }
  }

  // Commands

  @Test
  void createClient_worksBesideARunningServer() {
    String data = server.dataDir().toString();
    Credentials all =
        Credentials.printed(
            TidingsProcess.command("create-client", "Admin Client", "--data-dir", data));
    Clients.authorized(nobody, all).get("/clients").expect(200);
    admin
        .get("/clients/" + all.id())
        .expect(200, clientJson(all.id(), "Admin Client", "*", true, 1));

    Credentials narrow =
        Credentials.printed(
            TidingsProcess.command(
                "create_client", "N", "topics:create topics:read", "true", "--data-dir", data));
    Clients.authorized(nobody, narrow).get("/topics").expect(200);
    expectForbidden(Clients.authorized(nobody, narrow).get("/clients"));

    Credentials off =
        Credentials.printed(
            TidingsProcess.command("create_client", "Off", "*", "false", "--data-dir", data));
    expectUnauthorized(Clients.askForToken(nobody, off.id(), off.secret()), "Client disabled");

    assertThat(TidingsProcess.command("create-client", "N", "bad:scope", "--data-dir", data))
        .contains("bad:scope")
        .doesNotContain("client_secret")
        .doesNotEndWith("exit code 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate-secret-key", "generate_secret_key"})
  void generateSecretKey_prints32HexCharacters(String command) {
    assertThat(TidingsProcess.command(command))
        .matches(Pattern.compile("new_secret=[0-9a-f]{32}\\Rexit code 0"));
  }

  // Without a token

  @Test
  void anonymousAll_actsWithEveryScope_butATokenIsChecked() {
    try (TidingsProcess open =
        TidingsProcess.startSecured(Map.of("TIDINGS_PUBSUB_ANONYMOUS", "all"))) {
      Caller anonymous = Caller.nobody(open);
      Pubsub pubsub = new Pubsub(anonymous);
      Pubsub.Pair pair = pubsub.pair("");
      pubsub.publish(pair.topic(), "{}");
      pubsub.ack(pair.subscription(), pubsub.awaitOne(pair.subscription()));
      anonymous.get("/clients").expect(200);

      expectUnauthorized(
          anonymous.withAuthorization("Bearer x").get("/topics"), "Invalid jwt token");
      expectForbidden(Clients.with(anonymous, "topics:read").get("/clients"));
      anonymous.publish(pair.topic(), "{}").expectUnauthorized("Not authenticated");
    }
  }
}
