// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// A WebSocket client that may break every rule of RFC 6455.
final class RawWebSocket implements AutoCloseable {

  static final int CONTINUATION = 0;
  static final int TEXT = 1;
  static final int BINARY = 2;
  static final int CLOSE = 8;
  static final int PING = 9;
  static final int PONG = 10;

  private static final int FIN = 0x80;
  private static final int MASKED = 0x80;
  private static final byte[] MASK = {0x12, 0x34, 0x56, 0x78};

  /// One frame of the server.
  record Frame(boolean fin, int opcode, ByteBuffer payload) {

    byte[] bytes() {
      var bytes = new byte[payload.remaining()];
      payload.duplicate().get(bytes);
      return bytes;
    }

    /// The code of a close frame; 1005 if it has none.
    int closeCode() {
      return payload.remaining() < 2 ? 1005 : payload.getShort(payload.position()) & 0xffff;
    }
  }

  private final RawConnection connection;

  private RawWebSocket(RawConnection connection) {
    this.connection = connection;
  }

  static RawWebSocket open(RelayClient client) {
    return open(client, 0);
  }

  static RawWebSocket open(RelayClient client, int receiveBuffer) {
    return over(RawConnection.open(client.server(), receiveBuffer), client.token());
  }

  /// Upgrades a connection.
  static RawWebSocket over(RawConnection connection, String token) {
    Reply reply = upgrade(connection, "/ws?token=" + token);
    assertThat(reply.status()).as("status of the upgrade; body %s", reply.body()).isEqualTo(101);
    return new RawWebSocket(connection);
  }

  /// Asks for the upgrade; answers what the server says to it.
  static Reply upgrade(RawConnection connection, String path, String... moreHeaderLines) {
    var lines =
        new ArrayList<>(
            List.of(
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
    lines.addAll(List.of(moreHeaderLines));
    connection.writeHead("GET " + path + " HTTP/1.1", lines.toArray(String[]::new));
    return connection.readReply();
  }

  void sendText(String text) {
    sendFrame(true, TEXT, text.getBytes(UTF_8));
  }

  void send(Object value) {
    sendText(Json.write(value));
  }

  /// A whole, masked frame, correct but for what the arguments say.
  void sendFrame(boolean fin, int opcode, byte[] payload) {
    sendBytes(frame(fin, opcode, payload));
  }

  /// The bytes of a whole text frame.
  static byte[] textFrame(String text) {
    return frame(true, TEXT, text.getBytes(UTF_8));
  }

  private static byte[] frame(boolean fin, int opcode, byte[] payload) {
    var frame = new ByteArrayOutputStream(payload.length + 14);
    frame.write((fin ? FIN : 0) | opcode);
    frame.writeBytes(length(payload.length, MASKED));
    frame.writeBytes(MASK);
    byte[] masked = payload.clone();
    for (int i = 0; i < masked.length; i++) {
      masked[i] ^= MASK[i % 4];
    }
    frame.writeBytes(masked);
    return frame.toByteArray();
  }

  /// What no client may send: a frame without a mask.
  void sendUnmasked(String text) {
    byte[] payload = text.getBytes(UTF_8);
    var frame = new ByteArrayOutputStream();
    frame.write(FIN | TEXT);
    frame.writeBytes(length(payload.length, 0));
    frame.writeBytes(payload);
    sendBytes(frame.toByteArray());
  }

  /// The head of a frame that announces so many bytes, and the first few of them.
  void sendBeginningOfFrame(long announcedLength) {
    sendBytes(
        ByteBuffer.allocate(14 + 8)
            .put((byte) (FIN | TEXT))
            .put((byte) (MASKED | 127))
            .putLong(announcedLength)
            .put(MASK)
            .put(new byte[8])
            .array());
  }

  void sendBytes(byte[] bytes) {
    connection.writeUntilRefused(bytes);
  }

  private static byte[] length(int length, int maskBit) {
    if (length < 126) {
      return new byte[] {(byte) (maskBit | length)};
    }
    if (length < 1 << 16) {
      return ByteBuffer.allocate(3).put((byte) (maskBit | 126)).putShort((short) length).array();
    }
    return ByteBuffer.allocate(9).put((byte) (maskBit | 127)).putLong(length).array();
  }

  /// The next frame, control frames included; empty when the connection has ended.
  Optional<Frame> readFrame() {
    try {
      int first = connection.in().read();
      if (first < 0) {
        return Optional.empty();
      }
      int second = connection.readFully(1)[0] & 0xff;
      assertThat(second & MASKED).as("mask bit of a frame from the server").isZero();
      long length = second & 0x7f;
      if (length == 126) {
        length = ByteBuffer.wrap(connection.readFully(2)).getShort() & 0xffff;
      } else if (length == 127) {
        length = ByteBuffer.wrap(connection.readFully(8)).getLong();
      }
      return Optional.of(
          new Frame(
              (first & FIN) != 0,
              first & 0x0f,
              ByteBuffer.wrap(connection.readFully(Math.toIntExact(length)))));
    } catch (EOFException | SocketException _) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("no frame: " + e, e);
    }
  }

  /// The next message the server sends, put together from its fragments; answers its pings.
  JsonNode next() {
    var text = new ByteArrayOutputStream();
    while (true) {
      Frame frame = readFrame().orElseThrow(() -> new AssertionError("the connection has ended"));
      switch (frame.opcode()) {
        case TEXT, CONTINUATION -> {
          text.writeBytes(frame.bytes());
          if (frame.fin()) {
            return Json.parse(text.toString(UTF_8));
          }
        }
        case PING -> sendFrame(true, PONG, frame.bytes());
        default ->
            throw new AssertionError(
                "unexpected frame of type " + frame.opcode() + ", close code " + frame.closeCode());
      }
    }
  }

  JsonNode expect(String type) {
    JsonNode frame = next();
    assertThat(frame.path("type").asString())
        .as("type of the frame %s", Json.abbreviate(Json.write(frame)))
        .isEqualTo(type);
    return frame;
  }

  void subscribe(String topic) {
    send(Json.object("type", "subscribe", "topics", List.of(topic), "client_id", "raw"));
    expect("subscribed");
  }

  /// Asserts that the server soon says goodbye or hangs up; answers the code of its close frame, if
  /// it sends one.
  Optional<Integer> expectEnd() {
    for (var frame = readFrame(); frame.isPresent(); frame = readFrame()) {
      if (frame.get().opcode() == CLOSE) {
        return Optional.of(frame.get().closeCode());
      }
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    connection.close();
  }
}
