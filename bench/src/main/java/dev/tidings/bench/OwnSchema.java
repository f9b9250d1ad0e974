// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/// A schema of its own for a server on PostgreSQL, so that nothing of anybody's is touched: the
/// server makes it with its tables, and it is dropped with all of them afterwards.
///
/// @param database its URL, with or without `jdbc:`, without user, password and schema
/// @param password of the user; empty if the database asks for none
/// @param name of the schema
record OwnSchema(String database, String user, String password, String name) {
  private static final Pattern SCHEME = Pattern.compile("^(jdbc:)?postgres(ql)?://");

  /// One that nobody used before.
  static OwnSchema in(String database, String user, String password) {
    long random = ThreadLocalRandom.current().nextLong(1L << 40);
    return new OwnSchema(
        database,
        user,
        password,
        "tidings_bench_" + Long.toString(random, 36).toLowerCase(Locale.ROOT));
  }

  /// What a server is told of it.
  Map<String, String> config() {
    String separator = database.contains("?") ? "&" : "?";
    Map<String, String> config = new HashMap<>();
    config.put("store.url", database + separator + "currentSchema=" + name);
    config.put("store.user", user);
    if (!password.isEmpty()) {
      config.put("store.password", password);
    }
    return config;
  }

  /// Drops it with all that is in it. No server may use it any more.
  void drop() {
    String sql = "drop schema if exists " + name + " cascade";
    String url = SCHEME.matcher(database).replaceFirst("jdbc:postgresql://");
    Properties credentials = new Properties();
    credentials.setProperty("user", user);
    if (!password.isEmpty()) {
      credentials.setProperty("password", password);
    }
    try (Connection connection = DriverManager.getConnection(url, credentials);
        Statement statement = connection.createStatement()) {
      boolean _ = statement.execute(sql);
    } catch (SQLException e) {
      throw new BenchException(
          "the schema "
              + name
              + " stays in the database: "
              + e.getMessage()
              + " (run: "
              + sql
              + ")",
          e);
    }
  }

  /// Without the password.
  @Override
  public String toString() {
    return name + " in " + database;
  }
}
