// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.Optional;
import java.util.Random;

/// Encodes the requests of the streams API for one measurement, whose streams are numbered.
public final class StreamRequests {
  /// How a message is kept until it is received.
  public enum Keeping {
    /// In memory, up to 100 in a stream; then the oldest is dropped.
    CIRCULAR(""),

    /// In memory, up to 100 in a stream; then senders wait.
    BLOCKING(",\"blockingSendTimeoutSeconds\":30"),

    /// In the store only, for an hour.
    STORED(",\"inMemoryStreamSize\":0,\"writeToDB\":true,\"dbTTLSeconds\":3600");

    private final String fields;

    Keeping(String fields) {
      this.fields = fields;
    }
  }

  /// The smallest payload that has room for a stamp.
  public static final int MIN_PAYLOAD_BYTES = Requests.MIN_PAYLOAD_BYTES;

  /// As many streams as have numbers.
  public static final int MAX_STREAMS = 100_000_000;

  static final int STREAM_DIGITS = 8;
  static final String SEND = "POST /api/v1/streams/send";
  static final String RECEIVE = "GET /api/v1/streams/receive";

  /// A receive that found nothing in its time.
  static final int TIMED_OUT = 424;

  private static final String BEFORE_STAMP = "{\"at\":\"";
  private static final String BEFORE_FILL = "\",\"fill\":\"";
  private static final String END = "\"}";
  private static final String FILL =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  private final String headers;
  private final String prefix;
  private final int payloadBytes;
  private final int measurement;
  private final Random random = new Random(42);

  /// @param token sent with every request; empty for calls without one
  /// @param prefix of all streams of the measurement
  /// @param measurement its number, which marks its messages
  public StreamRequests(
      Endpoint endpoint, Optional<String> token, String prefix, int payloadBytes, int measurement) {
    if (payloadBytes < MIN_PAYLOAD_BYTES) {
      throw new BenchException(
          "payload-bytes: " + payloadBytes + " (expected: >= " + MIN_PAYLOAD_BYTES + ")");
    }
    this.headers =
        " HTTP/1.1\r\nHost: "
            + endpoint.authority()
            + "\r\n"
            + token.map(it -> "Authorization: Bearer " + it + "\r\n").orElse("");
    this.prefix = prefix;
    this.payloadBytes = payloadBytes;
    this.measurement = measurement;
  }

  /// What the names of all its streams begin with.
  public String prefix() {
    return prefix;
  }

  /// The name of a stream.
  public String stream(long number) {
    return prefix + ("%0" + STREAM_DIGITS + "d").formatted(number);
  }

  StreamSend send(Keeping keeping) {
    String name = "{\"streamId\":\"" + prefix;
    String uuid = "0".repeat(STREAM_DIGITS) + "\",\"" + MessageUuid.KEY + "\":\"";
    String message = MessageUuid.TEMPLATE.formatted(measurement) + "\",\"message\":" + BEFORE_STAMP;
    var rest = new StringBuilder("@").append("0".repeat(Stamp.LENGTH - 1)).append(BEFORE_FILL);
    int fill =
        payloadBytes - BEFORE_STAMP.length() - Stamp.LENGTH - BEFORE_FILL.length() - END.length();
    for (int i = 0; i < fill; i++) {
      rest.append(FILL.charAt(random.nextInt(FILL.length())));
    }
    rest.append(END).append(keeping.fields).append('}');
    int length = name.length() + uuid.length() + message.length() + rest.length();
    String head =
        SEND + headers + "Content-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n";
    int streamAt = head.length() + name.length();
    int uuidAt = streamAt + uuid.length();
    return new StreamSend(
        Requests.bytes(head + name + uuid + message + rest),
        streamAt,
        uuidAt,
        uuidAt + message.length());
  }

  /// Takes one message out of a stream, for which it waits so long.
  StreamReceive receive(int timeoutSeconds) {
    String start = RECEIVE + "?timeoutSeconds=" + timeoutSeconds + "&streamId=" + prefix;
    String rest = "0".repeat(STREAM_DIGITS) + headers + "\r\n";
    return new StreamReceive(Requests.bytes(start + rest), start.length());
  }

  /// Reads up to `batch` stored messages without waiting, from the oldest or after the token.
  ByteBuf replay(long stream, int batch, Optional<String> resumeToken) {
    return Requests.bytes(
        RECEIVE
            + "?readFromDB=true&timeoutSeconds=0&maxMessages="
            + batch
            + "&streamId="
            + stream(stream)
            + resumeToken.map(it -> "&dbResumeToken=" + it).orElse("")
            + headers
            + "\r\n");
  }

  /// Room for the messages of an answer.
  static StampedMessages messages(int most) {
    return new StampedMessages(MessageUuid.KEY, most);
  }

  /// Whether a received message has the id it was sent with, in this measurement.
  boolean hasItsUuid(StampedMessages messages, int index) {
    return MessageUuid.isThatOf(messages, index, measurement);
  }
}
