// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.Optional;

/// Encodes the requests of the pubsub API: publishes of several messages, leases and acks.
public final class PubsubRequests {
  /// The smallest payload that has room for a stamp and what filters look at.
  public static final int MIN_PAYLOAD_BYTES = 96;

  /// The most groups a message's number can be divided into.
  public static final int MAX_GROUPS = 9999;

  private static final String BEFORE_GROUP = "\",\"group\":\"";
  private static final String BEFORE_HALF = "\",\"half\":\"";
  private static final String FIELDS =
      BEFORE_GROUP + "0".repeat(NumberedBatch.GROUP_DIGITS) + BEFORE_HALF + "0";
  private static final int GROUP_AT = Stamp.LENGTH + BEFORE_GROUP.length();
  private static final int HALF_AT = GROUP_AT + NumberedBatch.GROUP_DIGITS + BEFORE_HALF.length();

  private final RequestHead head;
  private final Payloads payloads;

  /// @param token sent with every request; empty for calls without one
  public PubsubRequests(Endpoint endpoint, Optional<String> token, int payloadBytes) {
    this.head = new RequestHead(endpoint, token);
    this.payloads = new Payloads(payloadBytes, MIN_PAYLOAD_BYTES, FIELDS);
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
      body.append(i == 0 ? "" : ",");
      starts[i] = body.length() + Payloads.STAMP_AT;
      body.append(payloads.next());
    }
    body.append(']');
    String start = head.of("POST /topics/" + topic + "/messages", body.length());
    for (int i = 0; i < messages; i++) {
      starts[i] += start.length();
    }
    return new NumberedBatch(Requests.bytes(start + body), starts, GROUP_AT, HALF_AT, groups);
  }

  /// Messages for one topic that are due later.
  ScheduledBatch schedule(String topic, int messages, DueTimes due) {
    var body = new StringBuilder("{\"messages\":");
    var times = new int[messages];
    var stamps = new int[messages];
    for (int i = 0; i < messages; i++) {
      body.append(i == 0 ? '[' : ',').append("{\"deliver_at\":\"");
      times[i] = body.length();
      body.append(ScheduledBatch.NO_TIME).append("\",\"payload\":");
      stamps[i] = body.length() + Payloads.STAMP_AT;
      body.append(payloads.next()).append('}');
    }
    body.append("]}");
    String start = head.of("POST /topics/" + topic + "/messages", body.length());
    for (int i = 0; i < messages; i++) {
      times[i] += start.length();
      stamps[i] += start.length();
    }
    return new ScheduledBatch(Requests.bytes(start + body), times, stamps, due);
  }

  /// Asks for up to `batch` messages of a subscription.
  ByteBuf lease(String subscription, String consumer, int batch) {
    return Requests.bytes(
        head.of(
            "GET /subscriptions/%s/messages?consumer_id=%s&batch_size=%d"
                .formatted(subscription, consumer, batch)));
  }

  /// Acknowledges what was leased.
  ByteBuf acks(String subscription, StampedMessages leased) {
    int length = leased.count() * (StampedMessages.ID_LENGTH + "\"\",".length()) + 1;
    byte[] start =
        head.of("POST /subscriptions/" + subscription + "/acks", length).getBytes(US_ASCII);
    ByteBuf request = PooledByteBufAllocator.DEFAULT.directBuffer(start.length + length);
    request.writeBytes(start);
    for (int i = 0; i < leased.count(); i++) {
      request.writeByte(i == 0 ? '[' : ',').writeByte('"');
      leased.writeId(i, request);
      request.writeByte('"');
    }
    return request.writeByte(']');
  }
}
