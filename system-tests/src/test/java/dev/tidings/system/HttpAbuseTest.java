// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// HTTP as no good client speaks it, and as curl does.
@SystemTest
final class HttpAbuseTest {

  private final TidingsProcess server;
  private final RelayClient admin;

  HttpAbuseTest(@On(Setup.DEV) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
  }

  private static String publish(String topic, int number) {
    return "{\"topic\":\"%s\",\"payload\":{\"n\":%d}}".formatted(topic, number);
  }

  private void expectServerWell() {
    admin.get("/health").expect(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "garbage\r\n\r\n",
        "\r\n\r\n\r\n\r\nx\r\n\r\n",
        "GET\r\n\r\n",
        "GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}",
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /\u0000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n"
      })
  void malformedRequest_isRefusedOrTheEnd(String request) {
    try (var connection = RawConnection.open(server)) {
      connection.write(request.getBytes(ISO_8859_1));

      connection
          .readReplyOrClose()
          .ifPresent(reply -> assertThat(reply.status()).isBetween(400, 599).isNotEqualTo(500));
    }
    expectServerWell();
  }

  @Test
  void bothLengthAndChunks_areNeverTwoRequests() {
    // The body ends where the length says or where the chunks say; what follows must not be taken
    // for a request of its own and a message be published by it.
    String topic = RelayClient.unique("smuggled");
    String hidden = publish(topic, 1);
    String smuggled =
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: "
            + hidden.length()
            + "\r\n\r\n"
            + hidden;
    String body = "0\r\n\r\n" + smuggled;
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Content-Type: application/json",
          "Content-Length: " + body.length(),
          "Transfer-Encoding: chunked");
      connection.writeUntilRefused(body.getBytes(UTF_8));

      connection.expectEnd();
    }
    admin.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void veryLongHeader_isRefusedOrTheEnd() {
    try (var connection = RawConnection.open(server)) {
      connection.writeUntilRefused(
          ("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "x".repeat(1 << 20) + "\r\n\r\n")
              .getBytes(UTF_8));

      connection
          .readReplyOrClose()
          .ifPresent(reply -> assertThat(reply.status()).isBetween(400, 499));
    }
    expectServerWell();
  }

  @Test
  void endlessHeaders_areRefusedOrTheEnd() {
    try (var connection = RawConnection.open(server)) {
      connection.writeUntilRefused(
          ("GET /health HTTP/1.1\r\nHost: localhost\r\n" + "X-More: y\r\n".repeat(100_000))
              .getBytes(UTF_8));

      connection
          .readReplyOrClose()
          .ifPresent(reply -> assertThat(reply.status()).isBetween(400, 499));
    }
    expectServerWell();
  }

  @Test
  void bodyThatNeverComes_publishesNothing() {
    String topic = RelayClient.unique("cut");
    String body = publish(topic, 1);
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Content-Type: application/json",
          "Content-Length: " + (body.length() + 1));
      connection.write(body);
    }
    expectServerWell();
    admin.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void requestInSmallPieces_isPutTogether() {
    String topic = RelayClient.unique("pieces");
    String body = publish(topic, 1);
    String request =
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    try (var connection = RawConnection.open(server)) {
      for (byte b : request.getBytes(UTF_8)) {
        connection.write(new byte[] {b});
      }
      connection.readReply().expect(201);
    }
  }

  @Test
  void pipelinedRequests_areAnsweredInOrder() {
    String topic = RelayClient.unique("pipeline");
    int count = 50;
    try (var connection = RawConnection.open(server)) {
      for (int n = 0; n < count; n++) {
        String body = publish(topic, n);
        connection.writeHead(
            "POST /api/v1/messages HTTP/1.1",
            "Content-Type: application/json",
            "Content-Length: " + body.length());
        connection.write(body);
      }
      var ids = new ArrayList<String>();
      for (int n = 0; n < count; n++) {
        ids.add(connection.readReply().expect(201).messageId());
      }

      Poll stored = admin.readAll(topic);
      assertThat(stored.ids()).isEqualTo(ids);
      assertThat(stored.numbers()).isEqualTo(IntStream.range(0, count).boxed().toList());
    }
  }

  @Test
  void chunkedBody_isPutTogether() {
    String topic = RelayClient.unique("chunks");
    String body = publish(topic, 1);
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Content-Type: application/json",
          "Transfer-Encoding: chunked");
      for (int i = 0; i < body.length(); i++) {
        connection.write("1\r\n" + body.charAt(i) + "\r\n");
      }
      connection.write("0\r\n\r\n");

      connection.readReply().expect(201);
    }
    assertThat(admin.readAll(topic).numbers()).containsExactly(1);
  }

  @Test
  void expectContinue_isAnsweredBeforeTheBody() {
    String topic = RelayClient.unique("continue");
    String body = publish(topic, 1);
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Content-Type: application/json",
          "Content-Length: " + body.length(),
          "Expect: 100-continue");
      connection.readReply().expect(100);
      connection.write(body);

      connection.readReply().expect(201);
    }
  }

  // In development mode, only this machine may be meant, and only pages of it may ask.

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "localhost:%d", "127.0.0.1:%d", "127.0.0.1", "[::1]:%d"})
  void loopbackHost_isServed(String host) {
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "GET /auth/me HTTP/1.1", "Host: " + host.replace("%d", "" + server.port()));
      connection.readReply().expect(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "example.com",
        "example.com:%d",
        "localhost.example.com",
        "127.0.0.1.example.com:%d",
        "notlocalhost",
        "192.168.1.1",
        "localhost@example.com"
      })
  void otherHost_isRefused(String host) {
    String topic = RelayClient.unique("rebound");
    String body = publish(topic, 1);
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Host: " + host.replace("%d", "" + server.port()),
          "Content-Type: application/json",
          "Content-Length: " + body.length());
      connection.writeUntilRefused(body.getBytes(UTF_8));
      assertThat(connection.readReply().status()).isBetween(400, 499);
    }
    admin.createTopic("topic_name", topic).expect(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://localhost:3000", "http://127.0.0.1:%d", "https://localhost"})
  void loopbackOrigin_isServed(String origin) {
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "GET /auth/me HTTP/1.1", "Origin: " + origin.replace("%d", "" + server.port()));
      connection.readReply().expect(200);
    }
    try (var connection = RawConnection.open(server)) {
      RawWebSocket.upgrade(connection, "/ws", "Origin: " + origin.replace("%d", "" + server.port()))
          .expect(101);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://example.com",
        "https://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://example.com#localhost",
        "null"
      })
  void otherOrigin_isRefusedByHttpAndWebSocket(String origin) {
    String topic = RelayClient.unique("crosssite");
    String body = publish(topic, 1);
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Origin: " + origin,
          "Content-Type: text/plain",
          "Content-Length: " + body.length());
      connection.writeUntilRefused(body.getBytes(UTF_8));
      assertThat(connection.readReply().status()).isBetween(400, 499);
    }
    try (var connection = RawConnection.open(server)) {
      assertThat(
              RawWebSocket.upgrade(connection, "/ws?token=" + admin.token(), "Origin: " + origin)
                  .status())
          .isBetween(400, 499);
    }
    admin.createTopic("topic_name", topic).expect(201);
  }
}
