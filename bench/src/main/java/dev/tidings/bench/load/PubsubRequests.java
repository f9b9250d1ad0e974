// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.Optional;
import java.util.Random;

/// Encodes the requests of the pubsub API: publishes of several messages, leases and acks.
public final class PubsubRequests {
  /// The smallest payload that has room for a stamp and what filters look at.
  public static final int MIN_PAYLOAD_BYTES = 96;

  /// The most groups a message's number can be divided into.
  public static final int MAX_GROUPS = 9999;

  private static final String BEFORE_STAMP = "{\"at\":\"";
  private static final String BEFORE_GROUP = "\",\"group\":\"";
  private static final String BEFORE_HALF = "\",\"half\":\"";
  private static final String BEFORE_FILL = "\",\"fill\":\"";
  private static final String END = "\"}";
  private static final int GROUP_AT = Stamp.LENGTH + BEFORE_GROUP.length();
  private static final int HALF_AT = GROUP_AT + NumberedBatch.GROUP_DIGITS + BEFORE_HALF.length();
  private static final int ROOM_TAKEN =
      BEFORE_STAMP.length() + HALF_AT + 1 + BEFORE_FILL.length() + END.length();
  private static final String FILL =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  private final String headers;
  private final int payloadBytes;
  private final Random random = new Random(42);

  /// @param token sent with every request; empty for calls without one
  public PubsubRequests(Endpoint endpoint, Optional<String> token, int payloadBytes) {
    if (payloadBytes < MIN_PAYLOAD_BYTES) {
      throw new BenchException(
          "payload-bytes: " + payloadBytes + " (expected: >= " + MIN_PAYLOAD_BYTES + ")");
    }
    this.headers =
        " HTTP/1.1\r\nHost: "
            + endpoint.authority()
            + "\r\n"
            + token.map(it -> "Authorization: Bearer " + it + "\r\n").orElse("");
    this.payloadBytes = payloadBytes;
  }

  /// The value of `group` by which a filter finds the messages of a group.
  public static String group(int number) {
    return ("%0" + NumberedBatch.GROUP_DIGITS + "d").formatted(number);
  }

  /// An array of messages for one topic.
  NumberedBatch publish(String topic, int messages, int groups) {
    var body = new StringBuilder("[");
    var starts = new int[messages];
    for (int i = 0; i < messages; i++) {
      body.append(i == 0 ? "" : ",").append(BEFORE_STAMP);
      starts[i] = body.length();
      body.append("@")
          .append("0".repeat(Stamp.LENGTH - 1))
          .append(BEFORE_GROUP)
          .append("0".repeat(NumberedBatch.GROUP_DIGITS))
          .append(BEFORE_HALF)
          .append('0')
          .append(BEFORE_FILL);
      for (int rest = payloadBytes - ROOM_TAKEN; rest > 0; rest--) {
        body.append(FILL.charAt(random.nextInt(FILL.length())));
      }
      body.append(END);
    }
    body.append(']');
    String head = post("/topics/" + topic + "/messages", body.length());
    for (int i = 0; i < messages; i++) {
      starts[i] += head.length();
    }
    return new NumberedBatch(Requests.bytes(head + body), starts, GROUP_AT, HALF_AT, groups);
  }

  /// Asks for up to `batch` messages of a subscription.
  ByteBuf lease(String subscription, String consumer, int batch) {
    return Requests.bytes(
        "GET /subscriptions/"
            + subscription
            + "/messages?consumer_id="
            + consumer
            + "&batch_size="
            + batch
            + headers
            + "\r\n");
  }

  /// Acknowledges what was leased.
  ByteBuf acks(String subscription, StampedMessages leased) {
    int length = leased.count() * (StampedMessages.ID_LENGTH + "\"\",".length()) + 1;
    byte[] head = post("/subscriptions/" + subscription + "/acks", length).getBytes(US_ASCII);
    ByteBuf request = PooledByteBufAllocator.DEFAULT.directBuffer(head.length + length);
    request.writeBytes(head);
    for (int i = 0; i < leased.count(); i++) {
      request.writeByte(i == 0 ? '[' : ',').writeByte('"');
      leased.writeId(i, request);
      request.writeByte('"');
    }
    return request.writeByte(']');
  }

  private String post(String path, int length) {
    return "POST "
        + path
        + headers
        + "Content-Type: application/json\r\nContent-Length: "
        + length
        + "\r\n\r\n";
  }
}
