// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

/// The bound on the live connections of one user, WebSockets and event streams together, over all
/// event loops.
public final class UserConnections {
  private final PerUser open;

  /// At most `maxPerUser` of one user.
  public UserConnections(int maxPerUser) {
    this.open = new PerUser(maxPerUser);
  }

  /// Whether the user may open a further connection; if so it counts until it leaves.
  public boolean enter(String userId) {
    return open.enter(userId);
  }

  /// A connection of the user is over.
  public void leave(String userId) {
    open.leave(userId);
  }

  /// What a refused caller is told.
  public String refusal() {
    return "too many live connections of this user (limit: "
        + open.max()
        + ", WebSockets and event streams together); close one first";
  }
}
