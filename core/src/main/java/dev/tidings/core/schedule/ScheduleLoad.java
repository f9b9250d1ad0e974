// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.schedule;

import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;
import java.util.Optional;

/// The scheduled messages that the window lacks, or some of them.
///
/// @param slots of the shard
/// @param from the lowest id that is not in the window
/// @param dueBefore how far the window is to reach, milliseconds since 1970
/// @param number tells apart loads of the same
public record ScheduleLoad(SlotSet slots, ScheduledId from, long dueBefore, long number)
    implements Load {
  private static final int MAX_MESSAGES = 10_000;
  private static final long MAX_BYTES = 4L << 20;

  @Override
  public String what() {
    return "the scheduled messages";
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    List<ScheduledMessage> read =
        store.readScheduled(slots, from, dueBefore, MAX_MESSAGES, MAX_BYTES);
    long bytes = 0;
    for (ScheduledMessage message : read) {
      bytes += message.message().size();
    }
    boolean isAll = read.size() < MAX_MESSAGES && bytes < MAX_BYTES;
    return state -> {
      state.schedule().loaded(this, read, isAll);
      return Optional.empty();
    };
  }
}
