// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.LogRun;
import dev.tidings.core.store.Outbox;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreFigure;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.subscription.DeliveryChange;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A store in an SQL database. Its tables can be read by a person; `docs/sql.md` describes them.
///
/// A batch is one transaction and one round trip. It notes its number and checks its epoch in that
/// transaction, under a lock that whoever opens slots or settles a number takes alone; so no batch
/// that is late can be written once it was told that it was not.
///
/// In the background a heartbeat tells that this server uses the database, and whether the database
/// answers; and what commits have marked as no longer needed is deleted.
public final class SqlStore implements Store {
  private static final Logger log = LoggerFactory.getLogger(SqlStore.class);

  // A transaction that got into another's way is tried so often, at first again after so long.
  private static final int TRIES = 6;
  private static final long RETRY_NS = TimeUnit.MILLISECONDS.toNanos(5);

  /// How long nothing is written after the disk of the database was full.
  private static final Duration FULL = Duration.ofSeconds(2);

  private static final Duration CLEANING = Duration.ofMillis(500);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration START_PATIENCE = Duration.ofMinutes(10);
  private static final int MAX_UNREAD = 100;
  private static final String SLOT_HASH = "slot-hash";

  @FunctionalInterface
  private interface Use<T> {
    T with(Connection connection) throws SQLException, StoreException;
  }

  private final Dialect dialect;
  private final Connections connections;
  private final RunReader runs;
  private final ScheduledReader scheduled;
  private final Cleaner cleaner;
  private final ServerRow server = new ServerRow();
  private final ScheduledExecutorService background =
      Executors.newScheduledThreadPool(
          2,
          task -> {
            Thread thread = new Thread(task, "tidings-sql-background");
            thread.setDaemon(true);
            return thread;
          });

  private volatile boolean closed;

  /// Why it takes no writes just now, by the last heartbeat.
  private volatile Optional<String> trouble = Optional.empty();

  private volatile Optional<String> takenOverBy = Optional.empty();
  private volatile boolean isFull;
  private volatile long fullUntilNs;
  private final AtomicLong conflicts = new AtomicLong();

  /// Names of rows that cannot be understood. Guarded by itself.
  private final Set<String> unread = new LinkedHashSet<>();

  private volatile long epoch;

  /// Of the commit lane's methods only.
  private Numbers known = Numbers.NONE;

  private SqlStore(Dialect dialect, SqlOptions options, String jdbcUrl) {
    this.dialect = dialect;
    this.connections = new Connections(dialect, options, jdbcUrl);
    this.runs = new RunReader(dialect);
    this.scheduled = new ScheduledReader(dialect);
    this.cleaner = new Cleaner(dialect);
  }

  /// Opens the store in a database, and makes its tables if they are not there.
  ///
  /// @throws StoreException the database cannot be reached or used, its schema is not of this
  ///   version, or another server uses it; the message says what to do
  public static SqlStore open(SqlOptions options) throws StoreException {
    Dialect dialect = dialect();
    String jdbcUrl = dialect.jdbcUrl(options.url());
    prepare(dialect, options, jdbcUrl, options.migrate(), /* beside= */ options.takeOver());
    SqlStore store = new SqlStore(dialect, options, jdbcUrl);
    boolean opened = false;
    try {
      store.start(options);
      opened = true;
      return store;
    } finally {
      if (!opened) {
        store.background.shutdownNow();
        store.connections.close();
      }
    }
  }

  /// Brings the tables in a database up to date, also while a server uses it.
  ///
  /// @return what was found and done
  public static String migrate(SqlOptions options) throws StoreException {
    Dialect dialect = dialect();
    Migrations.Outcome outcome =
        prepare(
            dialect,
            options,
            dialect.jdbcUrl(options.url()),
            /* migrate= */ true,
            /* beside= */ true);
    String where = options.url();
    return outcome
        .before()
        .map(before ->
            before.equals(outcome.now())
                ? "the schema in " + where + " has version " + before + " and is up to date"
                : "brought the schema in %s from version %s to %s"
                    .formatted(where, before, outcome.now()))
        .orElse("made the schema in " + where + ", version " + outcome.now());
  }

