// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.subscription.DeliveryChange;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/// A store that fails on purpose, by seed: it passes every call on to the store it wraps and breaks
/// some of them.
///
/// A fault strikes at one of three moments: **before** the effect (nothing happened, an exception),
/// **after** it (it happened, and an exception all the same), or **instead** of it (nothing
/// happened either, and the handle is unusable until [#reopen], as a store is after a failed sync:
/// the caller cannot tell the three apart). The same seed and calls give the same faults.
///
/// It starts without faults. Rates are per method; [#down] makes every call fail until [#up], also
/// `reopen`. `health` and `close` never strike: `health` tells whether the store is down or waits
/// to be reopened, and `close` always reaches the wrapped store. Any thread may use it.
public final class FaultyStore implements Store {

  /// The methods that can fail.
  public enum Method {
    OPEN_SLOTS,
    COMMIT,
    WAS_COMMITTED,
    REOPEN,
    EXTENT,
    READ,
    RUN_AT,
    READ_SCHEDULED,
    COUNT_SCHEDULED,
    READ_OUTBOX,
    LOAD_DIRECTORY,
    LOAD_RECEIPTS,
    LOAD_DELIVERIES,
    BACKUP
  }

  /// When a fault strikes.
  public enum Moment {
    BEFORE,
    AFTER,
    INSTEAD
  }

  /// How often a method fails: a chance of 0 to 1 for each moment, together at most 1.
  public record Rates(double before, double after, double instead) {
    /// Never.
    public static final Rates NONE = new Rates(0, 0, 0);

    public Rates {
      if (before < 0 || after < 0 || instead < 0 || before + after + instead > 1) {
        throw new IllegalArgumentException(
            "rates: %s, %s, %s (expected: each 0 or more, together at most 1)"
                .formatted(before, after, instead));
      }
    }
  }

  @FunctionalInterface
  private interface Call<T> {
    T run() throws StoreException;
  }

  private final Store store;
  private final Random random;
  private final Map<Method, Rates> rates = new EnumMap<>(Method.class);
  private final Map<Moment, Long> injected = new EnumMap<>(Moment.class);
  private final Map<Method, Moment> once = new EnumMap<>(Method.class);
  private boolean faultsOn = true;
  private boolean down;
  private boolean broken;
  private long refusedWhileDown;

  /// Wraps `store`; `seed` decides which calls are struck.
  public FaultyStore(Store store, long seed) {
    this.store = store;
    this.random = new Random(seed);
  }

  /// Sets how often `method` fails from now on.
  public synchronized FaultyStore rate(Method method, Rates chances) {
    rates.put(method, chances);
    return this;
  }

  /// Strikes the next call of `method` at `moment`, whatever the rates.
  public synchronized FaultyStore strikeNext(Method method, Moment moment) {
    once.put(method, moment);
    return this;
  }

  /// Lets the rates strike, as they do from the start.
  public synchronized void faultsOn() {
    faultsOn = true;
  }

  /// Spares every call until [#faultsOn], except what [#down] and [#strikeNext] ask for. A handle
  /// broken before stays so until it is reopened.
  public synchronized void faultsOff() {
    faultsOn = false;
  }

  /// Makes every call fail without effect until [#up], `reopen` too.
  public synchronized void down() {
    down = true;
    broken = true;
  }

  /// Ends [#down]. The handle works after the next [#reopen].
  public synchronized void up() {
    down = false;
  }

  /// How many calls were struck at `moment`.
  public synchronized long injected(Moment moment) {
    return injected.getOrDefault(moment, 0L);
  }

  /// How many calls were struck, at any moment.
  public synchronized long injected() {
    return injected.values().stream().mapToLong(Long::longValue).sum();
  }

  /// How many calls failed because the store was down or waited to be reopened.
  public synchronized long refused() {
    return refusedWhileDown;
  }

