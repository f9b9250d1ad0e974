// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The open sessions of one kind on one event loop, by the users whose they are: a change of one
/// user's rights costs nothing to the others.
///
/// @param <S> the kind
final class OpenSessions<S extends OpenSessions.Session> {
  // No empty sets.
  private final Map<String, Set<S>> byUser = new LinkedHashMap<>();

  /// What stays with a client for a while: a WebSocket, an event stream or a poll.
  interface Session {
    /// Whose it is; the same as long as it lives.
    String userId();

    /// Looks at its user again, who or whose token was changed, and ends what may not go on.
    void recheck();

    /// Ends it because the server stops.
    void goAway();
  }

  void add(S session) {
    boolean _ = byUser.computeIfAbsent(session.userId(), _ -> new LinkedHashSet<>()).add(session);
  }

  /// Forgets a session; false if it was forgotten before.
  boolean remove(S session) {
    Set<S> ofUser = byUser.get(session.userId());
    if (ofUser == null || !ofUser.remove(session)) {
      return false;
    }
    if (ofUser.isEmpty()) {
      byUser.remove(session.userId());
    }
    return true;
  }

  /// All of them as they are now: what is done to one may end it.
  List<S> all() {
    return byUser.values().stream().flatMap(Set::stream).toList();
  }

  /// Looks at the user's sessions again.
  void recheck(String userId) {
    List.copyOf(byUser.getOrDefault(userId, Set.of())).forEach(Session::recheck);
  }

  /// Ends all because the server stops.
  void goAway() {
    all().forEach(Session::goAway);
  }
}
