// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Entry;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A store that cannot read one entry of its directory.
///
/// @param store that holds it
/// @param kind of the entry
/// @param key of the entry
record Damaged(Store store, Entry.Kind kind, String key) implements Store {

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    DirectoryContents contents = store.loadDirectory();
    List<Entry> left = new ArrayList<>(contents.entries());
    if (!left.removeIf(entry -> entry.kind() == kind && entry.key().equals(key))) {
      throw new StoreException("there is no " + kind + " '" + key + "'");
    }
    return new DirectoryContents(
        left,
        contents.lastIncarnation(),
        contents.lastStreamNumber(),
        List.of(new DirectoryContents.Damaged(kind, key, "checksum; kept aside")));
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
  public LogExtent extent(int incarnation) throws StoreException {
    return store.extent(incarnation);
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    return store.read(incarnation, fromSequence, maxMessages, maxBytes);
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    return store.runAt(incarnation, sequence);
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
