// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.DirectoryContents.Damaged;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/// Reads the directory, receipts, and what became of deliveries. Rows that cannot be understood,
/// since somebody has changed them, stay as they are and are named.
final class DirectoryReader {
  // Rows the driver holds at once.
  private static final int FETCHED = 5000;

  private static final String DELIVERIES =
      """
      select ordinal, whole, next_sequence, passed, acked, expired, lost, settled, outstanding, dead
      from tidings_deliveries
      where subscription = ?
        and ordinal >= coalesce(
          (select max(ordinal) from tidings_deliveries where subscription = ? and whole), 0)
        and not exists (select 1 from tidings_logs where log = ? and removed)
      order by ordinal\
      """;

  private DirectoryReader() {}

  /// @param unread is told the names of rows that cannot be understood, and why
  static DirectoryContents read(Connection connection, BiConsumer<String, String> unread)
      throws SQLException {
    List<Entry> entries = new ArrayList<>();
    List<Damaged> damaged = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(FETCHED);
      try (ResultSet row =
          statement.executeQuery("select kind, key, body from tidings_directory")) {
        while (row.next()) {
          String word = row.getString("kind");
          String stored = row.getString("key");
          Optional<Entry.Kind> kind = EntryJson.kind(word);
          if (kind.isEmpty()) {
            unread.accept(
                "tidings_directory: an entry", "its kind " + word + " is none of this program's");
            continue;
          }
          try {
            entries.add(EntryJson.read(word, Texts.read(stored), row.getString("body")));
          } catch (IllegalArgumentException e) {
            String name = "tidings_directory: " + word + " " + stored;
            unread.accept(name, String.valueOf(e.getMessage()));
            damaged.add(
                new Damaged(
                    kind.get(),
                    stored,
                    "the row of "
                        + word
                        + " "
                        + stored
                        + " in tidings_directory cannot be read: "
                        + e.getMessage()
                        + "; mend it or delete it, and start anew"));
          }
        }
      }
    }
    Numbers numbers = numbers(connection);
    return new DirectoryContents(
        entries, numbers.entry(), numbers.stream(), numbers.scheduled(), damaged);
  }

  /// The highest numbers ever given.
  static Numbers numbers(Connection connection) throws SQLException {
    Numbers numbers = Numbers.NONE;
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select kind, highest from tidings_numbers")) {
      while (row.next()) {
        long highest = row.getLong("highest");
        numbers =
            switch (row.getString("kind")) {
              case Numbers.ENTRY -> numbers.or(new Numbers(Math.toIntExact(highest), 0, 0));
              case Numbers.STREAM -> numbers.or(new Numbers(0, Math.toIntExact(highest), 0));
              default -> numbers.or(new Numbers(0, 0, highest));
            };
      }
    }
    return numbers;
  }

  static List<Receipt> receipts(Connection connection, BiConsumer<String, String> unread)
      throws SQLException {
    List<Receipt> receipts = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(FETCHED);
      try (ResultSet row = statement.executeQuery("select * from tidings_receipts")) {
        while (row.next()) {
          try {
            receipts.add(
                ReceiptJson.read(
                    row.getInt("slot"),
                    Texts.read(row.getString("user_id")),
                    Texts.read(row.getString("key")),
                    row.getInt("item"),
                    row.getLong("expires_at"),
                    row.getInt("log"),
                    row.getString("body")));
          } catch (IllegalArgumentException e) {
            unread.accept(
                "tidings_receipts: a key of " + row.getString("user_id"),
                String.valueOf(e.getMessage()));
          }
        }
      }
    }
    return receipts;
  }

  static List<DeliveryChange> deliveries(
      Connection connection, int subscription, BiConsumer<String, String> unread)
      throws SQLException, StoreException {
    List<DeliveryChange> changes = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(DELIVERIES)) {
      for (int i = 1; i <= 3; i++) {
        statement.setInt(i, subscription);
      }
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          long ordinal = row.getLong("ordinal");
          try {
            changes.add(
                new DeliveryChange(
                    ordinal,
                    row.getBoolean("whole"),
                    row.getLong("next_sequence"),
                    row.getLong("passed"),
                    new Totals(row.getLong("acked"), row.getLong("expired"), row.getLong("lost")),
                    DeliveryJson.readSettled(row.getString("settled")),
                    DeliveryJson.readOutstanding(row.getString("outstanding")),
                    DeliveryJson.readDead(row.getString("dead"))));
          } catch (IllegalArgumentException e) {
            String name = "tidings_deliveries: subscription " + subscription + ", " + ordinal;
            unread.accept(name, String.valueOf(e.getMessage()));
            throw new StoreException(
                "the row of subscription "
                    + subscription
                    + " with ordinal "
                    + ordinal
                    + " in tidings_deliveries cannot be read: "
                    + e.getMessage(),
                e);
          }
        }
      }
    }
    return changes;
  }
}
