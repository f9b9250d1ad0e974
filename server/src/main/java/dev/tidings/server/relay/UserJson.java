// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.directory.User;
import dev.tidings.server.auth.Tokens;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.Set;

/// A user as the relay API shows it (API of pulsar-relay v0.1.0).
public final class UserJson {
  private UserJson() {}

  /// Names of topics that are shown; `GET /api/v1/topics` lists all.
  private static final int MAX_TOPICS = 1000;

  /// `user`, who owns `topics`.
  public static JsonOut write(User user, Set<String> topics) {
    return new JsonOut(256)
        .raw("{\"user_id\":")
        .string(user.id())
        .raw(",\"username\":")
        .string(user.username())
        .raw(",\"email\":")
        .string(user.email())
        .raw(",\"is_active\":")
        .bool(user.active())
        .raw(",\"created_at\":\"")
        .raw(Timestamps.utc(user.createdAt()))
        .raw("\",\"permissions\":")
        .strings(user.permissions().stream().map(Tokens::spell).sorted().toList())
        .raw(",\"owned_topics\":")
        .strings(topics.size() <= MAX_TOPICS ? topics : topics.stream().limit(MAX_TOPICS).toList())
        .raw("}");
  }
}
