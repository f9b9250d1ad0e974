// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.BackupResult;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.LogRun;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.core.subscription.DeliveryChange;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;

/// A store whose reads fail, miss damaged messages or tell of lapses as a test scripts it.
final class ScriptedReads implements Store {
  private final Store store;
  boolean fails;
  boolean crashes;
  int lapses;
  LongPredicate damaged = _ -> false;
  int reads;

  ScriptedReads(Store store) {
    this.store = store;
  }

  private void check() throws StoreException {
    reads++;
    if (crashes) {
      throw new IllegalStateException("a fault in the store");
    }
    if (fails) {
      throw new StoreException("the disk cannot be read");
    }
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    check();
    LogExtent extent = store.extent(incarnation);
    return new LogExtent(
        extent.firstRetained(),
        extent.nextSequence() + lapses * LogExtent.LAPSE_STEP,
        extent.lastTimestamp(),
        extent.messagesEver(),
        extent.bytesEver());
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    check();
    LogPage page = store.read(incarnation, fromSequence, maxMessages, maxBytes);
    return new LogPage(
        page.messages().stream().filter(it -> !damaged.test(it.sequence())).toList());
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    check();
    return store.runAt(incarnation, sequence);
  }

  @Override
  public long openSlots(SlotSet slots) throws StoreException {
    return store.openSlots(slots);
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    return store.commit(batch);
  }

  @Override
  public boolean wasCommitted(int lane, long epoch, long number) throws StoreException {
    return store.wasCommitted(lane, epoch, number);
  }

  @Override
  public void reopen() throws StoreException {
    store.reopen();
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    return store.loadDirectory();
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    return store.loadDeliveries(number);
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    return store.loadReceipts();
  }

  @Override
  public BackupResult backup(Path target) throws StoreException {
    return store.backup(target);
  }

  @Override
  public StoreHealth health() {
    return store.health();
  }

  @Override
  public void close() throws StoreException {
    store.close();
  }
}
