// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Several statements that are sent as one, in one round trip.
final class Sections {
  private final StringBuilder text = new StringBuilder();
  private final List<@Nullable Object> values = new ArrayList<>();

  /// Adds a statement.
  ///
  /// @param sql with a `?` for each value
  /// @param more its values; arrays become arrays of the database
  void add(String sql, @Nullable Object... more) {
    if (!text.isEmpty()) {
      text.append(";\n");
    }
    text.append(sql);
    for (Object value : more) {
      values.add(value);
    }
  }

  void execute(Connection connection) throws SQLException {
    // Texts differ only in which statements are there, so the driver knows most of them already.
    try (PreparedStatement statement = connection.prepareStatement(text.toString())) {
      for (int i = 0; i < values.size(); i++) {
        statement.setObject(i + 1, values.get(i));
      }
      boolean _ = statement.execute();
    }
  }
}
