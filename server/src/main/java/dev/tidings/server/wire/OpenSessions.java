// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The open sessions of one kind on one event loop, by the users and clients whose they are: a
/// change of one's rights costs nothing to the others.
///
/// @param <S> the kind
public final class OpenSessions<S extends OpenSessions.Session> {
  // No empty sets.
  private final Map<String, Set<S>> byPrincipal = new LinkedHashMap<>();

  /// What stays with a client for a while: a WebSocket, an event stream or a poll.
  public interface Session {
    /// Whose it is; the same as long as it lives.
    String principalId();

    /// Looks at its user or client again, which or whose token was changed, and ends what may not
    /// go on.
    void recheck();

    /// Ends it because the server stops.
    void goAway();
  }

  /// Takes one in.
  public void add(S session) {
    boolean _ =
        byPrincipal.computeIfAbsent(session.principalId(), _ -> new LinkedHashSet<>()).add(session);
  }

  /// Forgets a session; false if it was forgotten before.
  public boolean remove(S session) {
    Set<S> ofPrincipal = byPrincipal.get(session.principalId());
    if (ofPrincipal == null || !ofPrincipal.remove(session)) {
      return false;
    }
    if (ofPrincipal.isEmpty()) {
      byPrincipal.remove(session.principalId());
    }
    return true;
  }

  /// All of them as they are now: what is done to one may end it.
  public List<S> all() {
    return byPrincipal.values().stream().flatMap(Set::stream).toList();
  }

  /// Looks at the sessions of a user or client again.
  public void recheck(String principalId) {
    List.copyOf(byPrincipal.getOrDefault(principalId, Set.of())).forEach(Session::recheck);
  }

  /// Ends all because the server stops.
  public void goAway() {
    all().forEach(Session::goAway);
  }
}
