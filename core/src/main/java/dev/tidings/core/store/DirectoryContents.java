// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.slot.Slot;
import java.util.List;

/// Everything the directory held when the store was opened.
///
/// @param users in no order
/// @param topics ordered by name, by UTF-16 code unit as `String` compares
/// @param lastIncarnation no lower than the incarnation of any topic ever put, also of those that
///   are gone or may have been lost; 0 if there was none
/// @param damaged entries that could not be read
public record DirectoryContents(
    List<User> users, List<Topic> topics, int lastIncarnation, List<Damaged> damaged) {

  public DirectoryContents {
    users = List.copyOf(users);
    topics = List.copyOf(topics);
    damaged = List.copyOf(damaged);
  }

  /// An entry whose bytes are kept aside because they cannot be trusted. Its name stays taken, so
  /// that nobody gets it by creating it anew.
  ///
  /// @param kind what it named
  /// @param name its name, from its key
  /// @param reason what is wrong and where the bytes are kept
  public record Damaged(Slot.Kind kind, String name, String reason) {}
}
