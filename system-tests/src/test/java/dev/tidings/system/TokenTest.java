// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tokens that must not count, and the order in which a request is checked.
@SystemTest
final class TokenTest {

  private static final String BODY = "{\"topic\":\"never-stored\",\"payload\":{}}";

  private final TidingsProcess server;
  private final RelayClient admin;

  TokenTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/api/v1/messages", "/api/v1/messages/bulk", "/messages/poll", "/auth/register"})
  void withoutToken_is401(String path) {
    server.anonymous().postRaw(path, "{}").expectUnauthorized("Not authenticated");
  }

  @Test
  void me_withoutToken_is401() {
    server.anonymous().me().expectUnauthorized("Not authenticated");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Basic YWRtaW46YWRtaW4=", "Token abc", "abc"})
  void anotherScheme_is401LikeNoToken(String authorization) {
    server
        .anonymous()
        .withAuthorization(authorization)
        .postRaw("/api/v1/messages", BODY)
        .expectUnauthorized("Not authenticated");
  }

  @Test
  void bearer_isReadInAnyCase() {
    server.anonymous().withAuthorization("bearer " + admin.token()).me().expect(200);
    server.anonymous().withAuthorization("BEARER " + admin.token()).me().expect(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"garbage", "a.b.c", "..", "e30.e30.e30"})
  void garbage_is401(String token) {
    expectRefused(token);
  }

  @Test
  void veryLongGarbage_isRefusedAndTheServerGoesOn() {
    Reply reply = server.anonymous().withToken("x".repeat(6_000)).me();

    assertThat(reply.status()).isBetween(400, 499);
    admin.me().expect(200);
  }

  @Test
  void tokenOfOtherClaims_signedWithTheConfiguredSecret_isAccepted() {
    // The control for the forgeries below: what they lack is the key, nothing else.
    server.anonymous().withToken(Jwt.hs256(claims(), TidingsProcess.SECRET_KEY)).me().expect(200);
  }

  @Test
  void expired_is401() {
    long past = Instant.now().getEpochSecond() - 120;
    expectRefused(Jwt.hs256(Jwt.claimsWith(admin.token(), "exp", past), TidingsProcess.SECRET_KEY));
  }

  @Test
  void withoutExpiry_is401() {
    var claims = Jwt.claimsWith(admin.token(), "exp", 0);
    claims.remove("exp");
    expectRefused(Jwt.hs256(claims, TidingsProcess.SECRET_KEY));
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "None", "NONE", "nOnE"})
  void algorithmNone_is401(String none) {
    expectRefused(Jwt.unsigned(claims(), none));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "another-secret-key-of-some-attacker-0123456789",
        "your-secret-key-here-change-in-production",
        "a-secret-key-of-the-system-tests-012345678"
      })
  void signedWithAnotherKey_is401(String key) {
    expectRefused(Jwt.hs256(claims(), key));
  }

  @Test
  void signedWithAForeignKeyPair_is401() {
    expectRefused(Jwt.rs256(claims()));
  }

  @Test
  void changedClaims_is401() {
    List<String> parts = Jwt.parts(admin.newUser("read").client().token());
    var claims =
        Jwt.claimsWith(
            String.join(".", parts), "sub", Jwt.claims(admin.token()).get("sub").asString());
    expectRefused(parts.get(0) + "." + Jwt.encode(claims) + "." + parts.get(2));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 10, 43})
  void truncatedSignature_is401(int cut) {
    String token = admin.token();
    expectRefused(token.substring(0, token.length() - cut));
  }

  @Test
  void goodTokenOfAnUnknownUser_is401() {
    String unknown = UUID.randomUUID().toString();
    server
        .anonymous()
        .withToken(
            Jwt.hs256(Jwt.claimsWith(admin.token(), "sub", unknown), TidingsProcess.SECRET_KEY))
        .me()
        .expectUnauthorized("User not found");
  }

  @Test
  void permissions_comeFromTheUserNotFromTheToken() {
    User reader = admin.newUser("read");
    String claimsAdmin =
        Jwt.hs256(
            Jwt.claimsWith(reader.client().token(), "permissions", List.of("admin", "write")),
            TidingsProcess.SECRET_KEY);

    server
        .anonymous()
        .withToken(claimsAdmin)
        .publish(RelayClient.unique("claimed"), Map.of())
        .expectDetail(403, "Permission 'write' required");
  }

  private Map<String, Object> claims() {
    // Differs from the real token, so that no cache of verified tokens can answer.
    return Jwt.claimsWith(admin.token(), "iat", Instant.now().getEpochSecond() - 1);
  }

  /// Refused everywhere, and nothing happens.
  private void expectRefused(String token) {
    RelayClient forger = server.anonymous().withToken(token);
    forger.me().expectUnauthorized("Invalid or expired token");
    forger.postRaw("/api/v1/messages", BODY).expectUnauthorized("Invalid or expired token");
    URI socket =
        URI.create(server.webSocketUrl() + "?token=" + java.net.URLEncoder.encode(token, UTF_8));
    assertThat(RelaySocket.refusedStatus(socket)).isEqualTo(403);
  }

  // The order: is it JSON, who is it, are the fields right.

  @Test
  void malformedJson_withoutToken_is422() {
    server.anonymous().postRaw("/api/v1/messages", "{").expectNotJson();
  }

  @Test
  void malformedJson_withABadToken_is422() {
    server.anonymous().withToken("garbage").postRaw("/api/v1/messages", "{").expectNotJson();
  }

  @Test
  void malformedJson_withoutPermission_is422() {
    admin.newUser("read").client().postRaw("/api/v1/messages", "{").expectNotJson();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/api/v1/messages", "/api/v1/messages/bulk", "/api/v1/topics"})
  void invalidFields_withoutPermission_is403(String path) {
    admin
        .newUser("read")
        .client()
        .postRaw(path, "{\"topic\":5}")
        .expectDetail(403, "Permission 'write' required");
  }

  @Test
  void poll_invalidFieldsWithoutPermission_is403() {
    admin
        .newUser("write")
        .client()
        .postRaw("/messages/poll", "{}")
        .expectDetail(403, "Permission 'read' required");
  }

  @Test
  void adminAlone_impliesReadAndWrite() {
    RelayClient onlyAdmin = admin.newUser("admin").client();
    String topic = RelayClient.unique("admin-only");

    String id = onlyAdmin.publishNumber(topic, 1);

    assertThat(onlyAdmin.readAll(topic).ids()).containsExactly(id);
  }
}
