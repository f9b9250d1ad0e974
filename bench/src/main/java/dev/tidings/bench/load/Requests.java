// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Encodes requests once, before the load begins; sending one writes a retained duplicate of its
/// bytes.
public final class Requests {
  public static final String PUBLISH = "/api/v1/messages";
  public static final String BULK = "/api/v1/messages/bulk";

  /// The smallest payload that has room for a stamp.
  public static final int MIN_PAYLOAD_BYTES = 64;

  private static final String BEFORE_STAMP = "{\"at\":\"";
  private static final String AFTER_STAMP = "\",\"fill\":\"";
  private static final String END = "\"}";
  private static final String FILL =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  private final Endpoint endpoint;
  private final String token;
  private final int payloadBytes;
  // Payloads of random letters: a constant one would let a compressing store look faster than it
  // is.
  private final Random random = new Random(42);

  public Requests(Endpoint endpoint, String token, int payloadBytes) {
    if (payloadBytes < MIN_PAYLOAD_BYTES) {
      throw new BenchException(
          "payload-bytes: " + payloadBytes + " (expected: >= " + MIN_PAYLOAD_BYTES + ")");
    }
    this.endpoint = endpoint;
    this.token = token;
    this.payloadBytes = payloadBytes;
  }

  public static ByteBuf get(Endpoint endpoint, String path) {
    return bytes("GET " + path + " HTTP/1.1\r\nHost: " + endpoint.authority() + "\r\n\r\n");
  }

  /// A single publish.
  public StampedRequest publish(String topic) {
    return post(PUBLISH, message(topic));
  }

  /// A bulk publish; message n goes to topic n modulo their number.
  public StampedRequest bulk(List<String> topics, int messages) {
    var body = new StringBuilder("{\"messages\":[");
    for (int i = 0; i < messages; i++) {
      body.append(i == 0 ? "" : ",").append(message(topics.get(i % topics.size())));
    }
    return post(BULK, body.append("]}").toString());
  }

  private String message(String topic) {
    var fill = new StringBuilder();
    int rest =
        payloadBytes - BEFORE_STAMP.length() - Stamp.LENGTH - AFTER_STAMP.length() - END.length();
    for (int i = 0; i < rest; i++) {
      fill.append(FILL.charAt(random.nextInt(FILL.length())));
    }
    String stamp = "@" + "0".repeat(4) + "." + "0".repeat(10) + "." + "0".repeat(19);
    return "{\"topic\":\""
        + topic
        + "\",\"payload\":"
        + BEFORE_STAMP
        + stamp
        + AFTER_STAMP
        + fill
        + END
        + "}";
  }

  private StampedRequest post(String path, String json) {
    String head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: "
            + endpoint.authority()
            + "\r\nAuthorization: Bearer "
            + token
            + "\r\nContent-Type: application/json\r\nContent-Length: "
            + json.length()
            + "\r\n\r\n";
    var stamps = new ArrayList<Integer>();
    for (int at = json.indexOf('@'); at >= 0; at = json.indexOf('@', at + 1)) {
      stamps.add(head.length() + at);
    }
    return new StampedRequest(
        bytes(head + json), stamps.stream().mapToInt(Integer::intValue).toArray());
  }

  static ByteBuf bytes(String text) {
    byte[] ascii = text.getBytes(US_ASCII);
    return PooledByteBufAllocator.DEFAULT.directBuffer(ascii.length).writeBytes(ascii);
  }
}
