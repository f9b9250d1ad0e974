// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.Optional;

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
  public static final int MIN_PAYLOAD_BYTES = Payloads.MIN_BYTES;

  /// As many streams as have numbers.
  public static final int MAX_STREAMS = 100_000_000;

  static final int STREAM_DIGITS = 8;
  static final String SEND = "POST /api/v1/streams/send";
  static final String RECEIVE = "GET /api/v1/streams/receive";

  /// A receive that found nothing in its time.
  static final int TIMED_OUT = 424;

  private final RequestHead head;
  private final Payloads payloads;
  private final String prefix;
  private final int measurement;

  /// @param token sent with every request; empty for calls without one
  /// @param prefix of all streams of the measurement
  /// @param measurement its number, which marks its messages
  public StreamRequests(
      Endpoint endpoint, Optional<String> token, String prefix, int payloadBytes, int measurement) {
    this.head = new RequestHead(endpoint, token);
    this.payloads = new Payloads(payloadBytes);
    this.prefix = prefix;
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
    String message = MessageUuid.TEMPLATE.formatted(measurement) + "\",\"message\":";
    String rest = payloads.next() + keeping.fields + "}";
    int length = name.length() + uuid.length() + message.length() + rest.length();
    String start = head.of(SEND, length);
    int streamAt = start.length() + name.length();
    int uuidAt = streamAt + uuid.length();
    return new StreamSend(
        Requests.bytes(start + name + uuid + message + rest),
        streamAt,
        uuidAt,
        uuidAt + message.length() + Payloads.STAMP_AT);
  }

  /// Takes one message out of a stream, for which it waits so long.
  StreamReceive receive(int timeoutSeconds) {
    String start = RECEIVE + "?timeoutSeconds=" + timeoutSeconds + "&streamId=" + prefix;
    String request = head.of(start + "0".repeat(STREAM_DIGITS));
    return new StreamReceive(Requests.bytes(request), start.length());
  }

  /// Reads up to `batch` stored messages without waiting, from the oldest or after the token.
  ByteBuf replay(long stream, int batch, Optional<String> resumeToken) {
    return Requests.bytes(
        head.of(
            RECEIVE
                + "?readFromDB=true&timeoutSeconds=0&maxMessages="
                + batch
                + "&streamId="
                + stream(stream)
                + resumeToken.map(it -> "&dbResumeToken=" + it).orElse("")));
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
