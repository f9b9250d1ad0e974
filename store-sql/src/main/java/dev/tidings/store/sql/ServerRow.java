// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.StoreException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The row that says which server uses the tables: kept fresh by a heartbeat, by the database's
/// clock alone, so that it does not matter what time servers believe it is.
///
/// It keeps people from starting two servers on one database by mistake. What keeps two servers
/// from writing both are the epochs.
final class ServerRow {
  private static final Logger log = LoggerFactory.getLogger(ServerRow.class);

  /// How often the heartbeat is.
  static final Duration INTERVAL = Duration.ofSeconds(1);

  /// After how long without one a server counts as gone.
  static final Duration FRESH = Duration.ofSeconds(5);

  private static final Duration LOOK = Duration.ofMillis(200);

  private final UUID owner = UUID.randomUUID();
  private final String host;

  ServerRow() {
    this.host = hostName();
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName()
          + ", process "
          + ProcessHandle.current().pid();
    } catch (UnknownHostException e) {
      return "an unknown host, process " + ProcessHandle.current().pid();
    }
  }

  /// Another server's row.
  ///
  /// @param isFresh whether its last heartbeat is not long ago
  private record Other(
      UUID owner, String host, Timestamp startedAt, Timestamp heartbeatAt, boolean isFresh) {}

  /// Puts this server's row there.
  ///
  /// If another server's is fresh, it waits until that moves on or goes stale.
  ///
  /// @param takeOver puts it there in any case
  /// @throws StoreException another server runs
  void claim(Connection connection, boolean takeOver) throws SQLException, StoreException {
    put(connection, takeOver ? read(connection) : awaitUnused(connection));
  }

  /// Checks that no server uses the tables.
  ///
  /// @throws StoreException another server runs
  static void checkUnused(Connection connection) throws SQLException, StoreException {
    Optional<Other> _ = awaitUnused(connection);
  }

  /// Waits until the last heartbeat is old: by the clock of the database, which may have been set
  /// back since, or by our own.
  private static Optional<Other> awaitUnused(Connection connection)
      throws SQLException, StoreException {
    Optional<Other> first = read(connection);
    Optional<Other> now = first;
    long begunNs = System.nanoTime();
    if (now.isPresent() && now.get().isFresh()) {
      log.info(
          "the server on {} has used the database a moment ago; waiting whether it is gone",
          now.get().host());
    }
    while (now.isPresent()
        && now.get().isFresh()
        && System.nanoTime() - begunNs < FRESH.plus(INTERVAL).toNanos()) {
      Other other = now.get();
      boolean isAlive =
          first.isEmpty()
              || !other.owner().equals(first.get().owner())
              || !other.heartbeatAt().equals(first.get().heartbeatAt());
      if (isAlive) {
        throw new StoreException(
            "another server uses this database: it runs on "
                + other.host()
                + " since "
                + other.startedAt().toInstant()
                + " (expected: none; stop that one, or start with --take-over, upon which it writes"
                + " no more)");
      }
      LockSupport.parkNanos(LOOK.toNanos());
      now = read(connection);
    }
    return now;
  }

  private static Optional<Other> read(Connection connection) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select owner, host, started_at, heartbeat_at,"
                + " clock_timestamp() - heartbeat_at < ? * interval '1 second' as fresh"
                + " from tidings_server")) {
      statement.setLong(1, FRESH.toSeconds());
      try (ResultSet row = statement.executeQuery()) {
        return row.next()
            ? Optional.of(
                new Other(
                    row.getObject("owner", UUID.class),
                    row.getString("host"),
                    row.getTimestamp("started_at"),
                    row.getTimestamp("heartbeat_at"),
                    row.getBoolean("fresh")))
            : Optional.empty();
      }
    }
  }

  /// @param instead whose row it may replace
  private void put(Connection connection, Optional<Other> instead)
      throws SQLException, StoreException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            insert into tidings_server as s (owner, host, started_at, heartbeat_at)
            values (?, ?, clock_timestamp(), clock_timestamp())
            on conflict (id) do update set owner = excluded.owner, host = excluded.host,
              started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at
              where s.owner = ?\
            """)) {
      statement.setObject(1, owner);
      statement.setString(2, host);
      statement.setObject(3, instead.map(Other::owner).orElse(owner));
      if (statement.executeUpdate() == 0) {
        throw new StoreException(
            "another server has begun to use this database at the same moment; try again");
      }
    }
  }

  /// Tells that this server is there.
  ///
  /// @param epoch with which this server writes; 0 if it has opened no slots yet
  /// @return the host of the server that has taken over, if one has
  Optional<String> beat(Connection connection, long epoch) throws SQLException, StoreException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "update tidings_server set heartbeat_at = clock_timestamp() where owner = ?")) {
      statement.setObject(1, owner);
      if (statement.executeUpdate() == 1) {
        return Optional.empty();
      }
    }
    Optional<Other> other = read(connection);
    if (other.isPresent()) {
      return other.map(Other::host);
    }
    // Whoever took it away may have been another server that has come and gone meanwhile.
    if (epoch > 0 && highestEpoch(connection) > epoch) {
      return Optional.of("another host");
    }
    put(connection, Optional.empty());
    return Optional.empty();
  }

  private static long highestEpoch(Connection connection) throws SQLException {
    try (PreparedStatement statement =
            connection.prepareStatement("select max(epoch) from tidings_slots");
        ResultSet row = statement.executeQuery()) {
      return row.next() ? row.getLong(1) : 0;
    }
  }

  /// Takes this server's row away.
  void release(Connection connection) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("delete from tidings_server where owner = ?")) {
      statement.setObject(1, owner);
      int _ = statement.executeUpdate();
    }
  }
}
