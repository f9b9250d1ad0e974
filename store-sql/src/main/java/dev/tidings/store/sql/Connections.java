// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import javax.sql.DataSource;

/// The connections of a store. Those that write have a few of their own, so that they never wait
/// behind readers.
final class Connections implements AutoCloseable {
  /// For the commit lane, the heartbeat, the outbox and the deleting of what is not needed.
  private static final int WRITING = 4;

  // A store that does not answer is asked again; nobody waits long for a connection to it.
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final HikariDataSource writing;
  private final HikariDataSource reading;

  Connections(Dialect dialect, SqlOptions options, String jdbcUrl) {
    writing = pool(dialect, options, jdbcUrl, "tidings-writing", WRITING);
    reading = pool(dialect, options, jdbcUrl, "tidings-reading", options.connections() - WRITING);
  }

  private static HikariDataSource pool(
      Dialect dialect, SqlOptions options, String jdbcUrl, String name, int size) {
    HikariConfig config = new HikariConfig();
    config.setPoolName(name);
    config.setJdbcUrl(jdbcUrl);
    config.setUsername(options.user());
    config.setPassword(options.password());
    Properties properties = dialect.properties();
    config.setDataSourceProperties(properties);
    config.setConnectionInitSql(dialect.greeting());
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(1);
    config.setConnectionTimeout(PATIENCE.toMillis());
    config.setValidationTimeout(PATIENCE.toMillis() - 500);
    // It need not be there when the pool is made: the store has been checked by then.
    config.setInitializationFailTimeout(-1);
    return new HikariDataSource(config);
  }

  Connection toWrite() throws SQLException {
    return writing.getConnection();
  }

  Connection toRead() throws SQLException {
    return reading.getConnection();
  }

  DataSource writing() {
    return writing;
  }

  /// Lets go of a connection that nothing is known about.
  void discard(Connection connection) {
    writing.evictConnection(connection);
  }

  /// Lets go of those that are idle, so that what comes next begins on new ones.
  void renew() {
    writing.getHikariPoolMXBean().softEvictConnections();
    reading.getHikariPoolMXBean().softEvictConnections();
  }

  /// How many are in use.
  int active() {
    return active(writing.getHikariPoolMXBean()) + active(reading.getHikariPoolMXBean());
  }

  /// How many there are.
  int open() {
    return writing.getHikariPoolMXBean().getTotalConnections()
        + reading.getHikariPoolMXBean().getTotalConnections();
  }

  /// How many readers wait for one.
  int waiting() {
    return reading.getHikariPoolMXBean().getThreadsAwaitingConnection();
  }

  private static int active(HikariPoolMXBean pool) {
    return pool.getActiveConnections();
  }

  @Override
  public void close() {
    writing.close();
    reading.close();
  }
}