  private synchronized Optional<Moment> draw(Method method) throws StoreException {
    if (down) {
      refusedWhileDown++;
      throw new StoreException("injected: the store is down (" + method + ")");
    }
    if (broken && method != Method.REOPEN) {
      refusedWhileDown++;
      throw new StoreException("injected: the store must be reopened first (" + method + ")");
    }
    Moment asked = once.remove(method);
    if (asked != null) {
      return Optional.of(asked);
    }
    Rates chances = rates.getOrDefault(method, Rates.NONE);
    if (!faultsOn || chances.equals(Rates.NONE)) {
      return Optional.empty();
    }
    double point = random.nextDouble();
    if (point < chances.before()) {
      return Optional.of(Moment.BEFORE);
    }
    if (point < chances.before() + chances.after()) {
      return Optional.of(Moment.AFTER);
    }
    if (point < chances.before() + chances.after() + chances.instead()) {
      return Optional.of(Moment.INSTEAD);
    }
    return Optional.empty();
  }

  private synchronized StoreException strike(Method method, Moment moment) {
    injected.merge(moment, 1L, Long::sum);
    if (moment == Moment.INSTEAD) {
      broken = true;
    }
    return new StoreException("injected fault in " + method);
  }

  private <T> T call(Method method, Call<T> call) throws StoreException {
    Optional<Moment> fault = draw(method);
    if (fault.isEmpty()) {
      return call.run();
    }
    if (fault.get() == Moment.AFTER) {
      call.run();
    }
    throw strike(method, fault.get());
  }

  @Override
  public long openSlots(SlotSet slots) throws StoreException {
    return call(Method.OPEN_SLOTS, () -> store.openSlots(slots));
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    return call(Method.COMMIT, () -> store.commit(batch));
  }

  @Override
  public boolean wasCommitted(int lane, long epoch, long number) throws StoreException {
    return call(Method.WAS_COMMITTED, () -> store.wasCommitted(lane, epoch, number));
  }

  @Override
  public void reopen() throws StoreException {
    call(
        Method.REOPEN,
        () -> {
          store.reopen();
          mend();
          return true;
        });
  }

  private synchronized void mend() {
    broken = down;
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    return call(Method.EXTENT, () -> store.extent(incarnation));
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    return call(Method.READ, () -> store.read(incarnation, fromSequence, maxMessages, maxBytes));
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    return call(Method.RUN_AT, () -> store.runAt(incarnation, sequence));
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    return call(
        Method.READ_SCHEDULED,
        () -> store.readScheduled(slots, from, dueBefore, maxMessages, maxBytes));
  }

  @Override
  public List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException {
    return call(
        Method.READ_SCHEDULED,
        () -> store.readScheduledOf(incarnation, from, skip, maxMessages, maxBytes));
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    return call(Method.READ_SCHEDULED, () -> store.findScheduled(slot, ids));
  }

  @Override
  public long countScheduled() throws StoreException {
    return call(Method.COUNT_SCHEDULED, store::countScheduled);
  }

  @Override
  public Optional<Outbox> outbox() {
    return store.outbox().map(FaultyOutbox::new);
  }

  private final class FaultyOutbox implements Outbox {
    private final Outbox outbox;

    private FaultyOutbox(Outbox outbox) {
      this.outbox = outbox;
    }

    @Override
    public List<OutboxMessage> read(Set<String> without, int maxMessages, long maxBytes)
        throws StoreException {
      return call(Method.READ_OUTBOX, () -> outbox.read(without, maxMessages, maxBytes));
    }

    @Override
    public void await(Duration timeout) throws StoreException, InterruptedException {
      outbox.await(timeout);
    }

    @Override
    public void close() {
      outbox.close();
    }
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    return call(Method.LOAD_DIRECTORY, store::loadDirectory);
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    return call(Method.LOAD_DELIVERIES, () -> store.loadDeliveries(number));
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    return call(Method.LOAD_RECEIPTS, store::loadReceipts);
  }

  @Override
  public BackupResult backup(Path target) throws StoreException {
    return call(Method.BACKUP, () -> store.backup(target));
  }

  @Override
  public StoreHealth health() {
    boolean unusable;
    synchronized (this) {
      unusable = broken;
    }
    return unusable
        ? new StoreHealth(false, "injected: the store is down or must be reopened", List.of())
        : store.health();
  }

  @Override
  public List<StoreFigure> figures() {
    return store.figures();
  }

  @Override
  public void close() throws StoreException {
    store.close();
  }
}
