// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/// A topic's entry in the directory; its messages are in the log of its incarnation.
///
/// @param name unique among topics
/// @param incarnation the number of its log: drawn when it was created, never reused, so a topic
///   that is deleted and made again is another one
/// @param ownerId the id of the user who created it
/// @param isPublic whether every user who may read may read it
/// @param description free text
/// @param createdAt milliseconds since 1970
/// @param grantees ids of the users it is granted to, in the order of the grants
public record Topic(
    String name,
    int incarnation,
    String ownerId,
    boolean isPublic,
    Optional<String> description,
    long createdAt,
    Set<String> grantees) {

  public Topic {
    grantees =
        grantees.isEmpty() ? Set.of() : Collections.unmodifiableSet(new LinkedHashSet<>(grantees));
  }

  /// The same topic with one more grant.
  public Topic granting(String userId) {
    Set<String> more = new LinkedHashSet<>(grantees);
    more.add(userId);
    return new Topic(name, incarnation, ownerId, isPublic, description, createdAt, more);
  }
}
