// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.LogRun;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads what logs retain, and the dead letters of subscriptions.
final class RunReader {
  /// Above every sequence.
  private static final String BEYOND = Long.toString(Long.MAX_VALUE);

  private static final String EXTENT =
      """
      select l.first_retained, l.next_sequence, l.last_timestamp, l.messages_ever, l.bytes_ever,
        l.removed, r.last_sequence, r.last_timestamp as run_timestamp,
        r.messages_before + r.last_sequence - r.first_sequence + 1 as run_messages,
        r.bytes_before + r.bytes as run_bytes
      from (select max(first_sequence) as first_sequence from tidings_runs where log = ?) as m
        left join tidings_runs as r on r.log = ? and r.first_sequence = m.first_sequence
        left join tidings_logs as l on l.log = ?\
      """;

  /// Where reading begins: no lower than what the log retains.
  private static final String FROM =
      "greatest(?, coalesce((select case when removed then "
          + BEYOND
          + " else first_retained end from tidings_logs where log = ?), 1))";

  private static final String RUN =
      "with p as (select "
          + FROM
          + " as from_sequence) "
          + """
          select first_sequence, last_sequence, first_timestamp, last_timestamp, messages_before,
            bytes_before, bytes
          from tidings_runs as r, p
          where log = ? and last_sequence >= p.from_sequence and first_sequence >= coalesce(
            (select max(first_sequence) from tidings_runs as f
              where f.log = ? and f.first_sequence <= p.from_sequence), 0)
          order by first_sequence limit 1\
          """;

  private static final String DEAD_LETTERS =
      "with p as (select "
          + FROM
          + " as from_sequence) "
          + """
          select * from (
            select sequence, published_at, expires_at, payload, metadata, ordering_key, priority,
              sum(octet_length(payload) + coalesce(octet_length(metadata), 0))
                over (order by sequence) - octet_length(payload)
                - coalesce(octet_length(metadata), 0) as bytes_ahead
            from tidings_dead_letters, p
            where subscription = ? and sequence >= p.from_sequence
            order by sequence limit ?) as d
          where bytes_ahead < ? order by sequence\
          """;

  private final Dialect dialect;
  private final String runs;

  RunReader(Dialect dialect) {
    this.dialect = dialect;
    // What lies ahead is counted before an array is touched: to take a part of one, the database
    // reads all of it.
    this.runs =
        "with p as (select "
            + FROM
            + " as from_sequence, ? as max_messages) "
            + "select first_sequence, last_sequence, first_timestamp, bytes, from_sequence, "
            + dialect.runArrays()
            + """
             from (
              select r.*, p.from_sequence, p.max_messages,
                sum(bytes) over ahead - bytes as bytes_ahead,
                sum(last_sequence - greatest(first_sequence, p.from_sequence) + 1) over ahead
                  - (last_sequence - greatest(first_sequence, p.from_sequence) + 1)
                  as messages_ahead
              from tidings_runs as r, p
              where log = ? and last_sequence >= p.from_sequence and first_sequence >= coalesce(
                (select max(first_sequence) from tidings_runs as f
                  where f.log = ? and f.first_sequence <= p.from_sequence), 0)
              window ahead as (order by first_sequence)
              order by first_sequence limit ?) as q
            where bytes_ahead < ? and messages_ahead < max_messages order by first_sequence\
            """;
  }