  private static Dialect dialect() {
    return new PostgresDialect();
  }

  /// @param beside whether tables may be changed while a server uses them
  private static Migrations.Outcome prepare(
      Dialect dialect, SqlOptions options, String jdbcUrl, boolean migrate, boolean beside)
      throws StoreException {
    Properties properties = dialect.properties();
    properties.setProperty("user", options.user());
    properties.setProperty("password", options.password());
    String schema;
    try (Connection connection = DriverManager.getConnection(jdbcUrl, properties)) {
      dialect.check(connection);
      schema = dialect.schema(connection, jdbcUrl);
      dialect.checkRights(connection, schema, Migrations.HISTORY);
    } catch (SQLException e) {
      throw failed(dialect, "connect to the database " + options.url(), e);
    }
    return new Migrations(dialect, jdbcUrl, options, schema)
        .run(
            migrate,
            () -> {
              if (!beside) {
                checkUnused(dialect, options, jdbcUrl, properties);
              }
            });
  }

  /// A newer program must not change the tables under an older one that runs.
  private static void checkUnused(
      Dialect dialect, SqlOptions options, String jdbcUrl, Properties properties)
      throws StoreException {
    try (Connection connection = DriverManager.getConnection(jdbcUrl, properties)) {
      ServerRow.checkUnused(connection);
    } catch (SQLException e) {
      throw failed(dialect, "look for another server on " + options.url(), e);
    }
  }

  private void start(SqlOptions options) throws StoreException {
    use(
        "begin to use the database",
        connections::toWrite,
        connection -> {
          checkSlotHash(connection);
          server.claim(connection, options.takeOver());
          tellDurability(connection);
          known = DirectoryReader.numbers(connection);
          return known;
        });
    every(ServerRow.INTERVAL, this::beat);
    every(CLEANING, this::clean);
  }

