// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.slot.Slot;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.OptionalInt;
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
/// @param retention how long its messages stay
public record Topic(
    String name,
    int incarnation,
    String ownerId,
    boolean isPublic,
    Optional<String> description,
    long createdAt,
    Set<String> grantees,
    TopicRetention retention)
    implements Entry {

  public Topic {
    grantees =
        grantees.isEmpty() ? Set.of() : Collections.unmodifiableSet(new LinkedHashSet<>(grantees));
  }

  /// A topic that leaves its retention to the server.
  public Topic(
      String name,
      int incarnation,
      String ownerId,
      boolean isPublic,
      Optional<String> description,
      long createdAt,
      Set<String> grantees) {
    this(
        name,
        incarnation,
        ownerId,
        isPublic,
        description,
        createdAt,
        grantees,
        TopicRetention.DEFAULT);
  }

  @Override
  public Kind kind() {
    return Kind.TOPIC;
  }

  @Override
  public String key() {
    return name;
  }

  @Override
  public int slot() {
    return Slot.of(Slot.Kind.TOPIC, name);
  }

  @Override
  public OptionalInt ownNumber() {
    return OptionalInt.of(incarnation);
  }

  /// The same topic with one more grant.
  public Topic granting(String userId) {
    Set<String> more = new LinkedHashSet<>(grantees);
    more.add(userId);
    return withGrantees(more);
  }

  /// The same topic without the grant to a user.
  public Topic revoking(String userId) {
    Set<String> fewer = new LinkedHashSet<>(grantees);
    fewer.remove(userId);
    return withGrantees(fewer);
  }

  private Topic withGrantees(Set<String> others) {
    return new Topic(
        name, incarnation, ownerId, isPublic, description, createdAt, others, retention);
  }

  /// Whether somebody who could read `earlier`, the same topic before a change, may not read this.
  public boolean narrows(Topic earlier) {
    return (earlier.isPublic && !isPublic) || !grantees.containsAll(earlier.grantees);
  }
}
