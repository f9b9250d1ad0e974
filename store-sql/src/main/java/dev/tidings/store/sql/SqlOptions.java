// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

/// How an [SqlStore] is opened.
///
/// @param url of the database: `postgresql://host:port/database`, as its own tools spell it, or the
///   same after `jdbc:`; without user and password
/// @param user who connects
/// @param password of the user; never shown
/// @param connections the most there may be at once, at least [#MIN_CONNECTIONS]
/// @param migrate whether the schema is brought up to date when the store is opened; if not, one
///   that is not up to date is refused
/// @param takeOver whether the store is opened even if another server seems to use it, which then
///   writes no more
public record SqlOptions(
    String url, String user, String password, int connections, boolean migrate, boolean takeOver) {

  /// One each for the commit lane, the heartbeat, the outbox and the deleting of what is no longer
  /// needed, and one for reading.
  public static final int MIN_CONNECTIONS = 5;

  public SqlOptions {
    if (connections < MIN_CONNECTIONS) {
      throw new IllegalArgumentException(
          "connections: " + connections + " (expected: " + MIN_CONNECTIONS + " or more)");
    }
  }

  /// Without the password.
  @Override
  public String toString() {
    return "SqlOptions[url=" + url + ", user=" + user + ", connections=" + connections + "]";
  }
}
