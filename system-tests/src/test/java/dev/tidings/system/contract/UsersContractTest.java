// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Section 1 of the contract: authentication and users. The names begin with the row.
@SystemTest
final class UsersContractTest {
  private static final String RELAY_CONSTANT = "your-secret-key-here-change-in-production";
  private static final String UNKNOWN_ID = "00000000-0000-4000-8000-000000000000";

  private final TidingsProcess server;
  private final Caller nobody;
  private final Caller admin;

  UsersContractTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.nobody = Caller.nobody(server);
    this.admin = Caller.admin(server);
  }

  // Tokens

  private static String encoded(String json) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(UTF_8));
  }

  private static String signed(String claims, String key) {
    try {
      String text = encoded("{\"alg\":\"HS256\",\"typ\":\"JWT\"}") + "." + encoded(claims);
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key.getBytes(UTF_8), "HmacSHA256"));
      byte[] signature = mac.doFinal(text.getBytes(UTF_8));
      return text + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static String claims(String subject, long expiresIn) {
    long now = Instant.now().getEpochSecond();
    return "{\"sub\":\"%s\",\"username\":\"x\",\"permissions\":[\"admin\"],\"exp\":%d,\"iat\":%d}"
        .formatted(subject, now + expiresIn, now);
  }

  private static JsonNode part(String token, int index) {
    return Template.parse(
        new String(Base64.getUrlDecoder().decode(token.split("\\.", -1)[index]), UTF_8));
  }

  @Test
  void jwt_isHs256WithTheClaimsOfTheRelay_for3600Seconds() {
    Caller user = Caller.user(server, "read", "write");
    JsonNode header = part(user.token(), 0);
    JsonNode claims = part(user.token(), 1);

    assertThat(header.get("alg").asString()).isEqualTo("HS256");
    assertThat(claims.get("sub").asString()).isEqualTo(user.id());
    assertThat(claims.get("username").asString()).isEqualTo(user.name());
    assertThat(claims.get("permissions")).isEqualTo(Template.parse("[\"read\",\"write\"]"));
    assertThat(claims.get("exp").asLong() - claims.get("iat").asLong()).isEqualTo(3600);
    assertThat(claims.get("iat").asLong())
        .isBetween(Instant.now().getEpochSecond() - 60, Instant.now().getEpochSecond());
  }

  @Test
  void jwt_signedWithTheConfiguredKey_isAccepted() {
    String token = signed(claims(admin.id(), 60), TidingsProcess.SECRET_KEY);

    nobody.withAuthorization("Bearer " + token).get("/auth/me").expect(200);
  }

  @Test
  void jwt_signedWithTheConstantOfTheRelay_is401() {
    String token = signed(claims(admin.id(), 60), RELAY_CONSTANT);

    nobody
        .withAuthorization("Bearer " + token)
        .get("/auth/me")
        .expectUnauthorized("Invalid or expired token");
  }

  @Test
  void jwt_expired_is401() {
    String token = signed(claims(admin.id(), -1), TidingsProcess.SECRET_KEY);

    nobody
        .withAuthorization("Bearer " + token)
        .get("/auth/me")
        .expectUnauthorized("Invalid or expired token");
  }

  @Test
  void permissions_comeFromTheStoredUserNotTheToken() {
    Caller reader = Caller.user(server, "read");
    String token = signed(claims(reader.id(), 60), TidingsProcess.SECRET_KEY);

    nobody
        .withAuthorization("Bearer " + token)
        .register(Caller.unique("no"), Caller.PASSWORD)
        .expectDetail(403, "Permission 'admin' required");
  }

  // 401 and 403

  @Test
  void absentToken_is401NotAuthenticated() {
    nobody.get("/auth/me").expectUnauthorized("Not authenticated");
  }

  @Test
  void nonBearerAuthorization_is401NotAuthenticated() {
    nobody
        .withAuthorization("Basic YWRtaW46YWRtaW4=")
        .get("/auth/me")
        .expectUnauthorized("Not authenticated");
  }

  @Test
  void bearerInLowerCase_isAccepted() {
    nobody.withAuthorization("bearer " + admin.token()).get("/auth/me").expect(200);
  }

  @Test
  void badToken_is401InvalidOrExpired() {
    nobody
        .withAuthorization("Bearer rubbish")
        .get("/auth/me")
        .expectUnauthorized("Invalid or expired token");
  }

  @Test
  void tokenOfUnknownUser_is401UserNotFound() {
    String token = signed(claims(UNKNOWN_ID, 60), TidingsProcess.SECRET_KEY);

    nobody
        .withAuthorization("Bearer " + token)
        .get("/auth/me")
        .expectUnauthorized("User not found");
  }

  @Test
  void inactiveUser_is403UserIsInactive() {
    Caller user = Caller.user(server, "read");
    admin.patch("/auth/users/" + user.id(), "{\"is_active\":false}").expect(200);

    user.get("/auth/me").expectDetail(403, "User is inactive");
  }

  @Test
  void missingPermission_is403PermissionRequired() {
    Caller.user(server, "read")
        .publish("any", "{}")
        .expectDetail(403, "Permission 'write' required");
  }

  // POST /auth/login

  @Test
  void login_good_is200WithBearerAnd3600() {
    nobody
        .login(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD)
        .expect(
            200,
            "{\"access_token\":\"<jwt>\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"<jwt>\"}");
  }

  @Test
  void login_grantTypePassword_is200() {
    nobody
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
  void login_otherGrantType_is422() {
    nobody
        .form(
            "/auth/login",
            "grant_type",
            "client_credentials",
            "username",
            TidingsProcess.ADMIN,
            "password",
            TidingsProcess.BOOTSTRAP_PASSWORD)
        .expect(422);
  }

  @Test
  void login_wrongPassword_is401() {
    nobody
        .login(TidingsProcess.ADMIN, "not-the-password")
        .expectUnauthorized("Incorrect username or password");
  }

  @Test
  void login_unknownName_is401() {
    nobody
        .login(Caller.unique("unknown"), Caller.PASSWORD)
        .expectUnauthorized("Incorrect username or password");
  }

  @Test
  void login_inactiveUser_is403() {
    Caller user = Caller.user(server, "read");
    admin.patch("/auth/users/" + user.id(), "{\"is_active\":false}").expect(200);

    nobody.login(user.name(), Caller.PASSWORD).expectDetail(403, "User account is inactive");
  }

  @Test
  void login_inactiveUserWithWrongPassword_is401() {
    Caller user = Caller.user(server, "read");
    admin.patch("/auth/users/" + user.id(), "{\"is_active\":false}").expect(200);

    nobody
        .login(user.name(), "not-the-password")
        .expectUnauthorized("Incorrect username or password");
  }

  @Test
  void login_jsonBody_is422ForBothFields() {
    Answer answer =
        nobody.post("/auth/login", "{\"username\":\"admin\",\"password\":\"whatever\"}");

    answer.expect(
        422,
        """
        {"detail":[
          {"type":"missing","loc":["body","username"],"msg":"Field required","input":null},
          {"type":"missing","loc":["body","password"],"msg":"Field required","input":null}]}
        """);
  }

  // POST /auth/register

  @Test
  void register_asAdmin_is201User() {
    String name = Caller.unique("registered");

    admin
        .post(
            "/auth/register",
            "{\"username\":\"%s\",\"password\":\"%s\",\"email\":\"x@example.org\",\"permissions\":[\"read\",\"write\"]}"
                .formatted(name, Caller.PASSWORD))
        .expect(
            201,
            """
            {"user_id":"<uuid>","username":"%s","email":"x@example.org","is_active":true,
             "created_at":"<time>","permissions":["read","write"],"owned_topics":[]}
            """
                .formatted(name));
  }

  @Test
  void register_withoutPermissionsAndEmail_defaultsToNone() {
    String name = Caller.unique("plain");

    admin
        .post(
            "/auth/register",
            "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(name, Caller.PASSWORD))
        .expect(
            201,
            """
            {"user_id":"<uuid>","username":"%s","email":null,"is_active":true,
             "created_at":"<time>","permissions":[],"owned_topics":[]}
            """
                .formatted(name));
  }

  @Test
  void register_existingName_is400() {
    String name = Caller.unique("twice");
    admin.register(name, Caller.PASSWORD).expect(201);

    admin
        .register(name, Caller.PASSWORD)
        .expectDetail(400, "Username '" + name + "' already exists");
  }

  @Test
  void register_username3And50_is201() {
    long number = System.nanoTime();
    String three = "u" + Long.toString(number % 1296 + 1296, 36).substring(1);
    String fifty = Caller.unique("f").concat("x".repeat(50)).substring(0, 50);

    admin.register(three, Caller.PASSWORD).expect(201);
    admin.register(fifty, Caller.PASSWORD).expect(201);
  }

  @Test
  void register_username2_is422() {
    admin
        .register("ab", Caller.PASSWORD)
        .expectInvalid(
            """
            {"type":"string_too_short","loc":["body","username"],
             "msg":"String should have at least 3 characters","input":"ab",
             "ctx":{"min_length":3}}
            """);
  }

  @Test
  void register_username51_is422() {
    admin
        .register("x".repeat(51), Caller.PASSWORD)
        .expectInvalid(
            """
            {"type":"string_too_long","loc":["body","username"],
             "msg":"String should have at most 50 characters","input":"%s",
             "ctx":{"max_length":50}}
            """
                .formatted("x".repeat(51)));
  }

  @Test
  void register_password8_is201() {
    admin.register(Caller.unique("eight"), "12345678").expect(201);
  }

  @Test
  void register_password7_is422() {
    admin
        .register(Caller.unique("seven"), "1234567")
        .expectInvalid(
            """
            {"type":"string_too_short","loc":["body","password"],
             "msg":"String should have at least 8 characters","input":"1234567",
             "ctx":{"min_length":8}}
            """);
  }

  @Test
  void register_otherPermission_is422LiteralError() {
    admin
        .register(Caller.unique("root"), Caller.PASSWORD, "root")
        .expectInvalid(
            """
            {"type":"literal_error","loc":["body","permissions",0],
             "msg":"Input should be 'admin', 'read' or 'write'","input":"root",
             "ctx":{"expected":"'admin', 'read' or 'write'"}}
            """);
  }

  @Test
  void register_withoutFields_is422Missing() {
    admin
        .post("/auth/register", "{}")
        .expect(
            422,
            """
            {"detail":[
              {"type":"missing","loc":["body","username"],"msg":"Field required","input":{}},
              {"type":"missing","loc":["body","password"],"msg":"Field required","input":{}}]}
            """);
  }

  @Test
  void register_asOther_is403() {
    Caller.user(server, "read", "write")
        .register(Caller.unique("no"), Caller.PASSWORD)
        .expectDetail(403, "Permission 'admin' required");
  }

  @Test
  void register_withoutToken_is401() {
    nobody.register(Caller.unique("no"), Caller.PASSWORD).expectUnauthorized("Not authenticated");
  }

  // GET /auth/me

  @Test
  void me_isTheUserWithItsTopics() {
    Caller user = Caller.user(server, "write");
    String topic = Caller.unique("mine");
    user.createTopic(topic, false).expect(201);

    user.get("/auth/me")
        .expect(
            200,
            """
            {"user_id":"%s","username":"%s","email":null,"is_active":true,
             "created_at":"<time>","permissions":["write"],"owned_topics":["%s"]}
            """
                .formatted(user.id(), user.name(), topic));
  }

  // GET /auth/users

  @Test
  void users_asAdmin_is200ArrayOfUsers() {
    Caller user = Caller.user(server, "read");

    JsonNode users = admin.get("/auth/users").expect(200).json();

    assertThat(users.isArray()).isTrue();
    List<JsonNode> found =
        users
            .valueStream()
            .filter(entry -> entry.get("user_id").asString().equals(user.id()))
            .toList();
    assertThat(found).hasSize(1);
    Template.assertMatches(
        found.getFirst(),
        """
        {"user_id":"%s","username":"%s","email":null,"is_active":true,
         "created_at":"<time>","permissions":["read"],"owned_topics":[]}
        """
            .formatted(user.id(), user.name()));
    assertThat(users.valueStream().map(entry -> entry.get("username").asString()))
        .contains(TidingsProcess.ADMIN);
  }

  @Test
  void users_asOther_is403() {
    Caller.user(server, "read", "write")
        .get("/auth/users")
        .expectDetail(403, "Permission 'admin' required");
  }

  @Test
  void users_withoutToken_is401() {
    nobody.get("/auth/users").expectUnauthorized("Not authenticated");
  }

  // GET /auth/users/stats

  @Test
  void usersStats_asAdmin_areTotalAndActive() {
    JsonNode before = admin.get("/auth/users/stats").expect(200).json();
    Caller user = Caller.user(server);
    Caller.user(server);
    admin.patch("/auth/users/" + user.id(), "{\"is_active\":false}").expect(200);

    admin
        .get("/auth/users/stats")
        .expect(
            200,
            "{\"total_users\":%d,\"active_users\":%d}"
                .formatted(
                    before.get("total_users").asInt() + 2, before.get("active_users").asInt() + 1));
  }

  @Test
  void usersStats_asOther_is403() {
    Caller.user(server, "read")
        .get("/auth/users/stats")
        .expectDetail(403, "Permission 'admin' required");
  }

  // PATCH /auth/users/{id}

  @Test
  void patch_email_is200UserAndChangesNothingElse() {
    Caller user = Caller.user(server, "read");
    String expected =
        """
        {"user_id":"%s","username":"%s","email":"new@example.org","is_active":true,
         "created_at":"<time>","permissions":["read"],"owned_topics":[]}
        """
            .formatted(user.id(), user.name());

    admin
        .patch("/auth/users/" + user.id(), "{\"email\":\"new@example.org\"}")
        .expect(200, expected);
    user.get("/auth/me").expect(200, expected);
  }

  @Test
  void patch_password_changesTheLogin() {
    Caller user = Caller.user(server, "read");

    admin.patch("/auth/users/" + user.id(), "{\"password\":\"another-one\"}").expect(200);

    nobody.login(user.name(), Caller.PASSWORD).expectUnauthorized("Incorrect username or password");
    nobody.login(user.name(), "another-one").expect(200);
  }

  @Test
  void patch_password8_is200And7_is422() {
    Caller user = Caller.user(server);

    admin.patch("/auth/users/" + user.id(), "{\"password\":\"12345678\"}").expect(200);
    admin
        .patch("/auth/users/" + user.id(), "{\"password\":\"1234567\"}")
        .expectInvalid(
            """
            {"type":"string_too_short","loc":["body","password"],
             "msg":"String should have at least 8 characters","input":"1234567",
             "ctx":{"min_length":8}}
            """);
  }

  /// The relay cached users for 60 s; here a change takes effect at once (compatibility.md).
  @Test
  void patch_permissions_takeEffectAtOnce() {
    Caller user = Caller.user(server, "read");
    String topic = Caller.unique("later");
    user.createTopic(topic, false).expectDetail(403, "Permission 'write' required");

    admin.patch("/auth/users/" + user.id(), "{\"permissions\":[\"write\"]}").expect(200);

    user.createTopic(topic, false).expect(201);
    user.mayPoll(topic).expectDetail(403, "Permission 'read' required");
  }

  @Test
  void patch_isActive_disablesAndEnables() {
    Caller user = Caller.user(server, "read");

    admin
        .patch("/auth/users/" + user.id(), "{\"is_active\":false}")
        .expect(
            200,
            """
            {"user_id":"%s","username":"%s","email":null,"is_active":false,
             "created_at":"<time>","permissions":["read"],"owned_topics":[]}
            """
                .formatted(user.id(), user.name()));
    user.get("/auth/me").expectDetail(403, "User is inactive");
    admin.patch("/auth/users/" + user.id(), "{\"is_active\":true}").expect(200);
    user.get("/auth/me").expect(200);
  }

  @Test
  void patch_emptyObject_is200AndChangesNothing() {
    Caller user = Caller.user(server, "read");
    String before = user.get("/auth/me").expect(200).body();

    Answer patched = admin.patch("/auth/users/" + user.id(), "{}").expect(200);

    assertThat(patched.json()).isEqualTo(Template.parse(before));
  }

  @Test
  void patch_unknownPermission_is422() {
    Caller user = Caller.user(server);

    admin
        .patch("/auth/users/" + user.id(), "{\"permissions\":[\"root\"]}")
        .expectInvalid(
            """
            {"type":"literal_error","loc":["body","permissions",0],
             "msg":"Input should be 'admin', 'read' or 'write'","input":"root",
             "ctx":{"expected":"'admin', 'read' or 'write'"}}
            """);
  }

  @Test
  void patch_unknownUser_is404() {
    admin
        .patch("/auth/users/" + UNKNOWN_ID, "{}")
        .expectDetail(404, "User with ID '" + UNKNOWN_ID + "' not found");
  }

  @Test
  void patch_asOther_is403() {
    Caller user = Caller.user(server, "read", "write");

    user.patch("/auth/users/" + user.id(), "{}").expectDetail(403, "Permission 'admin' required");
  }

  // DELETE /auth/users/{id}

  @Test
  void delete_is204AndTheTokenEnds() {
    Caller user = Caller.user(server, "read");

    admin.delete("/auth/users/" + user.id()).expectNoContent();

    user.get("/auth/me").expectUnauthorized("User not found");
    nobody.login(user.name(), Caller.PASSWORD).expectUnauthorized("Incorrect username or password");
  }

  @Test
  void delete_freesTheName() {
    Caller user = Caller.user(server, "read");

    admin.delete("/auth/users/" + user.id()).expectNoContent();

    String again = admin.register(user.name(), Caller.PASSWORD).expect(201).text("user_id");
    assertThat(again).isNotEqualTo(user.id());
  }

  @Test
  void delete_oneself_is400() {
    admin
        .delete("/auth/users/" + admin.id())
        .expectDetail(400, "Cannot delete your own user account");
    admin.get("/auth/me").expect(200);
  }

  @Test
  void delete_unknownUser_is404() {
    admin
        .delete("/auth/users/" + UNKNOWN_ID)
        .expectDetail(404, "User with ID '" + UNKNOWN_ID + "' not found");
  }

  @Test
  void delete_asOther_is403() {
    Caller user = Caller.user(server, "read", "write");

    user.delete("/auth/users/" + user.id()).expectDetail(403, "Permission 'admin' required");
  }
}
