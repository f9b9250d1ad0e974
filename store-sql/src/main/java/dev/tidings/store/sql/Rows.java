// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Values in rows, as the core knows them.
final class Rows {
  private Rows() {}

  static Optional<Long> number(ResultSet row, String column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? Optional.empty() : Optional.of(value);
  }

  static Optional<String> text(ResultSet row, String column) throws SQLException {
    return Optional.ofNullable(row.getString(column));
  }

  static Payload payload(@Nullable String text) throws SQLException {
    if (text == null) {
      throw new SQLException("a payload is null (expected: JSON text)");
    }
    return Payload.of(text);
  }

  static Ordering ordering(Optional<String> key, Optional<Long> priority) {
    return key.isEmpty() && priority.isEmpty()
        ? Ordering.NONE
        : new Ordering(key.map(Texts::read).orElse(""), priority.map(Math::toIntExact).orElse(0));
  }
}
