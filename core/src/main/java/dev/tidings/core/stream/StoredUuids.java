// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import java.util.List;
import java.util.UUID;

/// The uuids of the newest messages that a stream has stored, in its order. A stored message has
/// its uuid in its metadata.
///
/// @param each those that are not known to be too old to be sent again
public record StoredUuids(List<Stored> each) {
  private static final String KEY = "{\"messageUuid\":\"";
  private static final String END = "\"}";
  private static final int UUID_LENGTH = 36;

  public StoredUuids {
    each = List.copyOf(each);
  }

  /// One of them.
  ///
  /// @param timestamp when its message arrived, milliseconds since 1970
  public record Stored(UUID uuid, long timestamp) {}

  /// The metadata of a message that is called `uuid`.
  public static Payload metadata(UUID uuid) {
    return Payload.of(KEY + uuid + END);
  }

  /// What `message` is called.
  public static UUID of(Message message) {
    String text = message.metadata().text();
    if (text.length() != KEY.length() + UUID_LENGTH + END.length() || !text.startsWith(KEY)) {
      throw new IllegalStateException(
          "message " + message.sequence() + " of a stream has no uuid in its metadata: " + text);
    }
    return UUID.fromString(text.substring(KEY.length(), KEY.length() + UUID_LENGTH));
  }
}
