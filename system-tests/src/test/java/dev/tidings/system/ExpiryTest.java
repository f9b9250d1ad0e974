// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Messages and tokens that have had their time.
@SystemTest
final class ExpiryTest {

  private final RelayClient admin;
  private final TidingsProcess shortTokens;

  ExpiryTest(
      @On(Setup.DEV) TidingsProcess server, @On(Setup.SHORT_TOKENS) TidingsProcess shortTokens) {
    this.admin = server.admin();
    this.shortTokens = shortTokens;
  }

  @Test
  void messageWithATtl_isReadUntilItExpires() {
    String topic = RelayClient.unique("ttl");
    String seed = admin.publishNumber(topic, 0);
    admin.publish(topic, Map.of("n", 1), "ttl", 2).expect(201);
    admin.publish(topic, Map.of("n", 2), "ttl", "3600").expect(201);
    assertThat(admin.readFrom(topic, seed).numbers()).containsExactly(1, 2);

    Await.until(
        "the message of two seconds is gone",
        () -> admin.readFrom(topic, seed).numbers().equals(List.of(2)));

    try (RelaySocket socket = admin.subscribeFrom("earliest", topic)) {
      assertThat(socket.numbers(2)).containsExactly(0, 2);
      socket.expectNothingBeforePong();
    }
    try (RelaySocket socket = admin.subscribeFrom(seed, topic)) {
      assertThat(socket.numbers(1)).containsExactly(2);
    }
  }

  @Test
  void expiredMessagesAlone_makeAPollWait() {
    String topic = RelayClient.unique("allexpired");
    admin.publish(topic, Map.of("n", 1), "ttl", 1).expect(201);

    Await.until(
        "nothing is left to read", () -> admin.readFrom(topic, "start").messages().isEmpty());
  }

  @Test
  void bulk_honoursTheTtlOfEachMessage() {
    String topic = RelayClient.unique("bulkttl");
    admin
        .bulk(
            List.of(
                Json.object("topic", topic, "payload", Map.of("n", 1), "ttl", 1),
                Json.object("topic", topic, "payload", Map.of("n", 2))))
        .expect(207);

    Await.until(
        "the message of one second is gone",
        () -> admin.readFrom(topic, "start").numbers().equals(List.of(2)));
  }

  @Test
  void cursorOfAnExpiredMessage_stillCounts() {
    String topic = RelayClient.unique("cursor");
    admin.publishNumber(topic, 0);
    String expiring = admin.publish(topic, Map.of("n", 1), "ttl", 1).expect(201).messageId();
    admin.publishNumber(topic, 2);
    Await.until(
        "the message of one second is gone",
        () -> admin.readFrom(topic, "start").numbers().equals(List.of(0, 2)));

    assertThat(admin.readFrom(topic, expiring).numbers()).containsExactly(2);
  }

  @Test
  void token_isRefusedOnceItHasExpired() {
    JsonNode login =
        shortTokens
            .anonymous()
            .login(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD)
            .expect(200)
            .json();
    assertThat(login.get("expires_in").asInt()).isEqualTo(3);
    RelayClient client = shortTokens.anonymous().withToken(login.get("access_token").asString());
    // Used before, so that a cache of verified tokens knows it.
    client.me().expect(200);

    Await.until("the token has expired", () -> client.me().status() != 200);

    client.me().expectUnauthorized("Invalid or expired token");
    client
        .publish(RelayClient.unique("late"), Map.of())
        .expectUnauthorized("Invalid or expired token");
    assertThat(
            RelaySocket.refusedStatus(
                URI.create(shortTokens.webSocketUrl() + "?token=" + client.token())))
        .isEqualTo(403);
  }

  @Test
  void socket_isWarnedAndClosedWhenItsTokenExpires() {
    RelayClient client = shortTokens.admin();
    String topic = RelayClient.unique("ends");
    try (RelaySocket socket = client.subscribe(topic)) {
      socket.expectClosed();

      JsonNode warning = socket.next(Duration.ofMillis(1));
      assertThat(warning.path("type").asString()).isNotBlank().isNotEqualTo("message");
    }
    assertThat(client.me().status()).as("status once the socket has ended").isEqualTo(401);
  }

  @Test
  void socket_thatIsRefreshed_outlivesItsFirstToken() {
    RelayClient first = shortTokens.admin();
    String topic = RelayClient.unique("extended");
    try (RelaySocket socket = first.subscribe(topic)) {
      long start = System.nanoTime();
      // Longer than the three seconds of one token.
      while (Duration.ofNanos(System.nanoTime() - start).toMillis() < 5_000) {
        socket.send(Json.object("type", "refresh", "token", shortTokens.admin().token()));
        // Whatever it says (a warning, a confirmation), it must not be the end.
        socket.poll(Duration.ofMillis(500));
        assertThat(socket.isClosed()).isFalse();
      }
      shortTokens.admin().publishNumber(topic, 1);

      JsonNode frame = socket.next();
      while (!frame.path("type").asString().equals("message")) {
        frame = socket.next();
      }
      assertThat(frame.get("payload").get("n").asInt()).isEqualTo(1);
      first.me().expectUnauthorized("Invalid or expired token");
    }
  }

  @Test
  void socket_refreshedWithABadToken_isNotExtended() {
    RelayClient client = shortTokens.admin();
    try (RelaySocket socket = client.subscribe(RelayClient.unique("notextended"))) {
      socket.send(Json.object("type", "refresh", "token", "garbage"));

      socket.expectClosed();
    }
  }
}
