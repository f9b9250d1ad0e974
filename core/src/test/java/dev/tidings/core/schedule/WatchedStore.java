// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.DirectoryContents;
import dev.tidings.core.store.ForwardingStore;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreHealth;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved.Why;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A store that notes what becomes of scheduled messages, and holds its caller to what
/// [StoreRecord] says of them: no id comes twice, and only what waits is removed.
final class WatchedStore extends ForwardingStore {
  final Map<ScheduledId, Why> fates = new HashMap<>();
  // In the order in which they came into their logs.
  final List<ScheduledId> appended = new ArrayList<>();
  // Numbers of logs that cannot be opened, and names of topics whose entries cannot be read.
  final Set<Integer> unreadable = new HashSet<>();
  final Set<String> damaged = new HashSet<>();
  Optional<StoreHealth> health = Optional.empty();
  int reads;
  int lookups;
  private final Set<ScheduledId> waiting = new HashSet<>();

  WatchedStore(Store store) {
    super(store);
  }

  @Override
  public SlotSet commit(Batch batch) throws StoreException {
    for (StoreRecord record : batch.records()) {
      if (record instanceof StoreRecord.MessagesScheduled scheduled) {
        for (ScheduledMessage message : scheduled.messages()) {
          assertThat(message.slot()).isEqualTo(scheduled.slot());
          assertThat(waiting.add(message.id())).as("new: %s", message.id()).isTrue();
          assertThat(fates).doesNotContainKey(message.id());
        }
      } else if (record instanceof StoreRecord.ScheduledRemoved removed) {
        for (ScheduledId id : removed.ids()) {
          assertThat(waiting.remove(id)).as("waits: %s", id).isTrue();
          fates.put(id, removed.why());
          if (removed.why() == Why.APPENDED) {
            appended.add(id);
          }
        }
      }
    }
    return super.commit(batch);
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    if (unreadable.contains(incarnation)) {
      throw new StoreException("log " + incarnation + " cannot be read");
    }
    return super.extent(incarnation);
  }

  @Override
  public List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException {
    reads++;
    return super.readScheduled(slots, from, dueBefore, maxMessages, maxBytes);
  }

  @Override
  public Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException {
    lookups++;
    return super.findScheduled(slot, ids);
  }

  @Override
  public DirectoryContents loadDirectory() throws StoreException {
    DirectoryContents contents = super.loadDirectory();
    List<Entry> left = new ArrayList<>(contents.entries());
    List<DirectoryContents.Damaged> aside = new ArrayList<>();
    for (String name : damaged) {
      if (left.removeIf(it -> it.kind() == Entry.Kind.TOPIC && it.key().equals(name))) {
        aside.add(new DirectoryContents.Damaged(Entry.Kind.TOPIC, name, "checksum; kept aside"));
      }
    }
    return new DirectoryContents(
        left,
        contents.lastIncarnation(),
        contents.lastStreamNumber(),
        contents.lastScheduled(),
        aside);
  }

  @Override
  public StoreHealth health() {
    return health.orElseGet(super::health);
  }
}