  LogExtent extent(Connection connection, int log) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(EXTENT)) {
      for (int i = 1; i <= 3; i++) {
        statement.setInt(i, log);
      }
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next() || row.getBoolean("removed")) {
          return LogExtent.EMPTY;
        }
        // Columns of what is not there are 0.
        LogExtent none = LogExtent.EMPTY;
        return new LogExtent(
            Math.max(none.firstRetained(), row.getLong("first_retained")),
            Math.max(
                Math.max(none.nextSequence(), row.getLong("next_sequence")),
                row.getLong("last_sequence") + 1),
            Math.max(row.getLong("last_timestamp"), row.getLong("run_timestamp")),
            Math.max(row.getLong("messages_ever"), row.getLong("run_messages")),
            Math.max(row.getLong("bytes_ever"), row.getLong("run_bytes")));
      }
    }
  }

  Optional<LogRun> runAt(Connection connection, int log, long sequence) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(RUN)) {
      statement.setLong(1, sequence);
      statement.setInt(2, log);
      statement.setInt(3, log);
      statement.setInt(4, log);
      try (ResultSet row = statement.executeQuery()) {
        return row.next()
            ? Optional.of(
                new LogRun(
                    row.getLong("first_sequence"),
                    row.getLong("last_sequence"),
                    row.getLong("first_timestamp"),
                    row.getLong("last_timestamp"),
                    row.getLong("messages_before"),
                    row.getLong("bytes_before"),
                    row.getLong("bytes")))
            : Optional.empty();
      }
    }
  }

  LogPage read(Connection connection, int log, long fromSequence, int maxMessages, long maxBytes)
      throws SQLException {
    Page page = new Page(maxMessages, maxBytes);
    long from = Math.max(1, fromSequence);
    // What a run holds below `from` counts as bytes for the database, so there may be more.
    while (!page.isFull() && readRuns(connection, log, from, page)) {
      from = page.nextSequence();
    }
    if (page.messages.isEmpty()) {
      readDeadLetters(connection, log, Math.max(1, fromSequence), page);
    }
    return new LogPage(page.messages);
  }

  /// @return whether there may be more
  private boolean readRuns(Connection connection, int log, long from, Page page)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(runs)) {
      // Places in arrays have 32 bits.
      int maxMessages = Math.min(page.messagesLeft(), Integer.MAX_VALUE / 2);
      long maxBytes = Math.max(1, page.bytesLeft());
      statement.setLong(1, from);
      statement.setInt(2, log);
      statement.setInt(3, maxMessages);
      statement.setInt(4, log);
      statement.setInt(5, log);
      statement.setInt(6, maxMessages);
      statement.setLong(7, maxBytes);
      long bytes = 0;
      int rows = 0;
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          rows++;
          bytes += row.getLong("bytes");
          readRun(row, page);
        }
      }
      return rows > 0 && (rows == maxMessages || bytes >= maxBytes);
    }
  }

  private void readRun(ResultSet row, Page page) throws SQLException {
    long firstTimestamp = row.getLong("first_timestamp");
    long sequence = Math.max(row.getLong("first_sequence"), row.getLong("from_sequence"));
    List<@Nullable String> payloads = dialect.texts(row, "payloads");
    if (payloads == null) {
      throw new SQLException(
          "run " + row.getLong("first_sequence") + " has no payloads (expected: one a message)");
    }
    Column<String> metadata = new Column<>(dialect.texts(row, "metadata"));
    Column<Long> timestamps = new Column<>(dialect.numbers(row, "timestamps"));
    Column<Long> expiries = new Column<>(dialect.numbers(row, "expires_at"));
    Column<String> keys = new Column<>(dialect.texts(row, "ordering_keys"));
    Column<Long> priorities = new Column<>(dialect.numbers(row, "priorities"));
    for (int i = 0; i < payloads.size() && !page.isFull(); i++) {
      page.add(
          new Message(
              sequence + i,
              timestamps.at(i).orElse(firstTimestamp),
              expiries.at(i).orElse(Message.NEVER),
              Rows.payload(payloads.get(i)),
              metadata.at(i).map(Payload::of).orElse(Payload.EMPTY),
              Rows.ordering(keys.at(i), priorities.at(i))));
    }
  }

  private void readDeadLetters(Connection connection, int subscription, long from, Page page)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(DEAD_LETTERS)) {
      statement.setLong(1, from);
      statement.setInt(2, subscription);
      statement.setInt(3, subscription);
      statement.setInt(4, page.messagesLeft());
      statement.setLong(5, Math.max(1, page.bytesLeft()));
      try (ResultSet row = statement.executeQuery()) {
        while (row.next() && !page.isFull()) {
          page.add(
              new Message(
                  row.getLong("sequence"),
                  row.getLong("published_at"),
                  Rows.number(row, "expires_at").orElse(Message.NEVER),
                  Rows.payload(row.getString("payload")),
                  Rows.text(row, "metadata").map(Payload::of).orElse(Payload.EMPTY),
                  Rows.ordering(Rows.text(row, "ordering_key"), Rows.number(row, "priority"))));
        }
      }
    }
  }

  /// An array of a run, of which nothing may be there.
  private record Column<T>(@Nullable List<@Nullable T> values) {
    Optional<T> at(int index) {
      return values == null || index >= values.size()
          ? Optional.empty()
          : Optional.ofNullable(values.get(index));
    }
  }

  /// A page as it fills.
  private static final class Page {
    private final int maxMessages;
    private final long maxBytes;
    private final List<Message> messages = new ArrayList<>();
    private long bytes;

    Page(int maxMessages, long maxBytes) {
      this.maxMessages = maxMessages;
      this.maxBytes = maxBytes;
    }

    void add(Message message) {
      messages.add(message);
      bytes += message.size();
    }

    boolean isFull() {
      return messages.size() >= maxMessages || (bytes >= maxBytes && !messages.isEmpty());
    }

    int messagesLeft() {
      return maxMessages - messages.size();
    }

    long bytesLeft() {
      return maxBytes - bytes;
    }

    long nextSequence() {
      return messages.getLast().sequence() + 1;
    }
  }
}
