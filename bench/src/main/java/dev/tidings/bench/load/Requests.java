// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.List;
import java.util.Optional;

/// Encodes the relay's publishes once, before the load begins; sending one writes a retained
/// duplicate of its bytes.
public final class Requests {
  private final RequestHead head;
  private final Payloads payloads;

  /// @param token sent with every request; empty for calls without one
  public Requests(Endpoint endpoint, Optional<String> token, int payloadBytes) {
    this.head = new RequestHead(endpoint, token);
    this.payloads = new Payloads(payloadBytes);
  }

  public static ByteBuf get(Endpoint endpoint, String path) {
    return bytes(new RequestHead(endpoint, Optional.empty()).of("GET " + path));
  }

  /// A single publish.
  public StampedRequest publish(String topic) {
    return StampedRequest.of(PublishCall.SINGLE, head, message(topic));
  }

  /// A bulk publish; message n goes to topic n modulo their number.
  public StampedRequest bulk(List<String> topics, int messages) {
    var body = new StringBuilder("{\"messages\":[");
    for (int i = 0; i < messages; i++) {
      body.append(i == 0 ? "" : ",").append(message(topics.get(i % topics.size())));
    }
    return StampedRequest.of(PublishCall.BULK, head, body.append("]}").toString());
  }

  private String message(String topic) {
    return "{\"topic\":\"" + topic + "\",\"payload\":" + payloads.next() + "}";
  }

  static ByteBuf bytes(String text) {
    byte[] ascii = text.getBytes(US_ASCII);
    return PooledByteBufAllocator.DEFAULT.directBuffer(ascii.length).writeBytes(ascii);
  }
}
