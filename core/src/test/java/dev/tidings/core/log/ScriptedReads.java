// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.store.ForwardingStore;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.LogPage;
import dev.tidings.core.store.LogRun;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.Optional;
import java.util.function.LongPredicate;

/// A store whose reads fail, miss damaged messages or tell of lapses as a test scripts it.
final class ScriptedReads extends ForwardingStore {
  boolean fails;
  boolean crashes;
  int lapses;
  LongPredicate damaged = _ -> false;
  int reads;

  ScriptedReads(Store store) {
    super(store);
  }

  private void check() throws StoreException {
    reads++;
    if (crashes) {
      throw new IllegalStateException("a fault in the store");
    }
    if (fails) {
      throw new StoreException("the disk cannot be read");
    }
  }

  @Override
  public LogExtent extent(int incarnation) throws StoreException {
    check();
    LogExtent extent = super.extent(incarnation);
    return new LogExtent(
        extent.firstRetained(),
        extent.nextSequence() + lapses * LogExtent.LAPSE_STEP,
        extent.lastTimestamp(),
        extent.messagesEver(),
        extent.bytesEver());
  }

  @Override
  public LogPage read(int incarnation, long fromSequence, int maxMessages, long maxBytes)
      throws StoreException {
    check();
    LogPage page = super.read(incarnation, fromSequence, maxMessages, maxBytes);
    return new LogPage(
        page.messages().stream().filter(it -> !damaged.test(it.sequence())).toList());
  }

  @Override
  public Optional<LogRun> runAt(int incarnation, long sequence) throws StoreException {
    check();
    return super.runAt(incarnation, sequence);
  }
}
