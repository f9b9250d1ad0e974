// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.subscription.Deliveries.Counts;
import dev.tidings.core.subscription.Deliveries.Delivered;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.List;
import java.util.function.Function;

/// Topics, subscriptions and messages as the pubsub API shows them (API of fastpubsub).
final class PubsubJson {
  private static final int PER_ITEM = 256;

  private PubsubJson() {}

  /// A list of `items`, each written by `write`.
  static <T> JsonOut data(List<T> items, Function<T, JsonOut> write) {
    JsonOut out = new JsonOut(64 + PER_ITEM * items.size()).raw("{\"data\":[");
    String separator = "";
    for (T item : items) {
      out.raw(separator).raw(write.apply(item));
      separator = ",";
    }
    return out.raw("]}");
  }

  static JsonOut topic(Topic topic) {
    return new JsonOut(PER_ITEM)
        .raw("{\"id\":")
        .string(topic.name())
        .raw(",\"created_at\":\"")
        .raw(micros(new Timestamps(), topic.createdAt()))
        .raw("\"}");
  }

  static JsonOut subscription(Subscription subscription) {
    DeliveryPolicy policy = subscription.policy();
    JsonOut out =
        new JsonOut(2 * PER_ITEM)
            .raw("{\"id\":")
            .string(subscription.id())
            .raw(",\"topic_id\":")
            .string(subscription.topic())
            .raw(",\"filter\":");
    JsonOut withFilter =
        subscription.filter().isPresent() ? out.raw(subscription.filter().get()) : out.nothing();
    withFilter
        .raw(",\"max_delivery_attempts\":")
        .number(policy.maxAttempts())
        .raw(",\"backoff_min_seconds\":")
        .number(policy.backoffMinMs() / 1000)
        .raw(",\"backoff_max_seconds\":")
        .number(policy.backoffMaxMs() / 1000);
    policy.ackDeadlineMs().ifPresent(ms -> out.raw(",\"ack_deadline_seconds\":").number(ms / 1000));
    return out.raw(",\"created_at\":\"")
        .raw(micros(new Timestamps(), subscription.createdAt()))
        .raw("\"}");
  }

  /// A message of `subscription`; its payload and metadata as they were published, the latter only
  /// where there is any.
  static JsonOut message(Subscription subscription, Delivered delivered, Timestamps timestamps) {
    Message message = delivered.message();
    JsonOut out =
        new JsonOut(PER_ITEM + message.size())
            .raw("{\"id\":\"")
            .raw(MessageId.of(message, subscription.incarnation()).toUuid().toString())
            .raw("\",\"subscription_id\":")
            .string(subscription.id())
            .raw(",\"payload\":")
            .raw(message.payload())
            .raw(",\"delivery_attempts\":")
            .number(delivered.attempts())
            .raw(",\"created_at\":\"")
            .raw(micros(timestamps, message.timestamp()))
            .raw("\"");
    writeRest(out, message.metadata(), message.ordering());
    return out.raw("}");
  }

  /// What only some messages have.
  private static void writeRest(JsonOut out, Payload metadata, Ordering ordering) {
    if (!metadata.isEmpty()) {
      out.raw(",\"metadata\":").raw(metadata);
    }
    if (ordering.hasKey()) {
      out.raw(",\"ordering_key\":").string(ordering.key());
    }
  }

  /// A message that waits until it is due, as it was published.
  static JsonOut scheduled(ScheduledMessage scheduled, Timestamps timestamps) {
    NewMessage message = scheduled.message();
    JsonOut out =
        new JsonOut(PER_ITEM + message.size())
            .raw("{\"id\":\"")
            .raw(scheduled.id().toUuid().toString())
            .raw("\",\"topic_id\":")
            .string(scheduled.topic())
            .raw(",\"deliver_at\":\"")
            .raw(timestamps.format(message.dueAt()))
            .raw("Z\",\"payload\":")
            .raw(message.payload());
    if (message.ttlMs() != Message.NEVER) {
      out.raw(",\"ttl\":").number(message.ttlMs() / 1000);
    }
    writeRest(out, message.metadata(), message.ordering());
    return out.raw("}");
  }

  /// How many messages are in which state; what the contract does not know, only where there are
  /// any.
  static JsonOut counts(Subscription subscription, Counts counts) {
    JsonOut out =
        new JsonOut(PER_ITEM)
            .raw("{\"subscription_id\":")
            .string(subscription.id())
            .raw(",\"available\":")
            .number(counts.available())
            .raw(",\"delivered\":")
            .number(counts.delivered())
            .raw(",\"acked\":")
            .number(counts.totals().acked())
            .raw(",\"dlq\":")
            .number(counts.dead());
    if (counts.totals().expired() > 0) {
      out.raw(",\"expired\":").number(counts.totals().expired());
    }
    if (counts.totals().lost() > 0) {
      out.raw(",\"lost\":").number(counts.totals().lost());
    }
    if (counts.parked() > 0) {
      out.raw(",\"parked\":").number(counts.parked());
      out.raw(",\"paused\":").raw(counts.paused() ? "true" : "false");
    }
    return out.raw("}");
  }

  /// With microseconds, which are 0 beyond the milliseconds that are kept.
  static String micros(Timestamps timestamps, long epochMs) {
    return timestamps.format(epochMs) + "000Z";
  }
}
