// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Frames that no good client sends. Each costs at most its own socket.
@SystemTest
final class SocketAbuseTest {

  private final RelayClient admin;
  private final TidingsProcess tight;

  SocketAbuseTest(@On(Setup.DEV) TidingsProcess server, @On(Setup.TIGHT) TidingsProcess tight) {
    this.admin = server.admin();
    this.tight = tight;
  }

  /// The server still does its work: publishes, delivers, answers.
  private void expectServerWell() {
    String topic = RelayClient.unique("well");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publishNumber(topic, 1);
      assertThat(socket.numbers(1)).containsExactly(1);
    }
    admin.get("/ready").expect(200);
  }

  @Test
  void fragmentedText_isPutTogether_evenWithAPingBetween() {
    String topic = RelayClient.unique("fragments");
    String text = Json.write(Json.object("type", "subscribe", "topics", List.of(topic)));
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      byte[] bytes = text.getBytes(UTF_8);
      socket.sendFrame(false, RawWebSocket.TEXT, Arrays.copyOfRange(bytes, 0, 10));
      socket.sendFrame(true, RawWebSocket.PING, "between".getBytes(UTF_8));
      socket.sendFrame(false, RawWebSocket.CONTINUATION, Arrays.copyOfRange(bytes, 10, 11));
      socket.sendFrame(false, RawWebSocket.CONTINUATION, new byte[0]);
      socket.sendFrame(
          true, RawWebSocket.CONTINUATION, Arrays.copyOfRange(bytes, 11, bytes.length));

      RawWebSocket.Frame pong = socket.readFrame().orElseThrow();
      assertThat(pong.opcode()).isEqualTo(RawWebSocket.PONG);
      assertThat(new String(pong.bytes(), UTF_8)).isEqualTo("between");
      socket.expect("subscribed");
      admin.publishNumber(topic, 1);
      socket.expect("message");
    }
  }

  @Test
  void everyByteInAPacketOfItsOwn_isPutTogether() {
    String topic = RelayClient.unique("bytes");
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.subscribe(topic);
      for (byte b : Json.write(Json.object("type", "ping")).getBytes(UTF_8)) {
        socket.sendFrame(false, socketOpcode(b), new byte[] {b});
      }
      socket.sendFrame(true, RawWebSocket.CONTINUATION, new byte[0]);

      socket.expect("pong");
    }
  }

  /// The first byte of a JSON object begins the message, the others continue it.
  private static int socketOpcode(byte b) {
    return b == '{' ? RawWebSocket.TEXT : RawWebSocket.CONTINUATION;
  }

  @Test
  void binaryFrame_isAnErrorOrTheEnd() {
    String topic = RelayClient.unique("binary");
    try (RelaySocket socket = admin.subscribe(topic)) {
      socket.sendBinary("{\"type\":\"ping\"}".getBytes(UTF_8));

      var frame = socket.poll(Duration.ofSeconds(5));
      if (frame.isPresent()) {
        assertThat(frame.get().path("code").asString()).isEqualTo("PROCESSING_ERROR");
        socket.expectNothingBeforePong();
      } else {
        assertThat(socket.expectClosed().code()).isEqualTo(1003);
      }
    }
    expectServerWell();
  }

  private interface Sender {
    void send(RawWebSocket socket);
  }

  private static Arguments sending(String what, Sender sender) {
    return argumentSet(what, sender);
  }

  static Stream<Arguments> violations() {
    byte[] ping = "{\"type\":\"ping\"}".getBytes(UTF_8);
    byte[] noise = new byte[4_096];
    new Random(42).nextBytes(noise);
    return Stream.of(
        sending("an unmasked frame", socket -> socket.sendUnmasked("{\"type\":\"ping\"}")),
        sending("a reserved opcode", socket -> socket.sendFrame(true, 3, ping)),
        sending("a reserved control opcode", socket -> socket.sendFrame(true, 11, ping)),
        sending("a reserved bit", socket -> socket.sendFrame(true, 0x40 | 1, ping)),
        sending(
            "a continuation of nothing",
            socket -> socket.sendFrame(true, RawWebSocket.CONTINUATION, ping)),
        sending(
            "a text within a fragmented text",
            socket -> {
              socket.sendFrame(false, RawWebSocket.TEXT, new byte[] {'{'});
              socket.sendFrame(true, RawWebSocket.TEXT, ping);
            }),
        sending(
            "a ping of 126 bytes",
            socket -> socket.sendFrame(true, RawWebSocket.PING, new byte[126])),
        sending(
            "a fragmented ping", socket -> socket.sendFrame(false, RawWebSocket.PING, new byte[1])),
        sending("noise", socket -> socket.sendBytes(noise)),
        sending("zeros", socket -> socket.sendBytes(new byte[4_096])),
        sending(
            "HTTP",
            socket -> socket.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(UTF_8))),
        sending("the head of a gigabyte", socket -> socket.sendBeginningOfFrame(1L << 30)),
        sending("the head of 2^63-1 bytes", socket -> socket.sendBeginningOfFrame(Long.MAX_VALUE)),
        sending("the head of a negative length", socket -> socket.sendBeginningOfFrame(-1)),
        sending(
            "a frame of 4 MB",
            socket -> socket.sendFrame(true, RawWebSocket.TEXT, new byte[4 << 20])),
        sending(
            "a message of 4 MB in fragments of 1 kB",
            socket -> {
              socket.sendFrame(false, RawWebSocket.TEXT, new byte[1_024]);
              for (int i = 0; i < 4_096; i++) {
                socket.sendFrame(false, RawWebSocket.CONTINUATION, new byte[1_024]);
              }
            }));
  }

  @ParameterizedTest
  @MethodSource("violations")
  void violation_endsTheSocketAndNothingElse(Sender sender) {
    String topic = RelayClient.unique("violation");
    try (RelaySocket neighbour = admin.subscribe(topic);
        RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.subscribe(topic);
      sender.send(socket);

      socket.expectEnd().ifPresent(code -> assertThat(code).isBetween(1002, 1011));
      admin.publishNumber(topic, 1);
      assertThat(neighbour.numbers(1)).containsExactly(1);
    }
  }

  @ParameterizedTest
  @MethodSource("violations")
  void violation_beforeTheSubscription_endsTheSocketAndNothingElse(Sender sender) {
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      sender.send(socket);

      socket.expectEnd();
    }
    expectServerWell();
  }

  @Test
  void textThatIsNotUtf8_isAnErrorOrTheEnd() {
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.subscribe(RelayClient.unique("utf8"));
      socket.sendFrame(
          true, RawWebSocket.TEXT, new byte[] {'{', '"', (byte) 0xc3, '(', '"', ':', '1', '}'});

      RawWebSocket.Frame frame = socket.readFrame().orElseThrow();
      if (frame.opcode() == RawWebSocket.CLOSE) {
        assertThat(frame.closeCode()).isEqualTo(1007);
      } else {
        assertThat(new String(frame.bytes(), UTF_8)).contains("\"error\"");
      }
    }
    expectServerWell();
  }

  @Test
  void closeFrame_isAnswered() {
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.subscribe(RelayClient.unique("close"));
      socket.sendFrame(
          true, RawWebSocket.CLOSE, ByteBuffer.allocate(2).putShort((short) 1000).array());

      assertThat(socket.expectEnd()).hasValue(1000);
    }
  }

  @Test
  void manyOpenedAndDropped_leaveTheServerWell() {
    for (int i = 0; i < 200; i++) {
      try (RawWebSocket socket = RawWebSocket.open(admin)) {
        if (i % 2 == 0) {
          socket.subscribe(RelayClient.unique("dropped"));
        }
      }
    }
    expectServerWell();
    Await.until(
        "dropped sockets are no longer counted as active",
        () -> OperationsTest.metric(admin, "relay_websocket_connections_active") < 100);
  }

  @Test
  void handshakeWithoutKey_isRefused() {
    try (var connection = RawConnection.open(admin.server())) {
      connection.writeHead(
          "GET /ws?token=" + admin.token() + " HTTP/1.1",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13");

      connection
          .readReplyOrClose()
          .ifPresent(reply -> assertThat(reply.status()).isBetween(400, 499));
    }
    expectServerWell();
  }

  @Test
  void handshakeOfAnotherVersion_isRefused() {
    try (var connection = RawConnection.open(admin.server())) {
      connection.writeHead(
          "GET /ws?token=" + admin.token() + " HTTP/1.1",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 99",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");

      connection
          .readReplyOrClose()
          .ifPresent(reply -> assertThat(reply.status()).isBetween(400, 499));
    }
    expectServerWell();
  }

  @Test
  void socketWithoutAFirstFrame_isClosedAfterTheTimeout() {
    RelayClient client = tight.admin();
    long start = System.nanoTime();
    try (RelaySocket socket = client.open()) {
      socket.expectClosed();
    }
    // The timeout of this server is one second.
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(800), Duration.ofSeconds(5));
  }

  @Test
  void socketThatAnswersPings_staysOpen() {
    RelayClient client = tight.admin();
    String topic = RelayClient.unique("answers");
    try (RawWebSocket socket = RawWebSocket.open(client)) {
      socket.subscribe(topic);
      for (int i = 0; i < 3; i++) {
        RawWebSocket.Frame ping = socket.readFrame().orElseThrow();
        assertThat(ping.opcode()).isEqualTo(RawWebSocket.PING);
        socket.sendFrame(true, RawWebSocket.PONG, ping.bytes());
      }
      client.publishNumber(topic, 1);
      socket.expect("message");
    }
  }

  @Test
  void socketThatDoesNotAnswerPings_isClosed() {
    RelayClient client = tight.admin();
    try (RawWebSocket socket = RawWebSocket.open(client)) {
      socket.subscribe(RelayClient.unique("mute"));
      int frames = 0;
      while (socket.readFrame().isPresent()) {
        assertThat(++frames).as("frames without a pong").isLessThan(15);
      }
    }
  }
}
