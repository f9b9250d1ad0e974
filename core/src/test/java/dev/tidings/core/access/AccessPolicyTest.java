// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.CrankedNode;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The whole table: permissions × relation to the topic × action.
class AccessPolicyTest {
  private static User user(String permissions) {
    return CrankedNode.user(
        "ada",
        switch (permissions) {
          case "none" -> new Permission[0];
          case "both" -> new Permission[] {Permission.READ, Permission.WRITE};
          default -> new Permission[] {Permission.valueOf(permissions.toUpperCase(Locale.ROOT))};
        });
  }

  private static Optional<Topic> topic(String relation, User user) {
    return switch (relation) {
      case "missing" -> Optional.empty();
      case "own" -> Optional.of(topic(user.id(), false, Set.of()));
      case "granted" -> Optional.of(topic("other", false, Set.of("x", user.id())));
      case "public" -> Optional.of(topic("other", true, Set.of()));
      case "foreign" -> Optional.of(topic("other", false, Set.of("x")));
      default -> throw new IllegalArgumentException(relation);
    };
  }

  private static Topic topic(String owner, boolean isPublic, Set<String> grantees) {
    return new Topic("t", 1, owner, isPublic, Optional.empty(), 0, grantees);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, topic, publish, read
    "none,  missing, false, false",
    "none,  own,     false, false",
    "none,  granted, false, false",
    "none,  public,  false, false",
    "none,  foreign, false, false",
    "read,  missing, false, true",
    "read,  own,     false, true",
    "read,  granted, false, true",
    "read,  public,  false, true",
    "read,  foreign, false, false",
    "write, missing, true,  false",
    "write, own,     true,  false",
    "write, granted, true,  false",
    "write, public,  false, false",
    "write, foreign, false, false",
    "both,  missing, true,  true",
    "both,  own,     true,  true",
    "both,  granted, true,  true",
    "both,  public,  false, true",
    "both,  foreign, false, false",
    "admin, missing, true,  true",
    "admin, own,     true,  true",
    "admin, granted, true,  true",
    "admin, public,  true,  true",
    "admin, foreign, true,  true",
  })
  void publishAndRead(String permissions, String relation, boolean publish, boolean read) {
    User user = user(permissions);
    Optional<Topic> topic = topic(relation, user);
    assertThat(AccessPolicy.mayPublish(user, topic)).isEqualTo(publish);
    assertThat(AccessPolicy.mayRead(user, topic)).isEqualTo(read);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, topic, see, manage
    "none,  own,     true,  true",
    "none,  granted, true,  false",
    "none,  public,  true,  false",
    "none,  foreign, false, false",
    "both,  own,     true,  true",
    "both,  granted, true,  false",
    "both,  public,  true,  false",
    "both,  foreign, false, false",
    "admin, own,     true,  true",
    "admin, granted, true,  true",
    "admin, public,  true,  true",
    "admin, foreign, true,  true",
  })
  void seeAndManage(String permissions, String relation, boolean see, boolean manage) {
    User user = user(permissions);
    Topic topic = topic(relation, user).orElseThrow();
    assertThat(AccessPolicy.maySee(user, topic)).isEqualTo(see);
    assertThat(AccessPolicy.mayManage(user, topic)).isEqualTo(manage);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, administer
    "none,  false",
    "read,  false",
    "write, false",
    "both,  false",
    "admin, true",
  })
  void administer(String permissions, boolean administer) {
    User user = user(permissions);
    assertThat(AccessPolicy.mayAdminister(user)).isEqualTo(administer);
  }
}
