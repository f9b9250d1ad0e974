// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.Outbox;
import dev.tidings.core.store.OutboxMessage;
import dev.tidings.core.store.StoreException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The outbox in PostgreSQL: the table `tidings_outbox`, which `tidings_publish` writes.
///
/// It keeps one connection, on which it reads and listens, and takes another after each failure.
/// Where notifications do not come through, waiting takes its whole time.
final class PostgresOutbox implements Outbox {
  private static final Logger LOG = LoggerFactory.getLogger(PostgresOutbox.class);

  private static final String CHANNEL = "tidings_outbox";

  // The bytes before a row decide whether it is read. The lengths of texts that are stored apart
  // are
  // known without reading them.
  private static final String READ =
      """
      select id, topic, payload, metadata, ordering_key
      from (
        select page.*,
            sum(octet_length(payload) + coalesce(octet_length(metadata), 0))
              over (order by id rows between unbounded preceding and 1 preceding) as before
        from (select * from tidings_outbox where topic <> all(?) order by id limit ?) as page
      ) as measured
      where coalesce(before, 0) < ?
      order by id
      """;

  /// How long the database may take to answer. It is asked for little, many times a second.
  private static final int PATIENCE_MS = 10_000;

  private final DataSource source;
  private @Nullable Session session;

  /// An outbox in the schema that the connections of `source` begin with.
  PostgresOutbox(DataSource source) {
    this.source = source;
  }

  /// A connection that listens.
  ///
  /// @param schema where its tables are
  /// @param notifications empty if the connection cannot listen
  private record Session(
      Connection connection,
      PreparedStatement read,
      String schema,
      Optional<PGConnection> notifications) {}

  @Override
  public List<OutboxMessage> read(Set<String> without, int maxMessages, long maxBytes)
      throws StoreException {
    try {
      Session open = open();
      PreparedStatement read = open.read();
      Array left =
          open.connection()
              .createArrayOf("text", without.stream().map(PostgresOutbox::stored).toArray());
      read.setArray(1, left);
      read.setInt(2, maxMessages);
      read.setLong(3, maxBytes);
      List<OutboxMessage> page = new ArrayList<>();
      try (ResultSet rows = read.executeQuery()) {
        while (rows.next()) {
          page.add(message(rows));
        }
      }
      return page;
    } catch (SQLException e) {
      close();
      throw new StoreException("the outbox could not be read: " + e.getMessage(), e);
    }
  }

  private static OutboxMessage message(ResultSet row) throws SQLException {
    String metadata = row.getString("metadata");
    String key = row.getString("ordering_key");
    return new OutboxMessage(
        row.getLong("id"),
        plain(row.getString("topic")),
        new NewMessage(
            // JSON's own white space around the value, and no other: that is what the check lets
            // by.
            Payload.of(row.getString("payload").strip()),
            metadata == null ? Payload.EMPTY : Payload.of(metadata.strip()),
            Message.NEVER,
            key == null ? Ordering.NONE : Ordering.ofKey(plain(key)),
            NewMessage.NOW));
  }

  @Override
  public void await(Duration timeout) throws StoreException, InterruptedException {
    long endNs = System.nanoTime() + timeout.toNanos();
    try {
      Session open = open();
      if (open.notifications().isEmpty()) {
        TimeUnit.NANOSECONDS.sleep(timeout.toNanos());
        return;
      }
      boolean isTold = false;
      long leftMs = Math.max(1, timeout.toMillis());
      while (!isTold && leftMs > 0) {
        isTold = isTold(open, open.notifications().get().getNotifications((int) leftMs));
        leftMs = TimeUnit.NANOSECONDS.toMillis(endNs - System.nanoTime());
      }
    } catch (SQLException e) {
      close();
      throw new StoreException(
          "notifications of the outbox could not be received: " + e.getMessage(), e);
    }
  }

  /// Whether one of `notifications` is about this schema: the channel is one for the database.
  private static boolean isTold(Session open, PGNotification @Nullable [] notifications) {
    if (notifications == null) {
      return false;
    }
    for (PGNotification each : notifications) {
      if (each.getParameter().equals(open.schema())) {
        return true;
      }
    }
    return false;
  }

  // ---- the connection ----

  private Session open() throws SQLException {
    Session known = session;
    if (known != null) {
      return known;
    }
    Connection connection = source.getConnection();
    try {
      connection.setAutoCommit(true);
      connection.setNetworkTimeout(Runnable::run, PATIENCE_MS);
      String schema;
      try (Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery("select current_schema()")) {
        schema = row.next() ? String.valueOf(row.getString(1)) : "";
      }
      Session opened =
          new Session(connection, connection.prepareStatement(READ), schema, listen(connection));
      session = opened;
      return opened;
    } catch (SQLException | RuntimeException e) {
      close(connection);
      throw e;
    }
  }

  /// What tells of notifications; empty where none can be had.
  private static Optional<PGConnection> listen(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("listen " + CHANNEL);
      return Optional.of(connection.unwrap(PGConnection.class));
    } catch (SQLException e) {
      if (!connection.isValid(PATIENCE_MS / 1000)) {
        throw e;
      }
      LOG.warn("the database lets nobody listen; the outbox is polled: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /// Gives back its connection; another is taken when there is something to do.
  @Override
  public void close() {
    Session open = session;
    session = null;
    if (open != null) {
      close(open.connection());
    }
  }

  private static void close(Connection connection) {
    try (connection;
        Statement statement = connection.createStatement()) {
      // The next who gets it from a pool is not to receive what was meant for this one.
      statement.execute("unlisten *");
    } catch (SQLException e) {
      LOG.debug("a connection that is let go of had ended already", e);
    }
  }

  // ---- names ----

  private static String stored(String name) {
    return Texts.stored(name);
  }

  private static String plain(String stored) {
    return Texts.read(stored);
  }
}
