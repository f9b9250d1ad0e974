// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Logging in, registering users, and what a user is told about itself.
@SystemTest
final class LoginTest {

  private static final String MISSING_USERNAME =
      """
      {"type":"missing","loc":["body","username"],"msg":"Field required","input":null}\
      """;
  private static final String MISSING_PASSWORD =
      """
      {"type":"missing","loc":["body","password"],"msg":"Field required","input":null}\
      """;

  private final TidingsProcess server;
  private final RelayClient admin;

  LoginTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
  }

  @Test
  void login_withTheRightPassword_answersABearerToken() {
    JsonNode json =
        server
            .anonymous()
            .login(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD)
            .expect(200)
            .json();

    assertThat(Json.names(json))
        .containsExactlyInAnyOrder("access_token", "token_type", "expires_in", "refresh_token");
    assertThat(json.get("token_type").asString()).isEqualTo("bearer");
    assertThat(json.get("expires_in").asInt()).isEqualTo(3600);
  }

  @Test
  void token_isAJwtWithTheDocumentedClaims() {
    JsonNode claims = Jwt.claims(admin.token());

    assertThat(Json.parse(header(admin.token())).get("alg").asString()).isEqualTo("HS256");
    assertThat(claims.get("sub").asString()).matches(Shape.UUID);
    assertThat(claims.get("username").asString()).isEqualTo(TidingsProcess.ADMIN);
    assertThat(Json.texts(claims.get("permissions"))).contains("admin");
    assertThat(claims.get("exp").asLong() - claims.get("iat").asLong()).isEqualTo(3600);
  }

  private static String header(String token) {
    return new String(Base64.getUrlDecoder().decode(Jwt.parts(token).getFirst()), UTF_8);
  }

  @Test
  void login_withGrantTypePassword_succeeds() {
    server
        .anonymous()
        .form(
            "/auth/login",
            "grant_type",
            "password",
            "username",
            TidingsProcess.ADMIN,
            "password",
            TidingsProcess.BOOTSTRAP_PASSWORD)
        .expect(200);
  }

  @Test
  void login_withAnotherGrantType_is422() {
    server
        .anonymous()
        .form(
            "/auth/login",
            "grant_type",
            "refresh",
            "username",
            TidingsProcess.ADMIN,
            "password",
            TidingsProcess.BOOTSTRAP_PASSWORD)
        .expectInvalid(
            """
            {"type":"string_pattern_mismatch","loc":["body","grant_type"],
             "msg":"String should match pattern '^password$'","input":"refresh",
             "ctx":{"pattern":"^password$"}}\
            """);
  }

  @ParameterizedTest
  @CsvSource({"admin,wrong-password", "admin,bootstrap-passwor", "nobody-of-that-name,password"})
  void login_withAWrongNameOrPassword_is401WithTheSameText(String username, String password) {
    server
        .anonymous()
        .login(username, password)
        .expectUnauthorized("Incorrect username or password");
  }

  @Test
  void login_withAVeryLongPassword_is401() {
    server
        .anonymous()
        .login(TidingsProcess.ADMIN, "x".repeat(100_000))
        .expectUnauthorized("Incorrect username or password");
  }

  @Test
  void login_withUnicodeAndFormCharactersInThePassword_succeeds() {
    String name = RelayClient.unique("unicode");
    String password = "pässwörd & = + % 日本";
    admin.register(Json.object("username", name, "password", password)).expect(201);

    server.anonymous().login(name, password).expect(200);
  }

  @Test
  void login_withAJsonBody_is422NamingBothFields() {
    server
        .anonymous()
        .postJson("/auth/login", Json.object("username", "admin", "password", "x"))
        .expectInvalid(MISSING_USERNAME, MISSING_PASSWORD);
  }

  @Test
  void login_withoutPassword_is422() {
    server.anonymous().form("/auth/login", "username", "admin").expectInvalid(MISSING_PASSWORD);
  }

  @Test
  void login_manyAtOnce_areAllAnswered() {
    User user = admin.newUser("read");
    var logins =
        IntStream.range(0, 20)
            .mapToObj(_ ->
                server
                    .anonymous()
                    .sendAsync(
                        "POST",
                        "/auth/login",
                        BodyPublishers.ofString(
                            "username=" + user.name() + "&password=" + user.password()),
                        "Content-Type",
                        "application/x-www-form-urlencoded"))
            .toList();

    assertThat(logins).allSatisfy(login -> Await.result(login, Duration.ofSeconds(30)).expect(200));
  }

  @Test
  void register_asAdmin_answersTheUser() {
    String name = RelayClient.unique("producer");

    JsonNode user =
        admin
            .register(
                Json.object(
                    "username",
                    name,
                    "email",
                    "producer@example.com",
                    "password",
                    "secure-password",
                    "permissions",
                    List.of("write")))
            .expect(201)
            .json();

    assertThat(Json.names(user))
        .containsExactlyInAnyOrder(
            "user_id",
            "username",
            "email",
            "is_active",
            "created_at",
            "permissions",
            "owned_topics");
    assertThat(user.get("user_id").asString()).matches(Shape.UUID);
    assertThat(user.get("username").asString()).isEqualTo(name);
    assertThat(user.get("email").asString()).isEqualTo("producer@example.com");
    assertThat(user.get("is_active").asBoolean()).isTrue();
    assertThat(user.get("created_at").asString()).startsWith("20");
    assertThat(Json.texts(user.get("permissions"))).containsExactly("write");
    assertThat(user.get("owned_topics")).isEmpty();
  }

  @Test
  void register_withoutEmailAndPermissions_hasNone() {
    JsonNode user =
        admin
            .register(Json.object("username", RelayClient.unique("plain"), "password", "password1"))
            .expect(201)
            .json();

    assertThat(user.get("email").isNull()).isTrue();
    assertThat(user.get("permissions")).isEmpty();
  }

  @Test
  void register_withATakenName_is400() {
    User user = admin.newUser();

    admin
        .register(Json.object("username", user.name(), "password", "another-password"))
        .expectDetail(400, "Username '" + user.name() + "' already exists");
    server.anonymous().login(user.name(), user.password()).expect(200);
  }

  @Test
  void register_sameNameAtOnce_succeedsOnce() {
    String body =
        Json.write(Json.object("username", RelayClient.unique("race"), "password", "password1"));
    var replies =
        IntStream.range(0, 8)
            .mapToObj(_ ->
                admin.sendAsync(
                    "POST",
                    "/auth/register",
                    BodyPublishers.ofString(body),
                    "Content-Type",
                    "application/json"))
            .toList()
            .stream()
            .map(Await::result)
            .map(Reply::status)
            .toList();

    assertThat(replies).containsOnly(201, 400).containsOnlyOnce(201);
  }

  static Stream<Arguments> invalidUsers() {
    return Stream.of(
        argumentSet(
            "nothing",
            "{}",
            List.of(
                """
                {"type":"missing","loc":["body","username"],"msg":"Field required","input":{}}\
                """,
                """
                {"type":"missing","loc":["body","password"],"msg":"Field required","input":{}}\
                """)),
        argumentSet(
            "too short",
            """
            {"username":"ab","password":"short"}\
            """,
            List.of(
                """
                {"type":"string_too_short","loc":["body","username"],
                 "msg":"String should have at least 3 characters","input":"ab",
                 "ctx":{"min_length":3}}\
                """,
                """
                {"type":"string_too_short","loc":["body","password"],
                 "msg":"String should have at least 8 characters","input":"short",
                 "ctx":{"min_length":8}}\
                """)),
        argumentSet(
            "username of 51",
            "{\"username\":\"" + "u".repeat(51) + "\",\"password\":\"password1\"}",
            List.of(
                "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"username\"],"
                    + "\"msg\":\"String should have at most 50 characters\",\"input\":\""
                    + "u".repeat(51)
                    + "\",\"ctx\":{\"max_length\":50}}")),
        argumentSet(
            "wrong types",
            """
            {"username":5,"password":12345678,"email":5}\
            """,
            List.of(
                """
                {"type":"string_type","loc":["body","username"],
                 "msg":"Input should be a valid string","input":5}\
                """,
                """
                {"type":"string_type","loc":["body","email"],
                 "msg":"Input should be a valid string","input":5}\
                """,
                """
                {"type":"string_type","loc":["body","password"],
                 "msg":"Input should be a valid string","input":12345678}\
                """)),
        argumentSet(
            "unknown permissions",
            """
            {"username":"someone","password":"password1","permissions":["read","root",5]}\
            """,
            List.of(
                """
                {"type":"literal_error","loc":["body","permissions",1],
                 "msg":"Input should be 'admin', 'read' or 'write'","input":"root",
                 "ctx":{"expected":"'admin', 'read' or 'write'"}}\
                """,
                """
                {"type":"literal_error","loc":["body","permissions",2],
                 "msg":"Input should be 'admin', 'read' or 'write'","input":5,
                 "ctx":{"expected":"'admin', 'read' or 'write'"}}\
                """)),
        argumentSet(
            "permissions not a list",
            """
            {"username":"someone","password":"password1","permissions":"read"}\
            """,
            List.of(
                """
                {"type":"list_type","loc":["body","permissions"],
                 "msg":"Input should be a valid list","input":"read"}\
                """)));
  }

  @ParameterizedTest
  @MethodSource("invalidUsers")
  void register_withInvalidFields_is422(String body, List<String> errors) {
    admin.postRaw("/auth/register", body).expectInvalid(errors.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(strings = {"read", "write"})
  void register_withoutAdmin_is403(String permission) {
    User user = admin.newUser(permission);
    String name = RelayClient.unique("refused");

    user.client()
        .register(Json.object("username", name, "password", "password1"))
        .expectDetail(403, "Permission 'admin' required");
    server.anonymous().login(name, "password1").expect(401);
  }

  @Test
  void me_answersTheCallerWithTheTopicsItOwns() {
    User user = admin.newUser("read", "write");
    String topic = RelayClient.unique("owned");
    user.client().createTopic("topic_name", topic).expect(201);

    JsonNode me = user.client().me().expect(200).json();

    assertThat(me.get("user_id").asString()).isEqualTo(user.id());
    assertThat(me.get("username").asString()).isEqualTo(user.name());
    assertThat(Json.texts(me.get("permissions"))).containsExactly("read", "write");
    assertThat(Json.texts(me.get("owned_topics"))).containsExactly(topic);
    assertThat(me.toString()).doesNotContain("password", "argon2");
  }
}
