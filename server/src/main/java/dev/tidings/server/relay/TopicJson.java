// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.OptionalLong;

/// A topic as the relay API shows it (API of pulsar-relay v0.1.0, and `retention`).
final class TopicJson {
  private TopicJson() {}

  /// @param forOwner whether the grants are shown
  static JsonOut write(Topic topic, boolean forOwner) {
    JsonOut out =
        new JsonOut(256)
            .raw("{\"topic_id\":")
            .string(topicId(topic))
            .raw(",\"topic_name\":")
            .string(topic.name())
            .raw(",\"owner_id\":")
            .string(topic.ownerId())
            .raw(",\"is_public\":")
            .bool(topic.isPublic())
            .raw(",\"created_at\":\"")
            .raw(Timestamps.utc(topic.createdAt()))
            .raw("\",\"description\":")
            .string(topic.description())
            .raw(",\"allowed_user_ids\":");
    JsonOut withGrants = forOwner ? out.strings(topic.grantees()) : out.nothing();
    return retention(withGrants, topic.retention()).raw("}");
  }

  private static JsonOut retention(JsonOut out, TopicRetention retention) {
    OptionalLong ageMs = retention.maxAgeMs();
    number(
        out.raw(",\"retention\":{\"max_age_seconds\":"),
        ageMs.isEmpty() ? ageMs : OptionalLong.of(ageMs.getAsLong() / 1000));
    number(out.raw(",\"max_messages\":"), retention.maxMessages());
    return number(out.raw(",\"max_bytes\":"), retention.maxBytes()).raw("}");
  }

  private static JsonOut number(JsonOut out, OptionalLong number) {
    return number.isPresent() ? out.number(number.getAsLong()) : out.nothing();
  }

  /// A topic is known by its name; its id tells it from an earlier topic of that name.
  private static String topicId(Topic topic) {
    return "topic_" + topic.incarnation();
  }
}
