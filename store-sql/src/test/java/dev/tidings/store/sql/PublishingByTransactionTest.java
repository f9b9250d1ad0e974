// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.DeleteTopic;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.Message;
import dev.tidings.core.outbox.OutboxPump;
import dev.tidings.core.runtime.CrankedNode;
import dev.tidings.core.runtime.RecordingReader;
import dev.tidings.core.runtime.ThreadedNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/// What applications publish in transactions of their own is delivered exactly if they commit, and
/// soon.
@Timeout(120)
final class PublishingByTransactionTest {
  private static final long PATIENCE_NS = Duration.ofSeconds(20).toNanos();

  private TestPostgres.Database database;
  private SqlStore store;
  private Running running;

  /// A node with its pump.
  private static final class Running {
    final ThreadedNode node;
    private final OutboxPump pump;
    private final Thread thread;

    Running(SqlStore store) throws Exception {
      node = ThreadedNode.on(store, 2);
      pump =
          new OutboxPump(node.node(), store.outbox().orElseThrow(), node.time(), node.executor(0));
      thread = Thread.ofPlatform().daemon().name("outbox").start(pump::run);
    }

    void close() throws Exception {
      pump.stop();
      assertThat(thread.join(Duration.ofNanos(PATIENCE_NS))).isTrue();
      node.close();
    }
  }

  /// When and in which order messages of one topic came.
  private static final class Arrivals {
    final List<String> texts = new CopyOnWriteArrayList<>();
    final Map<String, Long> atNs = new ConcurrentHashMap<>();

    Arrivals(ThreadedNode on, String topic) {
      RecordingReader reader = new RecordingReader();
      int[] seen = new int[1];
      reader.doing(cursor -> {
        reader.readAll(cursor);
        List<Message> all = reader.messages();
        for (; seen[0] < all.size(); seen[0]++) {
          String text = all.get(seen[0]).payload().text();
          atNs.put(text, System.nanoTime());
          texts.add(text);
        }
      });
      on.executor(0)
          .execute(() -> {
            var _ =
                on.node().loops().getFirst().readers().open(topic, new Start.Earliest(), reader);
          });
    }

    void await(int count) throws Exception {
      Waiting.until(count + " messages", () -> texts.size() >= count);
    }
  }

  @BeforeEach
  void open() throws Exception {
    database = TestPostgres.newDatabase();
    store = SqlStore.open(database.options());
    running = new Running(store);
  }

  @AfterEach
  void close() throws Exception {
    running.close();
    store.close();
    TestPostgres.shared().drop(database);
  }

  private Topic create(String name) {
    return running.node.done(
        new CreateTopic(name, CrankedNode.OWNER, /* isPublic= */ false, Optional.empty()));
  }

