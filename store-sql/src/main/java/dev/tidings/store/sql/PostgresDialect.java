// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Outbox;
import dev.tidings.core.store.StoreException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/// PostgreSQL, from version 14 on.
final class PostgresDialect implements Dialect {
  private static final int OLDEST = 14;

  private static final String RIGHTS =
      "the role of store.user has to own Tidings' tables, or to have the right to create"
          + " them in its schema; docs/sql.md lists the rights one needs that does not";

  private static final Pattern URL = Pattern.compile("(jdbc:)?(postgresql|postgres)://(.+)");
  private static final Pattern WITH_USER = Pattern.compile("[^/?]*@.*");
  private static final Pattern WITH_PASSWORD =
      Pattern.compile(".*[?&](password|user|sslpassword)=.*", Pattern.CASE_INSENSITIVE);

  // Names that would have to be quoted are left to whoever made the schema.
  private static final Pattern SCHEMA =
      Pattern.compile("[?&]currentSchema=([a-z_][a-z0-9_$]*)(?=[&,]|$)");

  @Override
  public String jdbcUrl(String url) throws StoreException {
    var matcher = URL.matcher(url);
    if (!matcher.matches()) {
      throw new StoreException(
          "the address of the database is none of PostgreSQL (expected:"
              + " postgresql://host:port/database)");
    }
    String rest = matcher.group(3);
    if (WITH_USER.matcher(rest).matches() || WITH_PASSWORD.matcher(rest).matches()) {
      throw new StoreException(
          "the address of the database holds a user or password, which would be shown (expected:"
              + " postgresql://host:port/database; give them as store.user and store.password)");
    }
    return "jdbc:postgresql://" + rest;
  }

  @Override
  public Properties properties() {
    Properties properties = new Properties();
    properties.setProperty("ApplicationName", "tidings");
    // Seconds. Whoever does not answer is asked again on another connection.
    properties.setProperty("connectTimeout", "5");
    properties.setProperty("loginTimeout", "10");
    properties.setProperty("socketTimeout", "20");
    properties.setProperty("tcpKeepAlive", "true");
    // Of several hosts the one that takes writes.
    properties.setProperty("targetServerType", "primary");
    // Details hold what is in the rows.
    properties.setProperty("logServerErrorDetail", "false");
    return properties;
  }

  /// Sessions whose server is gone end soon, since the lock of a batch ends with them. What is
  /// answered must be durable, and whoever has waited for a lock must see what was committed
  /// meanwhile, whatever the database does by default.
  @Override
  public String greeting() {
    return """
    select set_config('tcp_keepalives_idle', '5', false),
      set_config('tcp_keepalives_interval', '2', false),
      set_config('tcp_keepalives_count', '3', false),
      set_config('idle_in_transaction_session_timeout', '60s', false),
      set_config('default_transaction_isolation', 'read committed', false),
      set_config('default_transaction_read_only', 'off', false),
      set_config('synchronous_commit', case current_setting('synchronous_commit')
        when 'off' then 'on' else current_setting('synchronous_commit') end, false)\
    """;
  }

  @Override
  public Optional<String> hint(SQLException error) {
    return switch (String.valueOf(error.getSQLState())) {
      // The last is what the driver says if it needs a password and has none.
      case "28P01", "28000", "08004" ->
          Optional.of("check store.user, store.password and the database's pg_hba.conf");
      case "3D000" -> Optional.of("create the database, or name another one in store.url");
      case "42501" -> Optional.of(RIGHTS);
      case "08001", "08006" ->
          Optional.of("check that PostgreSQL runs and that store.url names its host and port");
      case "53300" -> Optional.of("PostgreSQL has no connection left; see its max_connections");
      default -> Optional.empty();
    };
  }

