// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.SequenceRange;
import java.util.List;

/// One thing that a shard decided and that must be remembered.
public sealed interface StoreRecord {

  /// The slot of the entity it belongs to: the unit of fencing.
  int slot();

  /// Messages appended to a log. Their sequences are consecutive.
  ///
  /// @param slot the slot of the topic
  /// @param incarnation the number of the log
  /// @param messagesBefore messages appended to the log before these, ever
  /// @param bytesBefore bytes of payload and metadata appended to the log before these, ever
  /// @param messages one or more
  record MessagesAppended(
      int slot, int incarnation, long messagesBefore, long bytesBefore, List<Message> messages)
      implements StoreRecord {
    public MessagesAppended {
      messages = List.copyOf(messages);
      if (messages.isEmpty()) {
        throw new IllegalArgumentException("messages: none (expected: 1 or more)");
      }
    }

    /// The sequence of the first message.
    public long firstSequence() {
      return messages.getFirst().sequence();
    }

    /// The sequence of the last message.
    public long lastSequence() {
      return messages.getLast().sequence();
    }
  }

  /// Messages below `firstRetained` are no longer retained. The store may delete them any time.
  ///
  /// @param slot the slot of the topic
  /// @param incarnation the number of the log
  /// @param firstRetained at most one above the last sequence of the log
  record LogTrimmed(int slot, int incarnation, long firstRetained) implements StoreRecord {}

  /// Messages wait from now on until they are due.
  ///
  /// @param slot the slot of the topic
  /// @param messages one or more, all of that topic; their ids were never used before
  record MessagesScheduled(int slot, List<ScheduledMessage> messages) implements StoreRecord {
    public MessagesScheduled {
      messages = List.copyOf(messages);
    }
  }

  /// Scheduled messages wait no longer. What was appended for them stands in a record of its own.
  ///
  /// @param slot the slot of the topic
  /// @param ids of the messages, which all wait until now
  /// @param why what has become of them, which stores need not remember
  record ScheduledRemoved(int slot, List<ScheduledId> ids, Why why) implements StoreRecord {
    public ScheduledRemoved {
      ids = List.copyOf(ids);
    }

    /// What has become of a scheduled message.
    public enum Why {
      /// It was due and has been appended to its log.
      APPENDED,
      /// Somebody has cancelled it.
      CANCELLED,
      /// Its topic is gone.
      ABANDONED
    }
  }

  /// Messages were taken out of the [Outbox]. What was appended for them stands in a record of its
  /// own.
  ///
  /// @param slot the slot of their topic
  /// @param ids of the messages, which all lie in the outbox until now
  record OutboxTaken(int slot, List<Long> ids) implements StoreRecord {
    public OutboxTaken {
      ids = List.copyOf(ids);
    }
  }

  /// An entry of the directory was created or changed.
  ///
  /// @param entry as it is now
  record EntryPut(Entry entry) implements StoreRecord {
    @Override
    public int slot() {
      return entry.slot();
    }
  }

  /// An entry of the directory was removed, and with it everything under its own number, if it has
  /// one: messages, deliveries, dead letters. The number is not used again, and nothing is written
  /// under it afterwards.
  ///
  /// @param entry as it was
  record EntryRemoved(Entry entry) implements StoreRecord {
    @Override
    public int slot() {
      return entry.slot();
    }
  }

  /// A request under an idempotency key was carried out.
  ///
  /// @param receipt what came of it
  record ReceiptKept(Receipt receipt) implements StoreRecord {
    @Override
    public int slot() {
      return receipt.slot();
    }
  }

  /// Receipts need not be kept any longer. The store may forget them any time.
  ///
  /// @param slot whose receipts
  /// @param expiredBefore those that were to be kept until before this, milliseconds since 1970
  record ReceiptsExpired(int slot, long expiredBefore) implements StoreRecord {}

  /// The deliveries of a subscription were changed. A change that tells the whole state makes those
  /// before it needless; the store may delete them any time.
  ///
  /// @param slot the slot of the subscription
  /// @param number its number
  /// @param change what is different now
  record DeliveryChanged(int slot, int number, DeliveryChange change) implements StoreRecord {}

  /// Messages were copied to the dead letters of a subscription. [Store#read] gives them under its
  /// number, as if they lay in a log of their own with holes.
  ///
  /// @param slot the slot of the subscription
  /// @param number its number
  /// @param messages one or more, with the sequences they have in their log, which rise
  record DeadLettersKept(int slot, int number, List<Message> messages) implements StoreRecord {
    public DeadLettersKept {
      messages = List.copyOf(messages);
    }
  }

  /// Copies of messages among the dead letters of a subscription are not needed any more.
  ///
  /// @param slot the slot of the subscription
  /// @param number its number
  /// @param ranges of sequences
  record DeadLettersRemoved(int slot, int number, List<SequenceRange> ranges)
      implements StoreRecord {
    public DeadLettersRemoved {
      ranges = List.copyOf(ranges);
    }
  }
}
