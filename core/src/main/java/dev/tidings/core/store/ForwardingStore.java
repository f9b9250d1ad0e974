// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.subscription.DeliveryChange;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A store that leaves everything to another: whoever stands in front of a store says only what it
/// does otherwise.
public abstract class ForwardingStore implements Store {
  private final Store other;

  /// A store in front of `other`.
  protected ForwardingStore(Store other) {
    this.other = other;
  }

  @Override
  public long openSlots(SlotSet slots) throws StoreException {
    return other.openSlots(slots);
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    return other.commit(batch);
  }

  @Override
  public boolean wasCommitted(int lane, long epoch, long number) throws StoreException {
    return other.wasCommitted(lane, epoch, number);
  }

  @Override
  public void reopen() throws StoreException {
    other.reopen();
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    return other.extent(incarnation);
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    return other.read(incarnation, fromSequence, maxMessages, maxBytes);
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    return other.runAt(incarnation, sequence);
  }

  @Override
  public List<DeliveryChange> loadDeliveries(int number) throws StoreException {
    return other.loadDeliveries(number);
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    return other.readScheduled(slots, from, dueBefore, maxMessages, maxBytes);
  }

  @Override
  public List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException {
    return other.readScheduledOf(incarnation, from, skip, maxMessages, maxBytes);
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    return other.findScheduled(slot, ids);
  }

  @Override
  public long countScheduled() throws StoreException {
    return other.countScheduled();
  }

  @Override
  public Optional<Outbox> outbox() {
    return other.outbox();
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    return other.loadDirectory();
  }

  @Override
  public List<Receipt> loadReceipts() throws StoreException {
    return other.loadReceipts();
  }

  @Override
  public BackupResult backup(Path target) throws StoreException {
    return other.backup(target);
  }

  @Override
  public StoreHealth health() {
    return other.health();
  }

  @Override
  public List<StoreFigure> figures() {
    return other.figures();
  }

  @Override
  public void close() throws StoreException {
    other.close();
  }
}
