// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;
import java.util.Optional;

/// The ids of some messages that were scheduled for a log that is gone.
///
/// @param incarnation the number of the log
/// @param from the lowest id
/// @param version of the schedule: what was removed since then may still be found
public record AbandonedLoad(int incarnation, ScheduledId from, long version) implements Load {
  private static final int MAX_MESSAGES = 1000;
  private static final long MAX_BYTES = 4L << 20;

  @Override
  public String what() {
    return "the scheduled messages of log " + incarnation;
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    List<ScheduledId> ids =
        store.readScheduledOf(incarnation, from, 0, MAX_MESSAGES, MAX_BYTES).stream()
            .map(ScheduledMessage::id)
            .toList();
    return state -> {
      state.schedule().foundAbandoned(this, ids);
      return Optional.empty();
    };
  }
}
