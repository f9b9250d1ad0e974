// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.access;

import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import java.util.Optional;

/// Who may do what. Every front-end asks here about topics, and [User#has] about the permission
/// that a call needs whatever its topic; `docs/security.md` shows it as a table.
///
/// `admin` implies everything; an owner may do everything on what it owns.
public final class AccessPolicy {
  private AccessPolicy() {}

  /// Whether `user` may manage users and everybody's topics.
  public static boolean mayAdminister(User user) {
    return user.has(Permission.ADMIN);
  }

  /// Whether `user` may publish to `topic`; to a missing one, which publishing creates.
  public static boolean mayPublish(User user, Optional<Topic> topic) {
    return user.has(Permission.ADMIN)
        || (user.has(Permission.WRITE)
            && topic.map(it -> owns(user, it) || isGranted(user, it)).orElse(true));
  }

  /// Whether `user` may receive from `topic`; from a missing one, for which it may wait.
  public static boolean mayRead(User user, Optional<Topic> topic) {
    return user.has(Permission.ADMIN)
        || (user.has(Permission.READ)
            && topic
                .map(it -> it.isPublic() || owns(user, it) || isGranted(user, it))
                .orElse(true));
  }

  /// Whether `user` may see the entry of `topic`. It needs no global permission, as in the relay's
  /// API.
  public static boolean maySee(User user, Topic topic) {
    return user.has(Permission.ADMIN)
        || topic.isPublic()
        || owns(user, topic)
        || isGranted(user, topic);
  }

  /// Whether `user` may change `topic` and its grants.
  public static boolean mayManage(User user, Topic topic) {
    return user.has(Permission.ADMIN) || owns(user, topic);
  }

  private static boolean owns(User user, Topic topic) {
    return topic.ownerId().equals(user.id());
  }

  private static boolean isGranted(User user, Topic topic) {
    return topic.grantees().contains(user.id());
  }
}