  private void every(Duration interval, Runnable task) {
    var _ =
        background.scheduleWithFixedDelay(
            task, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static void checkSlotHash(Connection connection) throws SQLException, StoreException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "insert into tidings_facts (name, value) select ?, ?"
                + " where not exists (select 1 from tidings_facts where name = ?)")) {
      statement.setString(1, SLOT_HASH);
      statement.setString(2, Slot.HASH);
      statement.setString(3, SLOT_HASH);
      int _ = statement.executeUpdate();
    }
    try (PreparedStatement statement =
        connection.prepareStatement("select value from tidings_facts where name = ?")) {
      statement.setString(1, SLOT_HASH);
      try (ResultSet row = statement.executeQuery()) {
        String hash = row.next() ? row.getString(1) : "none";
        if (!Slot.HASH.equals(hash)) {
          throw new StoreException(
              "the tables were written with the slot hash "
                  + hash
                  + " (expected: "
                  + Slot.HASH
                  + "): another version of Tidings wrote them; start that one");
        }
      }
    }
  }

  private void tellDurability(Connection connection) throws SQLException {
    String warning = dialect.durabilityWarning(connection);
    if (!warning.isEmpty()) {
      log.warn("{}", warning);
    }
  }

  // ---- in the background ----

  private void beat() {
    // Who was taken over does not take back by itself.
    if (closed || takenOverBy.isPresent()) {
      return;
    }
    try (Connection connection = connections.toWrite()) {
      takenOverBy = server.beat(connection, epoch);
      takenOverBy.ifPresent(
          host -> log.error("the server on {} has taken over; this one writes no more", host));
      if (trouble.isPresent()) {
        log.info("the database answers again");
      }
      trouble = Optional.empty();
    } catch (SQLException | StoreException | RuntimeException e) {
      String why = e instanceof SQLException said ? explain(said) : String.valueOf(e.getMessage());
      if (!closed && trouble.isEmpty()) {
        log.warn("the database does not answer: {}", why);
      }
      trouble = Optional.of("the database does not answer: " + why);
    }
  }

  private void clean() {
    try {
      boolean isMore = true;
      while (isMore && !closed && trouble.isEmpty()) {
        try (Connection connection = connections.toWrite()) {
          isMore = cleaner.step(connection);
        }
      }
    } catch (SQLException | RuntimeException e) {
      if (!closed) {
        log.warn(
            "what is no longer needed was not deleted and will be tried again: {}", e.toString());
      }
    }
  }

  // ---- the commit lane ----

  @Override
  public synchronized long openSlots(SlotSet slots) throws StoreException {
    epoch =
        use(
            "open slots",
            connections::toWrite,
            connection ->
                inTransaction(
                    connection,
                    it -> {
                      dialect.lockAlone(it);
                      long next = nextEpoch(it);
                      try (PreparedStatement statement =
                          it.prepareStatement(
                              "update tidings_slots set epoch = ? where "
                                  + dialect.isOneOf("slot"))) {
                        statement.setLong(1, next);
                        statement.setObject(
                            2,
                            dialect.numbers(
                                IntStream.range(0, Slot.COUNT)
                                    .filter(slots::contains)
                                    .asLongStream()
                                    .toArray()));
                        int _ = statement.executeUpdate();
                      }
                      return next;
                    }));
    return epoch;
  }

  private static long nextEpoch(Connection connection) throws SQLException, StoreException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("select max(epoch) + 1, count(*) from tidings_slots")) {
      if (!row.next() || row.getInt(2) != Slot.COUNT) {
        throw new StoreException(
            "tidings_slots has rows missing (expected: " + Slot.COUNT + "); restore the database");
      }
      return row.getLong(1);
    }
  }

  @Override
  public synchronized SlotSet commit(Batch batch) throws StoreException {
    checkOpen();
    List<StoreRecord> records = batch.records();
    BitSet refused = new BitSet();
    long waitNs = RETRY_NS;
    for (int attempt = 1; ; attempt++) {
      BatchPlan plan = BatchPlan.of(records);
      SQLException failure;
      try (Connection connection = connections.toWrite()) {
        Optional<SQLException> error = write(connection, batch, plan);
        if (error.isEmpty()) {
          known = known.or(plan.highest());
          isFull = false;
          return SlotSet.copyOf(refused);
        }
        failure = error.get();
        if (dialect.trouble(failure) == Dialect.Trouble.STALE_SLOT && attempt < TRIES) {
          refused.or(stale(connection, plan.slots(), batch.epoch()));
          takenOverBy = takenOverBy.or(() -> Optional.of("another host"));
          records = records.stream().filter(it -> !refused.get(it.slot())).toList();
          continue;
        }
      } catch (SQLException e) {
        failure = e;
      }
      switch (dialect.trouble(failure)) {
        case CONFLICT -> {
          if (attempt == TRIES) {
            throw failed(dialect, "commit a batch, " + TRIES + " times", failure);
          }
          conflicts.incrementAndGet();
          LockSupport.parkNanos(waitNs);
          waitNs *= 2;
        }
        case DISK_FULL -> {
          fullUntilNs = System.nanoTime() + FULL.toNanos();
          isFull = true;
          throw failed(dialect, "commit a batch: the disk of the database is full", failure);
        }
        case STALE_SLOT, OTHER -> throw failed(dialect, "commit a batch", failure);
      }
    }
  }

  /// @return what went wrong, upon which the transaction has been ended
  private Optional<SQLException> write(Connection connection, Batch batch, BatchPlan plan) {
    boolean isKnown = false;
    try {
      dialect.write(connection, batch, plan, known);
      isKnown = true;
      return Optional.empty();
    } catch (SQLException e) {
      isKnown = rollBack(connection, e);
      return Optional.of(e);
    } finally {
      if (!isKnown) {
        connections.discard(connection);
      }
    }
  }

  /// @return whether it could be
  private static boolean rollBack(Connection connection, SQLException why) {
    try (Statement statement = connection.createStatement()) {
      boolean _ = statement.execute("rollback");
      return true;
    } catch (SQLException e) {
      why.addSuppressed(e);
      return false;
    }
  }

  private BitSet stale(Connection connection, Collection<Integer> slots, long epoch)
      throws SQLException {
    BitSet stale = new BitSet();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select slot from tidings_slots where epoch > ? and " + dialect.isOneOf("slot"))) {
      statement.setLong(1, epoch);
      statement.setObject(
          2, dialect.numbers(slots.stream().mapToLong(Integer::longValue).toArray()));
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          stale.set(row.getInt(1));
        }
      }
    }
    return stale;
  }

  @Override
  public synchronized boolean wasCommitted(int lane, long epoch, long number)
      throws StoreException {
    return use(
        "look for a batch",
        connections::toWrite,
        connection ->
            inTransaction(
                connection,
                it -> {
                  // Waits for the batch if it is being written at this moment.
                  dialect.lockAlone(it);
                  boolean isThere = committed(it, lane, epoch, number);
                  if (!isThere) {
                    refuse(it, lane, epoch, number);
                  }
                  return isThere;
                }));
  }

  private static boolean committed(Connection connection, int lane, long epoch, long number)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select 1 from tidings_batches"
                + " where lane = ? and epoch = ? and number >= ? and committed")) {
      set(statement, lane, epoch, number);
      try (ResultSet row = statement.executeQuery()) {
        return row.next();
      }
    }
  }

  /// Sees to it that a batch that is on its way still will not be written.
  private static void refuse(Connection connection, int lane, long epoch, long number)
      throws SQLException {
    try (PreparedStatement known =
        connection.prepareStatement(
            "select 1 from tidings_batches where lane = ? and epoch = ? and number = ?")) {
      set(known, lane, epoch, number);
      try (ResultSet row = known.executeQuery()) {
        if (row.next()) {
          return;
        }
      }
    }
    try (PreparedStatement statement =
        connection.prepareStatement(
            "insert into tidings_batches (lane, epoch, number, committed)"
                + " values (?, ?, ?, false)")) {
      set(statement, lane, epoch, number);
      int _ = statement.executeUpdate();
    }
  }

  private static void set(PreparedStatement statement, int lane, long epoch, long number)
      throws SQLException {
    statement.setInt(1, lane);
    statement.setLong(2, epoch);
    statement.setLong(3, number);
  }

  @Override
  public synchronized void reopen() throws StoreException {
    checkOpen();
    connections.renew();
    use(
        "reach the database",
        connections::toWrite,
        connection -> {
          known = DirectoryReader.numbers(connection);
          return known;
        });
  }

  // ---- reading ----

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    return read("read log " + incarnation, it -> runs.extent(it, incarnation));
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    return read(
        "read log " + incarnation,
        it -> runs.read(it, incarnation, fromSequence, maxMessages, maxBytes));
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    return read(
        "look for a run of log " + incarnation, it -> runs.runAt(it, incarnation, sequence));
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    return read(
        "load the deliveries of subscription " + number,
        it -> DirectoryReader.deliveries(it, number, this::cannotRead));
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    return read(
        "read scheduled messages",
        it -> scheduled.ofSlots(it, slots, from, dueBefore, maxMessages, maxBytes));
  }

  @Override
  public List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException {
    return read(
        "read scheduled messages of log " + incarnation,
        it -> scheduled.ofLog(it, incarnation, from, skip, maxMessages, maxBytes));
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    return read("look for scheduled messages", it -> scheduled.find(it, ids));
  }

  @Override
  public long countScheduled() throws StoreException {
    return read("count scheduled messages", it -> ScheduledReader.count(patient(it)));
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    // In a transaction the driver reads large results bit by bit.
    return read(
        "load the directory",
        connection -> inTransaction(connection, it -> DirectoryReader.read(it, this::cannotRead)));
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    return read(
        "load receipts",
        connection ->
            inTransaction(
                patient(connection), it -> DirectoryReader.receipts(it, this::cannotRead)));
  }

  @Override
  public Optional<Outbox> outbox() {
    return dialect.outbox(connections.writing());
  }

  /// For what a start waits for, however long it takes. The pool takes it back with the connection.
  private static Connection patient(Connection connection) throws SQLException {
    connection.setNetworkTimeout(Runnable::run, (int) START_PATIENCE.toMillis());
    return connection;
  }

  /// @param why it cannot
  private void cannotRead(String name, String why) {
    synchronized (unread) {
      if (unread.size() < MAX_UNREAD && unread.add(name)) {
        log.error("a row cannot be read and is left as it is: {}: {}", name, why);
      }
    }
  }

  // ---- the rest ----

  @Override
  public BackupResult backup(Path target) throws StoreException {
    checkOpen();
    return new BackupResult.Refused(
        "the store is in a database, whose own tools make its backups (expected: pg_dump, or"
            + " whatever the database is backed up with)");
  }

  @Override
  public StoreHealth health() {
    List<String> names;
    synchronized (unread) {
      names = List.copyOf(unread);
    }
    if (closed) {
      return new StoreHealth(false, "the store is closed", names);
    }
    Optional<String> wrong =
        takenOverBy
            .map(it -> "the server on " + it + " has taken over the database; use that one")
            .or(() -> trouble);
    if (wrong.isPresent()) {
      return new StoreHealth(false, wrong.get(), names);
    }
    if (isFull && System.nanoTime() - fullUntilNs < 0) {
      return StoreHealth.lowOnSpace("the disk of the database is full; free some space", names);
    }
    return new StoreHealth(true, "ok", names);
  }

  @Override
  public List<StoreFigure> figures() {
    if (closed) {
      return List.of();
    }
    return List.of(
        new StoreFigure("connections", "connections to the database", connections.open()),
        new StoreFigure("connections_active", "those in use", connections.active()),
        new StoreFigure("connections_awaited", "readers that wait for one", connections.waiting()),
        new StoreFigure(
            "conflicts",
            "transactions tried again since they got into the way of others, since the start",
            conflicts.get()));
  }

  @Override
  public synchronized void close() throws StoreException {
    if (closed) {
      return;
    }
    closed = true;
    background.shutdown();
    try {
      boolean ended = background.awaitTermination(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      if (!ended) {
        log.warn("the database did not answer while the store was closed");
      }
      try (Connection connection = connections.toWrite()) {
        server.release(connection);
      }
    } catch (SQLException e) {
      // Nothing is lost: the next server waits until the last heartbeat is old.
      log.warn("the database was not told that the server has ended: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      connections.close();
    }
  }

  private void checkOpen() throws StoreException {
    if (closed) {
      throw new StoreException("the store is closed");
    }
  }

  @FunctionalInterface
  private interface Source {
    Connection get() throws SQLException;
  }

  private <T> T read(String what, Use<T> use) throws StoreException {
    return use(what, connections::toRead, use);
  }

  private <T> T use(String what, Source source, Use<T> use) throws StoreException {
    checkOpen();
    try (Connection connection = source.get()) {
      return use.with(connection);
    } catch (SQLException e) {
      throw failed(dialect, what, e);
    } catch (RuntimeException e) {
      // Somebody has changed a row, or it is a fault of ours; the caller has a way for failures.
      throw new StoreException("cannot " + what + ": a row cannot be read: " + e.getMessage(), e);
    }
  }

  private static <T> T inTransaction(Connection connection, Use<T> use)
      throws SQLException, StoreException {
    connection.setAutoCommit(false);
    try {
      T result = use.with(connection);
      connection.commit();
      return result;
    } catch (SQLException | StoreException | RuntimeException e) {
      try {
        connection.rollback();
      } catch (SQLException broken) {
        e.addSuppressed(broken);
      }
      throw e;
    }
    // Whoever gives the connection back puts it back to committing by itself.
  }

  private static StoreException failed(Dialect dialect, String what, SQLException error) {
    return new StoreException(
        "cannot "
            + what
            + ": the database says: "
            + explain(error)
            + dialect.hint(error).map(it -> "; " + it).orElse(""),
        error);
  }

  /// What the database says, also where the pool has only waited for it in vain.
  static String explain(SQLException error) {
    return firstLine(error)
        + (error instanceof SQLTransientConnectionException
                && error.getCause() instanceof SQLException cause
            ? ": " + firstLine(cause)
            : "");
  }

  /// Without what may follow: rows, with what is in them.
  private static String firstLine(SQLException error) {
    return String.valueOf(error.getMessage()).lines().findFirst().orElse("nothing");
  }
}
