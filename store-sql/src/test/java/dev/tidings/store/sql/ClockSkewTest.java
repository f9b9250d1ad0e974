// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.store.StoreException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The clocks of a server and of its database may differ: messages go by the server's, and which
/// server uses the database by that of the database.
final class ClockSkewTest {
  private final TestPostgres.Database database = TestPostgres.newDatabase();

  @AfterEach
  void drop() {
    TestPostgres.shared().drop(database);
  }

  private long databaseMs() throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("select extract(epoch from clock_timestamp()) * 1000")) {
      assertThat(row.next()).isTrue();
      return row.getLong(1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-86_400, -30, 30, 86_400})
  void serverThatIsSecondsAhead_keepsItsOwnTime(long seconds) throws Exception {
    ManualTime time = new ManualTime();
    time.jumpWall(Duration.ofMillis(databaseMs() + seconds * 1000 - ManualTime.BEGINNING_MS));
    long begun = time.wallMs();
    try (SqlStore store = SqlStore.open(database.options())) {
      CrankedNode node = CrankedNode.on(store, 1, CrankedNode.LIMITS, time);
      Topic topic = node.createTopic("orders");
      var _ =
          node.submit(
              new Publish(
                  "orders",
                  new Publish.Authority.Existing(topic.incarnation()),
                  List.of(
                      message("\"at once\"", 10_000, NewMessage.NOW),
                      message("\"later\"", Message.NEVER, begun + 5000))));
      node.settle();
      assertThat(payloads(store, topic)).containsExactly("\"at once\"");
      Message first = read(store, topic).getFirst();
      assertThat(first.timestamp()).isEqualTo(begun);
      assertThat(first.expiresAt()).isEqualTo(begun + 10_000);
      node.time().advance(Duration.ofMillis(4999));
      node.settle();
      assertThat(payloads(store, topic)).containsExactly("\"at once\"");
      node.time().advance(Duration.ofMillis(1001));
      node.settle();
      assertThat(payloads(store, topic)).containsExactly("\"at once\"", "\"later\"");
      // Whatever the server believes what time it is, it is there.
      assertThatThrownBy(() -> SqlStore.open(database.options()))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("another server uses this database");
      assertThat(store.health().writable()).isTrue();
    }
  }

  private static NewMessage message(String payload, long ttlMs, long dueAt) {
    return new NewMessage(Payload.of(payload), Payload.EMPTY, ttlMs, Ordering.NONE, dueAt);
  }

  private static List<Message> read(SqlStore store, Topic topic) throws StoreException {
    return store.read(topic.incarnation(), 1, 100, Long.MAX_VALUE).messages();
  }

  private static List<String> payloads(SqlStore store, Topic topic) throws StoreException {
    return read(store, topic).stream().map(it -> it.payload().text()).toList();
  }
}
