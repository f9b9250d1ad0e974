// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import java.util.ArrayList;
import java.util.List;

/// Writes messages to one log of a store, the way a lane does.
final class Batches {
  static final int LANE = 0;
  static final int LOG = 7;
  static final int SLOT = Slot.of(Slot.Kind.TOPIC, "a-topic");

  private final Store store;
  private final long epoch;
  private long number;
  private long sequence;
  private long bytes;

  /// Opens all slots of `store`.
  Batches(Store store) throws StoreException {
    this.store = store;
    this.epoch = store.openSlots(SlotSet.ALL);
  }

  /// The number of the last batch.
  long number() {
    return number;
  }

  /// Commits the next `count` messages.
  SlotSet append(int count) throws StoreException {
    List<Message> messages = new ArrayList<>();
    long bytesBefore = bytes;
    long messagesBefore = sequence;
    for (int i = 0; i < count; i++) {
      sequence++;
      Message message =
          new Message(
              sequence,
              sequence,
              Message.NEVER,
              Payload.of("{\"n\":" + sequence + "}"),
              Payload.EMPTY);
      bytes += message.size();
      messages.add(message);
    }
    return commit(new MessagesAppended(SLOT, LOG, messagesBefore, bytesBefore, messages));
  }

  SlotSet commit(StoreRecord... records) throws StoreException {
    return store.commit(new Batch(LANE, epoch, ++number, List.of(records)));
  }

  boolean wasCommitted() throws StoreException {
    return store.wasCommitted(LANE, epoch, number);
  }

  /// As if the last batch had never been made.
  void forgetLast(int count) {
    for (int i = 0; i < count; i++) {
      bytes -= ("{\"n\":" + sequence + "}").length();
      sequence--;
    }
  }

  long lastSequence() {
    return sequence;
  }

  /// The sequences that are there.
  List<Long> read() throws StoreException {
    return store.read(LOG, 1, Integer.MAX_VALUE, Long.MAX_VALUE).messages().stream()
        .map(Message::sequence)
        .toList();
  }
}
