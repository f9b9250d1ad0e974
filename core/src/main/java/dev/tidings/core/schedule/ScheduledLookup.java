// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Which scheduled messages are in the store.
///
/// @param slot of their topic
/// @param ids of the messages
/// @param version of the schedule: what was removed since then may still be found
public record ScheduledLookup(int slot, List<ScheduledId> ids, long version) implements Load {
  public ScheduledLookup {
    ids = List.copyOf(ids);
  }

  @Override
  public String what() {
    return "scheduled messages";
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    Set<ScheduledId> present = store.findScheduled(slot, ids);
    return state -> {
      state.schedule().looked(this, present);
      return Optional.empty();
    };
  }
}
