// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.idempotency;

import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledId;
import java.util.ArrayList;
import java.util.List;

/// What a publish under an idempotency key came to: enough to give the same answer again.
///
/// @param slot the slot of the topic
/// @param request what was asked
/// @param expiresAt until when it is kept, milliseconds since 1970
/// @param incarnation the number of the log
/// @param runs the ids of the messages, in order
public record Receipt(
    int slot, KeyedRequest request, long expiresAt, int incarnation, List<Run> runs) {

  public Receipt {
    runs = List.copyOf(runs);
  }

  /// Messages with consecutive numbers and one time.
  ///
  /// @param scheduled whether the ids are those of scheduled messages
  /// @param timestamp in the ids, milliseconds since 1970
  /// @param first sequence of the messages, or number if they are scheduled
  /// @param count of the messages
  public record Run(boolean scheduled, long timestamp, long first, int count) {}

  /// What came of `request`: the messages with `ids`, which all go to one log.
  public static Receipt of(
      int slot, KeyedRequest request, long expiresAt, int incarnation, List<PublishedId> ids) {
    List<Run> runs = new ArrayList<>();
    for (PublishedId id : ids) {
      Run run =
          switch (id) {
            case MessageId(long timestamp, long sequence, int _) ->
                new Run(false, timestamp, sequence, 1);
            case ScheduledId(long dueAt, long number, int _) -> new Run(true, dueAt, number, 1);
          };
      Run before = runs.isEmpty() ? run : runs.getLast();
      boolean follows =
          !runs.isEmpty()
              && before.scheduled() == run.scheduled()
              && before.timestamp() == run.timestamp()
              && before.first() + before.count() == run.first();
      if (follows) {
        runs.removeLast();
        runs.add(
            new Run(before.scheduled(), before.timestamp(), before.first(), before.count() + 1));
      } else {
        runs.add(run);
      }
    }
    return new Receipt(slot, request, expiresAt, incarnation, runs);
  }

  /// The ids of the messages, in order.
  public List<PublishedId> ids() {
    List<PublishedId> ids = new ArrayList<>();
    for (Run run : runs) {
      for (long number = run.first(); number < run.first() + run.count(); number++) {
        ids.add(
            run.scheduled()
                ? new ScheduledId(run.timestamp(), number, incarnation)
                : new MessageId(run.timestamp(), number, incarnation));
      }
    }
    return ids;
  }
}
