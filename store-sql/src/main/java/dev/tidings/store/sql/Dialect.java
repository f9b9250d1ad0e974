// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Outbox;
import dev.tidings.core.store.StoreException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/// What differs from database to database. Queries that all of them understand stand in the classes
/// that read.
interface Dialect {

  /// What an error of the database means for whoever tried to write.
  enum Trouble {
    /// A slot of the batch belongs to another writer; nothing was written.
    STALE_SLOT,
    /// The transaction got into another's way and was undone; it may be tried again.
    CONFLICT,
    /// The disk of the database is full; nothing was written.
    DISK_FULL,
    /// Anything else.
    OTHER
  }

  /// The address as the driver wants it.
  ///
  /// @throws StoreException it is none of this database
  String jdbcUrl(String url) throws StoreException;

  /// What the driver is told of every connection, but user and password.
  Properties properties();

  /// What is said on every connection before its first use.
  String greeting();

  /// Why a first connection was refused, in words for the operator; empty if the error says it.
  Optional<String> hint(SQLException error);

  /// Checks that this is a database that can be used.
  ///
  /// @throws StoreException it cannot; the message says what to do
  void check(Connection connection) throws SQLException, StoreException;

  /// Checks that the tables can be made if they are not there, for the tool that makes them tries
  /// for long.
  ///
  /// @param table one of them
  /// @throws StoreException they cannot; the message says what to do
  void checkRights(Connection connection, String schema, String table)
      throws SQLException, StoreException;

  /// What to warn of if what is committed may be lost when the machine of the database fails; empty
  /// if it is not.
  String durabilityWarning(Connection connection) throws SQLException;

  /// The schema where the tables are to lie, whether it is there or not.
  String schema(Connection connection, String jdbcUrl) throws SQLException, StoreException;

  /// Where the migrations lie, as Flyway wants it.
  String migrations();

  /// What `error` means.
  Trouble trouble(SQLException error);

  /// Writes a batch in one round trip, all or nothing.
  void write(Connection connection, Batch batch, BatchPlan plan, Numbers known) throws SQLException;

  /// Takes the lock that [#write] holds with others, alone and until the end of the transaction.
  void lockAlone(Connection connection) throws SQLException;

  /// The arrays of a row of `tidings_runs`, to be selected: of its messages those from
  /// `from_sequence` on, and no more than `max_messages`.
  String runArrays();

  /// An array of texts; null if there is none.
  @Nullable List<@Nullable String> texts(ResultSet row, String column) throws SQLException;

  /// An array of numbers; null if there is none.
  @Nullable List<@Nullable Long> numbers(ResultSet row, String column) throws SQLException;

  /// A condition that `column` is one of the numbers in one value, which [#numbers] makes.
  String isOneOf(String column);

  /// Numbers as one value of a statement.
  Object numbers(long[] numbers);

  /// Where applications leave messages, if they can.
  Optional<Outbox> outbox(DataSource connections);
}