  private Connection connect() throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    return connection;
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean _ = statement.execute(sql);
    }
  }

  private static void publish(Connection connection, String topic, Object payload)
      throws SQLException {
    execute(connection, "select tidings_publish('" + topic + "', '" + payload + "')");
  }

  @Test
  void commit_isDeliveredWithin100ms_andRollbackNever() throws Exception {
    var _ = create("orders");
    Arrivals arrivals = new Arrivals(running.node, "orders");
    List<Long> tookNs = new ArrayList<>();
    try (Connection connection = connect()) {
      for (int i = 0; i < 100; i++) {
        publish(connection, "orders", -1);
        connection.rollback();
        if (i % 2 == 0) {
          publish(connection, "orders", i);
        } else {
          // Nobody is told of this one.
          execute(
              connection,
              "insert into tidings_outbox (topic, payload) values ('orders', " + i + ")");
        }
        connection.commit();
        long startNs = System.nanoTime();
        arrivals.await(i + 1);
        tookNs.add(arrivals.atNs.get("" + i) - startNs);
      }
    }
    assertThat(arrivals.texts).doesNotContain("-1").hasSize(100);
    tookNs.sort(Long::compare);
    assertThat(Duration.ofNanos(tookNs.get(50))).isLessThan(Duration.ofMillis(100));
    // The machine may be busy.
    assertThat(Duration.ofNanos(tookNs.getLast())).isLessThan(Duration.ofSeconds(5));
  }

  /// @param numbers of its messages, in order
  private record Committed(long beganNs, long endedNs, List<Integer> numbers) {}

  @Test
  void concurrentTransactions_areDeliveredOnce_inTheOrderOfTheirCommits() throws Exception {
    Topic first = create("orders");
    Topic second = create("bills");
    Map<String, Arrivals> arrivals = new HashMap<>();
    for (Topic topic : List.of(first, second)) {
      arrivals.put(topic.name(), new Arrivals(running.node, topic.name()));
    }
    int writers = 8;
    List<Committed> committed = new ArrayList<>();
    try (Connection listening = database.connect();
        ExecutorService pool = Executors.newFixedThreadPool(writers)) {
      execute(listening, "listen tidings_outbox");
      List<Callable<List<Committed>>> tasks = new ArrayList<>();
      for (int writer = 0; writer < writers; writer++) {
        int base = writer * 1_000_000;
        tasks.add(() -> write(base));
      }
      for (Future<List<Committed>> done : pool.invokeAll(tasks)) {
        committed.addAll(done.get());
      }
      Set<Integer> expected = new HashSet<>();
      committed.forEach(it -> expected.addAll(it.numbers()));
      for (String topic : arrivals.keySet()) {
        arrivals
            .get(topic)
            .await((int) expected.stream().filter(it -> topicOf(it).equals(topic)).count());
      }
      List<Integer> all = new ArrayList<>();
      arrivals.values().forEach(it -> it.texts.forEach(text -> all.add(Integer.valueOf(text))));
      assertThat(all).containsExactlyInAnyOrderElementsOf(expected);

      long publishing = committed.stream().filter(it -> !it.numbers().isEmpty()).count();
      var told = new AtomicLong();
      Waiting.until("all told", () -> told.addAndGet(notifications(listening)) >= publishing);
      assertThat(told.get() + notifications(listening)).isEqualTo(publishing);
    }
    for (String topic : arrivals.keySet()) {
      assertInOrder(committed, topic, arrivals.get(topic).texts);
    }
  }

  /// How many more this connection was told of within 100 ms.
  private static int notifications(Connection listening) throws SQLException {
    PGNotification[] told = listening.unwrap(PGConnection.class).getNotifications(100);
    return told == null ? 0 : told.length;
  }

  private static String topicOf(int number) {
    return number % 3 == 0 ? "bills" : "orders";
  }

  private List<Committed> write(int base) throws SQLException {
    Random random = new Random();
    List<Committed> committed = new ArrayList<>();
    try (Connection connection = connect()) {
      int next = base;
      for (int i = 0; i < 50; i++) {
        long beganNs = System.nanoTime();
        List<Integer> numbers = new ArrayList<>();
        int count = random.nextInt(10) == 0 ? 300 : random.nextInt(6);
        for (int j = 0; j < count; j++) {
          numbers.add(++next);
          publish(connection, topicOf(next), next);
        }
        if (random.nextInt(4) == 0) {
          execute(connection, "select pg_sleep(" + random.nextInt(40) / 1000.0 + ")");
        }
        if (random.nextInt(3) == 0) {
          connection.rollback();
        } else {
          connection.commit();
          committed.add(new Committed(beganNs, System.nanoTime(), numbers));
        }
      }
    }
    return committed;
  }

  /// Messages of a transaction come in their order, and those of one that ended before another
  /// began come before the other's.
  private static void assertInOrder(List<Committed> committed, String topic, List<String> texts) {
    Map<Integer, Integer> places = new HashMap<>();
    texts.forEach(text -> places.put(Integer.valueOf(text), places.size()));
    List<Committed> ofTopic = new ArrayList<>();
    for (Committed each : committed) {
      List<Integer> numbers =
          each.numbers().stream().filter(it -> topicOf(it).equals(topic)).toList();
      assertThat(numbers.stream().map(places::get)).isSorted();
      if (!numbers.isEmpty()) {
        ofTopic.add(new Committed(each.beganNs(), each.endedNs(), numbers));
      }
    }
    for (Committed before : ofTopic) {
      for (Committed after : ofTopic) {
        if (before.endedNs() < after.beganNs()) {
          assertThat(places.get(before.numbers().getLast()))
              .isLessThan(places.get(after.numbers().getFirst()));
        }
      }
    }
  }

  @Test
  void serverThatIsStartedAnew_goesOnWithWhatWaits() throws Exception {
    var _ = create("orders");
    try (Connection connection = connect()) {
      for (int i = 0; i < 5000; i++) {
        publish(connection, "orders", i);
        if (i % 100 == 0) {
          connection.commit();
        }
      }
      running.close();
      connection.commit();
    }
    running = new Running(store);
    Arrivals arrivals = new Arrivals(running.node, "orders");
    arrivals.await(5000);
    Integer[] numbers = new Integer[5000];
    Arrays.setAll(numbers, i -> i);
    assertThat(arrivals.texts.stream().map(Integer::valueOf)).containsExactly(numbers);
  }

  @Test
  void topicThatIsDeleted_takesWhatWaitsAlong() throws Exception {
    Topic topic = create("orders");
    var _ = create("bills");
    Arrivals arrivals = new Arrivals(running.node, "bills");
    try (Connection connection = connect()) {
      publish(connection, "orders", 1);
      publish(connection, "bills", 2);
      var _ = running.node.done(new DeleteTopic("orders", topic.incarnation()));
      connection.commit();
      arrivals.await(1);
    }
    Waiting.until("what waited is dropped", () -> running.pump.figures().dropped() > 0);
    assertThat(running.pump.figures()).isEqualTo(new OutboxPump.Figures(1, 1, 0));
  }
}
