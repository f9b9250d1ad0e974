// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.Optional;

/// Encodes publishes to exchanges, and bindings. Names and keys are such that JSON needs no escapes
/// for them.
public final class ExchangeRequests {
  /// The smallest payload that has room for a stamp.
  public static final int MIN_PAYLOAD_BYTES = Payloads.MIN_BYTES;

  /// The call that binds.
  public static final String BIND = "POST /bindings";

  private final RequestHead head;
  private final Payloads payloads;

  /// @param token sent with every request; empty for calls without one
  public ExchangeRequests(Endpoint endpoint, Optional<String> token, int payloadBytes) {
    this.head = new RequestHead(endpoint, token);
    this.payloads = new Payloads(payloadBytes);
  }

  /// A publish with a routing key.
  public StampedRequest publish(String exchange, String key) {
    String json =
        "{\"exchange_name\":\"%s\",\"key\":\"%s\",\"payload\":%s}"
            .formatted(exchange, key, payloads.next());
    return StampedRequest.of(PublishCall.TO_EXCHANGE, head, json);
  }

  /// Binds a queue to an exchange under a key; for one write.
  public ByteBuf bind(String exchange, String queue, String key) {
    String json =
        "{\"exchange_name\":\"%s\",\"queue_name\":\"%s\",\"key\":\"%s\"}"
            .formatted(exchange, queue, key);
    return Requests.bytes(head.of(BIND, json.length()) + json);
  }
}
