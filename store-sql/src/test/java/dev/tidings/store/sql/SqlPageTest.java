// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// Holds docs/sql.md: what it shows can be run, and what there is stands in it.
final class SqlPageTest {
  private static final Path PAGE = Path.of("..", "docs", "sql.md");
  private static final Pattern BLOCK =
      Pattern.compile("^```sql\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
  private static final Pattern WORD = Pattern.compile("`([^`]+)`");
  private static final String READER = "tidings_reader";
  private static final String PASSWORD = "choose-one";

  private static List<String> statements() throws Exception {
    List<String> statements = new ArrayList<>();
    Matcher block = BLOCK.matcher(Files.readString(PAGE));
    while (block.find()) {
      for (String statement : block.group(1).split(";\\s*(\n|$)", -1)) {
        if (!statement.isBlank()) {
          statements.add(statement.strip());
        }
      }
    }
    return statements;
  }

  private static boolean isQuery(String statement) {
    return statement.startsWith("select");
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean hasRows = statement.execute(sql);
      if (hasRows && isQuery(sql)) {
        try (ResultSet rows = statement.getResultSet()) {
          assertThat(rows.next()).as("rows of: %s", sql).isTrue();
        }
      } else {
        assertThat(statement.getUpdateCount() > 0 || !sql.startsWith("update")).as(sql).isTrue();
      }
    }
  }

  @Test
  void everyStatement_runs_andEveryQueryShowsSomething() throws Exception {
    List<String> statements = statements();
    assertThat(statements.stream().filter(SqlPageTest::isQuery)).hasSizeGreaterThan(10);
    try (Filled filled = new Filled();
        Connection connection = TestPostgres.shared().connect(filled.database.name())) {
      try {
        for (String statement : statements) {
          run(connection, statement);
        }
        assertThat(filled.store.loadDirectory().damaged()).isEmpty();
        runAsReader(filled, statements.stream().filter(SqlPageTest::isQuery).toList());
      } finally {
        run(connection, "drop owned by " + READER);
        run(connection, "drop role " + READER);
      }
    }
  }

  /// Queries are all that a role with the rights of the page can do.
  private static void runAsReader(Filled filled, List<String> queries) throws SQLException {
    try (Connection connection =
        DriverManager.getConnection("jdbc:" + filled.database.url(), READER, PASSWORD)) {
      for (String query : queries) {
        run(connection, query);
      }
      for (String table : List.of("tidings_directory", "tidings_runs", "tidings_receipts")) {
        try (Statement statement = connection.createStatement()) {
          assertThatThrownBy(() -> statement.executeQuery("select * from " + table))
              .isInstanceOf(SQLException.class)
              .hasMessageContaining("permission denied");
        }
      }
    }
  }

  @Test
  void everyTableViewAndColumn_isExplained() throws Exception {
    Map<String, Set<String>> explained = explained();
    try (Filled filled = new Filled();
        Connection connection = filled.database.connect();
        Statement statement = connection.createStatement();
        ResultSet columns =
            statement.executeQuery(
                "select table_name, column_name from information_schema.columns"
                    + " where table_schema = 'public' and table_name like 'tidings\\_%'")) {
      int count = 0;
      while (columns.next()) {
        String table = columns.getString(1);
        assertThat(explained).containsKey(table);
        if (!table.equals("tidings_schema_history")) {
          assertThat(explained.get(table)).as(table).contains(columns.getString(2));
          count++;
        }
      }
      assertThat(count).isGreaterThan(150);
    }
  }

  /// What stands in code in the rows of each table or view.
  private static Map<String, Set<String>> explained() throws Exception {
    Map<String, Set<String>> explained = new HashMap<>();
    Set<String> words = new HashSet<>();
    for (String line : Files.readAllLines(PAGE)) {
      if (line.startsWith("| `tidings_")) {
        words = explained.computeIfAbsent(line.split("`", 3)[1], _ -> new HashSet<>());
      } else if (!line.startsWith("|")) {
        words = new HashSet<>();
      }
      Matcher word = WORD.matcher(line);
      while (word.find()) {
        words.add(word.group(1));
      }
    }
    return explained;
  }
}