  @Override
  public void check(Connection connection) throws SQLException, StoreException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select current_setting('server_version_num')::integer / 10000,"
                    + " current_setting('server_encoding'), pg_is_in_recovery()")) {
      if (!row.next()) {
        throw new StoreException("PostgreSQL does not tell its version");
      }
      check(row.getInt(1), row.getString(2), row.getBoolean(3));
    }
  }

  /// @param version the first number of it
  static void check(int version, String encoding, boolean readOnly) throws StoreException {
    if (version < OLDEST) {
      throw new StoreException(
          "the database is PostgreSQL " + version + " (expected: " + OLDEST + " or newer)");
    }
    if (!encoding.equals("UTF8")) {
      throw new StoreException(
          "the database has the encoding "
              + encoding
              + ", in which messages cannot be kept (expected: UTF8; create one with `create"
              + " database … encoding 'UTF8' template template0`)");
    }
    if (readOnly) {
      throw new StoreException(
          "the database is a standby, which takes no writes (expected: the primary)");
    }
  }

  @Override
  public void checkRights(Connection connection, String schema, String table)
      throws SQLException, StoreException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select has_schema_privilege(n.oid, 'CREATE') or exists (select from pg_class c"
                + " where c.relnamespace = n.oid and c.relname = ?)"
                + " from pg_namespace n where n.nspname = ?")) {
      statement.setString(1, table);
      statement.setString(2, schema);
      try (ResultSet row = statement.executeQuery()) {
        if (row.next() && !row.getBoolean(1)) {
          throw new StoreException(
              "permission denied to make tables in the schema " + schema + ": " + RIGHTS);
        }
      }
    }
  }

  @Override
  public String durabilityWarning(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select current_setting('fsync')")) {
      return row.next() && row.getString(1).equals("off")
          ? "fsync is off in PostgreSQL: a crash of its machine loses acknowledged messages, and"
              + " may damage the database"
          : "";
    }
  }

  @Override
  public String schema(Connection connection, String jdbcUrl) throws SQLException, StoreException {
    var named = SCHEMA.matcher(jdbcUrl);
    if (named.find()) {
      return named.group(1);
    }
    String schema = connection.getSchema();
    if (schema == null) {
      throw new StoreException(
          "the role of store.user has no schema it may use (expected: one; grant it the usage of"
              + " one, or name one in store.url with ?currentSchema=…, in lower case)");
    }
    return schema;
  }

  @Override
  public String migrations() {
    return "classpath:dev/tidings/store/sql/postgresql";
  }

  @Override
  public Trouble trouble(SQLException error) {
    return switch (String.valueOf(error.getSQLState())) {
      case "TD001" -> Trouble.STALE_SLOT;
      case "40001", "40P01" -> Trouble.CONFLICT;
      case "53100" -> Trouble.DISK_FULL;
      default -> Trouble.OTHER;
    };
  }

  @Override
  public void write(Connection connection, Batch batch, BatchPlan plan, Numbers known)
      throws SQLException {
    PostgresBatch.write(connection, batch, plan, known);
  }

  @Override
  public void lockAlone(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean _ =
          statement.execute(
              "select pg_advisory_xact_lock(1953064036,"
                  + " 'tidings_slots'::regclass::oid::integer)");
    }
  }

  @Override
  public String runArrays() {
    StringBuilder arrays = new StringBuilder();
    for (String column :
        List.of(
            "payloads", "metadata", "timestamps", "expires_at", "ordering_keys", "priorities")) {
      arrays.append(arrays.isEmpty() ? "" : ", ");
      arrays.append(
          ("%1$s[greatest(from_sequence - first_sequence, 0) + 1"
                  + " : greatest(from_sequence - first_sequence, 0) + max_messages] as %1$s")
              .formatted(column));
    }
    return arrays.toString();
  }

  @Override
  public @Nullable List<@Nullable String> texts(ResultSet row, String column) throws SQLException {
    Array array = row.getArray(column);
    return array == null ? null : Arrays.asList((String[]) array.getArray());
  }

  @Override
  public @Nullable List<@Nullable Long> numbers(ResultSet row, String column) throws SQLException {
    Array array = row.getArray(column);
    if (array == null) {
      return null;
    }
    List<@Nullable Long> numbers = new ArrayList<>();
    for (Object number : (Object[]) array.getArray()) {
      numbers.add(number == null ? null : ((Number) number).longValue());
    }
    return numbers;
  }

  @Override
  public String isOneOf(String column) {
    return column + " = any(?::bigint[])";
  }

  @Override
  public Object numbers(long[] numbers) {
    return numbers;
  }

  @Override
  public Optional<Outbox> outbox(DataSource connections) {
    return Optional.of(new PostgresOutbox(connections));
  }
}
