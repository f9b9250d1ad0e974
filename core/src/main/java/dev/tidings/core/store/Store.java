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

/// Where records outlive the process.
///
/// One thread, the commit lane's, calls [#openSlots], [#commit], [#wasCommitted], [#reopen] and
/// [#close]. Any thread may call the reads and [#health] at the same time, also while the store is
/// being reopened: a read that meets a closed store fails with a [StoreException] and harms
/// nothing.
///
/// `StoreContract` in the tests of this module holds every implementation to this text.
public interface Store extends AutoCloseable {

  /// Becomes the writer of `slots` and returns the epoch to write with, which is higher than that
  /// of anyone who opened one of them before. From then on their records are refused.
  long openSlots(SlotSet slots) throws StoreException;

  /// Writes all records of `batch` in one atomic step and returns when they are durable (in the
  /// mode the store was opened in).
  ///
  /// Records of slots that have been opened under a higher epoch are left out and their slots
  /// reported; the others are written. A batch without records is written too: it is the probe that
  /// tells whether the store takes writes again.
  ///
  /// @return the slots whose records were refused
  /// @throws StoreException the outcome is unknown until [#wasCommitted] tells
  SlotSet commit(Batch batch) throws StoreException;

  /// Whether the batch that `lane` numbered `number` under `epoch` is durable; if it is not, it
  /// never will be, whatever may still be on its way. Meant for the newest batch of a lane after a
  /// failure: numbers of one lane and epoch rise, only the last is kept, and one that was asked for
  /// is not used afterwards.
  boolean wasCommitted(int lane, long epoch, long number) throws StoreException;

  /// Closes what a failure may have left half done and opens it again, so that what is read
  /// afterwards is what is durable. May be repeated until it succeeds.
  void reopen() throws StoreException;

  /// What is retained of the log with number `incarnation`; an empty extent for a log nothing was
  /// appended to.
  LogExtent extent(int incarnation) throws StoreException;

  /// Messages of a log in order, from the first at or after `fromSequence`.
  ///
  /// At most `maxMessages`, and no more once `maxBytes` of payload and metadata are reached; at
  /// least one if there is any. Damaged records are skipped, kept aside under a name that the log
  /// and [#health] tell, and never deleted; the reader sees the hole in the sequences.
  ///
  /// @return an empty page if there is nothing at or after `fromSequence`
  LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException;

  /// The run that holds `sequence`, or else the first run after it: what retention needs to find
  /// where to trim, without an index of its own.
  Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException;

  /// What became of the deliveries of the subscription with that number: the last change that tells
  /// the whole state, if there was one, and those after it, in their order. Damage is kept aside
  /// and named, and makes this fail: what is left does not tell what was acked.
  List<DeliveryChange> loadDeliveries(int number) throws StoreException;

  /// Messages that wait until they are due, durably, in the order of their ids.
  ///
  /// At most `maxMessages`, and no more once `maxBytes` of payload and metadata are reached; at
  /// least one if there is any. Damaged ones are kept aside, named and left out.
  ///
  /// @param slots of their topics
  /// @param from the lowest id
  /// @param dueBefore later ones are left out, milliseconds since 1970
  /// @return an empty list only if there are none
  List<ScheduledMessage> readScheduled(
      SlotSet slots, ScheduledId from, long dueBefore, int maxMessages, long maxBytes)
      throws StoreException;

  /// Messages that wait until they are due and go to the log with number `incarnation`, as
  /// [#readScheduled] gives them.
  ///
  /// @param from the lowest id
  /// @param skip how many from there on are passed over; it takes time in proportion
  List<ScheduledMessage> readScheduledOf(
      int incarnation, ScheduledId from, int skip, int maxMessages, long maxBytes)
      throws StoreException;

  /// Which of `ids` are of messages that wait until they are due, durably. No payload is read.
  ///
  /// @param slot of their topics
  Set<ScheduledId> findScheduled(int slot, List<ScheduledId> ids) throws StoreException;

  /// How many messages wait until they are due. Takes time in proportion to them.
  long countScheduled() throws StoreException;

  /// Where applications publish by writing into the store themselves; empty if this store cannot be
  /// written by others.
  default Optional<Outbox> outbox() {
    return Optional.empty();
  }

  /// Everything in the directory.
  DirectoryContents loadDirectory() throws StoreException;

  /// The receipts that are kept; those that have expired may be among them. A damaged one is kept
  /// aside and left out.
  List<Receipt> loadReceipts() throws StoreException;

  /// Writes a backup into the directory `target`, which must not exist or be empty: everything
  /// committed before the call, and as much as it happens to find of what is committed meanwhile.
  ///
  /// It takes as long as copying the store; commits and reads go on. The backup is there as a whole
  /// and durable when this returns, and not at all if this fails. One at a time: another is
  /// refused.
  ///
  /// @param target an absolute path
  BackupResult backup(Path target) throws StoreException;

  /// Whether it would take writes now. Cheap; called about once a second.
  StoreHealth health();

  /// What it uses just now, always the same figures in the same order; those of a store that is
  /// being reopened are left out. Any thread; never waits for long.
  default List<StoreFigure> figures() {
    return List.of();
  }

  /// Makes everything committed durable, whatever the mode, notes that the end was clean, and lets
  /// go of the files.
  @Override
  void close() throws StoreException;
}
