// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/// Deletes what commits have only marked: runs below what their log retains, and all that lies
/// under numbers that are gone. In small steps, each a transaction of its own, so that it keeps
/// nobody waiting.
final class Cleaner {
  /// Rows of one statement. A run may take some MiB, but what is deleted is not read.
  private static final int ROWS = 500;

  private static final int LOGS = 200;

  // Batches of a writer that are remembered.
  private static final int BATCHES = 100;

  // Former writers of which something is remembered.
  private static final int EPOCHS = 10;

  private final Dialect dialect;

  Cleaner(Dialect dialect) {
    this.dialect = dialect;
  }

  private record Trimmed(int log, long firstRetained) {}

  /// Does one step.
  ///
  /// @return whether there may be more to do
  boolean step(Connection connection) throws SQLException {
    boolean isMoreRemoved = deleteRemoved(connection);
    boolean isMoreTrimmed = deleteTrimmed(connection);
    forgetBatches(connection);
    return isMoreRemoved || isMoreTrimmed;
  }

  private record Writer(int lane, long epoch, long last) {}

  /// Only the newest batch of a writer is ever asked for. Those that were refused stay: they may
  /// still be on their way.
  private static void forgetBatches(Connection connection) throws SQLException {
    List<Writer> writers = new ArrayList<>();
    try (PreparedStatement statement =
            connection.prepareStatement(
                "select lane, epoch, max(number) from tidings_batches where committed"
                    + " group by lane, epoch order by epoch desc");
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        writers.add(new Writer(row.getInt(1), row.getLong(2), row.getLong(3)));
      }
    }
    for (Writer writer : writers) {
      boolean isOld = writer.epoch() < writers.getFirst().epoch() - EPOCHS;
      try (PreparedStatement statement =
          connection.prepareStatement(
              "delete from tidings_batches where committed and lane = ? and epoch = ?"
                  + " and number <= ?")) {
        statement.setInt(1, writer.lane());
        statement.setLong(2, writer.epoch());
        statement.setLong(3, writer.last() - (isOld ? 0 : BATCHES));
        int _ = statement.executeUpdate();
      }
    }
  }

  private boolean deleteTrimmed(Connection connection) throws SQLException {
    List<Trimmed> trimmed = new ArrayList<>();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select log, first_retained from tidings_logs"
                + " where deleted_below < first_retained and not removed limit "
                + LOGS)) {
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          trimmed.add(new Trimmed(row.getInt(1), row.getLong(2)));
        }
      }
    }
    for (Trimmed log : trimmed) {
      if (deleteRuns(connection, log) < ROWS) {
        try (PreparedStatement statement =
            connection.prepareStatement(
                "update tidings_logs set deleted_below = ? where log = ? and deleted_below < ?")) {
          statement.setLong(1, log.firstRetained());
          statement.setInt(2, log.log());
          statement.setLong(3, log.firstRetained());
          int _ = statement.executeUpdate();
        }
      }
    }
    return !trimmed.isEmpty();
  }

  private static int deleteRuns(Connection connection, Trimmed log) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "delete from tidings_runs where log = ? and first_sequence <= (select"
                + " max(first_sequence) from (select first_sequence from tidings_runs where log = ?"
                + " and first_sequence < ? and last_sequence < ? order by first_sequence limit "
                + ROWS
                + ") as oldest)")) {
      statement.setInt(1, log.log());
      statement.setInt(2, log.log());
      statement.setLong(3, log.firstRetained());
      statement.setLong(4, log.firstRetained());
      return statement.executeUpdate();
    }
  }

  private boolean deleteRemoved(Connection connection) throws SQLException {
    List<Long> removed = new ArrayList<>();
    try (PreparedStatement statement =
            connection.prepareStatement(
                "select log from tidings_logs where removed limit " + LOGS);
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        removed.add(row.getLong(1));
      }
    }
    if (removed.isEmpty()) {
      return false;
    }
    Object numbers = dialect.numbers(removed.stream().mapToLong(it -> it).toArray());
    int deleted =
        delete(connection, "tidings_runs", "log", "first_sequence", numbers)
            + delete(connection, "tidings_dead_letters", "subscription", "sequence", numbers)
            + delete(connection, "tidings_deliveries", "subscription", "ordinal", numbers);
    if (deleted == 0) {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "delete from tidings_logs where removed and " + dialect.isOneOf("log"))) {
        statement.setObject(1, numbers);
        int _ = statement.executeUpdate();
      }
    }
    return true;
  }

  /// Deletes some rows.
  ///
  /// @param number the first column of the primary key, one of `numbers`
  /// @param second the second column of it
  private int delete(
      Connection connection, String table, String number, String second, Object numbers)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "delete from %1$s where (%2$s, %3$s) in (select %2$s, %3$s from %1$s where %4$s limit %5$d)"
                .formatted(table, number, second, dialect.isOneOf(number), ROWS))) {
      statement.setObject(1, numbers);
      return statement.executeUpdate();
    }
  }
}
