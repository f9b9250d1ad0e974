// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// Reads messages that wait until they are due.
final class ScheduledReader {
  // Cuts a page by its bytes where the rows are, but for the first row.
  private static final String SIZE = "octet_length(payload) + coalesce(octet_length(metadata), 0)";

  private static final String PAGE_BEGIN =
      "select * from (select s.*, sum("
          + SIZE
          + ") over (order by due_at, number, log rows unbounded preceding) - ("
          + SIZE
          + ") as bytes_ahead from (select * from tidings_scheduled"
          + " where (due_at, number, log) >= (?, ?, ?) and ";

  private static final String PAGE_END =
      " order by due_at, number, log limit ? offset ?) as s) as q where bytes_ahead < ?"
          + " order by due_at, number, log";

  private final Dialect dialect;
  private final String ofSlots;
  private final String ofLog;
  private final String find;

  ScheduledReader(Dialect dialect) {
    this.dialect = dialect;
    this.ofSlots = PAGE_BEGIN + "due_at < ? and " + dialect.isOneOf("slot") + PAGE_END;
    // The second pair is what the index of a log's messages goes by.
    this.ofLog = PAGE_BEGIN + "log = ? and (due_at, number) >= (?, ?)" + PAGE_END;
    this.find =
        "select due_at, number, log from tidings_scheduled where "
            + dialect.isOneOf("due_at")
            + " and "
            + dialect.isOneOf("number");
  }

  List<ScheduledMessage> ofSlots(
      Connection connection,
      SlotSet slots,
      ScheduledId from,
      long dueBefore,
      int maxMessages,
      long maxBytes)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(ofSlots)) {
      setFrom(statement, from);
      statement.setLong(4, dueBefore);
      statement.setObject(
          5,
          dialect.numbers(
              IntStream.range(0, Slot.COUNT).filter(slots::contains).asLongStream().toArray()));
      setPage(statement, 6, maxMessages, 0, maxBytes);
      return read(statement);
    }
  }

  List<ScheduledMessage> ofLog(
      Connection connection, int log, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(ofLog)) {
      setFrom(statement, from);
      statement.setInt(4, log);
      statement.setLong(5, from.dueAt());
      statement.setLong(6, from.number());
      setPage(statement, 7, maxMessages, skip, maxBytes);
      return read(statement);
    }
  }

  private static void setFrom(PreparedStatement statement, ScheduledId from) throws SQLException {
    statement.setLong(1, from.dueAt());
    statement.setLong(2, from.number());
    statement.setInt(3, from.incarnation());
  }

  private static void setPage(
      PreparedStatement statement, int index, int maxMessages, int skip, long maxBytes)
      throws SQLException {
    statement.setInt(index, maxMessages);
    statement.setInt(index + 1, skip);
    statement.setLong(index + 2, Math.max(1, maxBytes));
  }

  private static List<ScheduledMessage> read(PreparedStatement statement) throws SQLException {
    List<ScheduledMessage> messages = new ArrayList<>();
    try (ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        messages.add(
            new ScheduledMessage(
                Texts.read(row.getString("topic")),
                row.getInt("log"),
                row.getLong("number"),
                new NewMessage(
                    Rows.payload(row.getString("payload")),
                    Rows.text(row, "metadata").map(Payload::of).orElse(Payload.EMPTY),
                    Rows.number(row, "ttl_ms").orElse(Message.NEVER),
                    Rows.ordering(Rows.text(row, "ordering_key"), Rows.number(row, "priority")),
                    row.getLong("due_at"))));
      }
    }
    return messages;
  }

  /// Which of `ids` are there.
  Set<ScheduledId> find(Connection connection, List<ScheduledId> ids) throws SQLException {
    Set<ScheduledId> wanted = new HashSet<>(ids);
    Set<ScheduledId> found = new HashSet<>();
    try (PreparedStatement statement = connection.prepareStatement(find)) {
      statement.setObject(1, dialect.numbers(ids.stream().mapToLong(ScheduledId::dueAt).toArray()));
      statement.setObject(
          2, dialect.numbers(ids.stream().mapToLong(ScheduledId::number).toArray()));
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          found.add(new ScheduledId(row.getLong(1), row.getLong(2), row.getInt(3)));
        }
      }
    }
    // Numbers are drawn once, so there are few others.
    found.retainAll(wanted);
    return found;
  }

  static long count(Connection connection) throws SQLException {
    try (PreparedStatement statement =
            connection.prepareStatement("select count(*) from tidings_scheduled");
        ResultSet row = statement.executeQuery()) {
      return row.next() ? row.getLong(1) : 0;
    }
  }
}
