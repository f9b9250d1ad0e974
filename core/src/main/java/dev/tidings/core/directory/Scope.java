// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

/// What a client can be allowed to do, with everything of a kind or with one object (API of
/// fastpubsub, and streams, exchanges and queues).
public enum Scope {
  /// Everything; the only one that has no objects.
  ALL("*"),
  TOPICS_CREATE("topics:create"),
  TOPICS_READ("topics:read"),
  TOPICS_DELETE("topics:delete"),
  TOPICS_PUBLISH("topics:publish"),
  SUBSCRIPTIONS_CREATE("subscriptions:create"),
  SUBSCRIPTIONS_READ("subscriptions:read"),
  SUBSCRIPTIONS_DELETE("subscriptions:delete"),
  SUBSCRIPTIONS_CONSUME("subscriptions:consume"),
  CLIENTS_CREATE("clients:create"),
  CLIENTS_UPDATE("clients:update"),
  CLIENTS_READ("clients:read"),
  CLIENTS_DELETE("clients:delete"),
  STREAMS_SEND("streams:send"),
  STREAMS_RECEIVE("streams:receive"),
  EXCHANGES_MANAGE("exchanges:manage"),
  EXCHANGES_PUBLISH("exchanges:publish"),
  QUEUES_MANAGE("queues:manage"),
  QUEUES_CONSUME("queues:consume");

  private final String text;

  Scope(String text) {
    this.text = text;
  }

  /// As the API spells it, such as `topics:read`.
  public String text() {
    return text;
  }

  /// Whether `word` spells one, of whatever object.
  static boolean isSpeltBy(String word) {
    int object = word.indexOf(':', word.indexOf(':') + 1);
    boolean hasObject = object >= 0 && word.indexOf(':', object + 1) < 0;
    String base = hasObject ? word.substring(0, object) : word;
    for (Scope scope : values()) {
      if (scope.text.equals(base)) {
        return true;
      }
    }
    return false;
  }
}
