// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A store that fails exactly as a test scripts it, call by call. After a failed commit it takes no
/// writes, by its own word, until it has been reopened.
final class FailingStore implements Store {
  private final Store store;
  private final ArrayDeque<Commit> script = new ArrayDeque<>();
  final List<Batch> batches = new ArrayList<>();
  boolean down;
  boolean readsFail;
  boolean readsCrash;
  boolean readsBreak;
  StoreHealth health = StoreHealth.OK;
  int reads;
  int reopens;
  int reopensToFail;
  Runnable duringCommit = () -> {};
  private boolean broken;

  /// What becomes of one commit.
  enum Commit {
    WORKS,
    FAILS_BEFORE,
    FAILS_AFTER,
    CRASHES,
    BREAKS
  }

  FailingStore(Store store) {
    this.store = store;
  }

  /// Scripts the next commits; those after them work.
  void nextCommits(Commit... outcomes) {
    script.addAll(List.of(outcomes));
  }

  /// Ends all failing.
  void heal() {
    script.clear();
    down = false;
    readsFail = false;
    readsCrash = false;
    readsBreak = false;
    health = StoreHealth.OK;
    reopensToFail = 0;
  }

  private void checkUp() throws StoreException {
    if (down) {
      throw new StoreException("the disk is gone");
    }
  }

  @Override
  public long openSlots(SlotSet slots) throws StoreException {
    checkUp();
    return store.openSlots(slots);
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    // Until the store below has taken it.
    broken = true;
    SlotSet refused = tryCommit(batch);
    broken = false;
    return refused;
  }

  private SlotSet tryCommit(Batch batch) throws StoreException {
    checkUp();
    duringCommit.run();
    Commit outcome = script.isEmpty() ? Commit.WORKS : script.pollFirst();
    batches.add(batch);
    return switch (outcome) {
      case WORKS -> store.commit(batch);
      case FAILS_BEFORE -> throw new StoreException("failed before batch " + batch.number());
      case FAILS_AFTER -> {
        SlotSet _ = store.commit(batch);
        throw new StoreException("failed after batch " + batch.number());
      }
      case CRASHES -> throw new IllegalStateException("a fault in the store");
      case BREAKS -> throw new OutOfMemoryError("none left for the store");
    };
  }

  @Override
  public boolean wasCommitted(int lane, long epoch, long number) throws StoreException {
    checkUp();
    return store.wasCommitted(lane, epoch, number);
  }

  @Override
  public void reopen() throws StoreException {
    reopens++;
    checkUp();
    if (reopensToFail > 0) {
      reopensToFail--;
      throw new StoreException("the disk is still full");
    }
    store.reopen();
    broken = false;
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    checkRead();
    return store.extent(incarnation);
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    checkRead();
    return store.read(incarnation, fromSequence, maxMessages, maxBytes);
  }

  private void checkRead() throws StoreException {
    reads++;
    checkUp();
    if (readsCrash) {
      throw new IllegalStateException("a fault in the store");
    }
    if (readsBreak) {
      throw new OutOfMemoryError("none left for the store");
    }
    if (readsFail) {
      throw new StoreException("the disk cannot be read");
    }
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    checkRead();
    return store.runAt(incarnation, sequence);
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    checkUp();
    return store.readScheduled(slots, from, dueBefore, maxMessages, maxBytes);
  }

  @Override
  public List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException {
    checkUp();
    return store.readScheduledOf(incarnation, from, skip, maxMessages, maxBytes);
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    checkUp();
    return store.findScheduled(slot, ids);
  }

  @Override
  public long countScheduled() throws StoreException {
    checkUp();
    return store.countScheduled();
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    checkUp();
    return store.loadDirectory();
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    checkUp();
    return store.loadDeliveries(number);
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    checkUp();
    return store.loadReceipts();
  }

  @Override
  public BackupResult backup(Path target) throws StoreException {
    checkRead();
    return store.backup(target);
  }

  @Override
  public StoreHealth health() {
    return broken && health.writable()
        ? new StoreHealth(false, "a commit failed; it has to be reopened", List.of())
        : health;
  }

  @Override
  public void close() throws StoreException {
    store.close();
  }
}
