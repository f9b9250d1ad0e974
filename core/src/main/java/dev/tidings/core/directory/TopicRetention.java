// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.OptionalLong;

/// What a topic says about how long its messages stay; where it says nothing, the server's limit
/// counts.
///
/// @param maxAgeMs milliseconds; 0 is unbounded
/// @param maxMessages messages; 0 is unbounded
/// @param maxBytes bytes of payload and metadata; 0 is unbounded
public record TopicRetention(
    OptionalLong maxAgeMs, OptionalLong maxMessages, OptionalLong maxBytes) {

  /// Says nothing.
  public static final TopicRetention DEFAULT =
      new TopicRetention(OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty());

  public TopicRetention {
    check("maxAgeMs", maxAgeMs);
    check("maxMessages", maxMessages);
    check("maxBytes", maxBytes);
  }

  private static void check(String name, OptionalLong value) {
    if (value.isPresent() && value.getAsLong() < 0) {
      throw new IllegalArgumentException(
          name + ": " + value.getAsLong() + " (expected: 1 or more, or 0 for unbounded)");
    }
  }
}
