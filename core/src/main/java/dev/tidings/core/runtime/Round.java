// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.store.StoreException;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Function;

/// Goes round the entries of one kind in the order of their keys, a few at a time, and hands in
/// commands about them no faster than they are answered, so that others find room beside it. One
/// thread that may block calls it.
///
/// @param <E> the kind of entry
public final class Round<E extends Entry> {
  // Commands that may wait for the store at once: few beside those that may.
  private static final int MAX_IN_FLIGHT = 100;

  private final Function<String, Optional<E>> after;
  private final Semaphore inFlight = new Semaphore(MAX_IN_FLIGHT);
  private String last = "";

  /// A round that begins with the first.
  ///
  /// @param after the first entry whose key comes after another
  public Round(Function<String, Optional<E>> after) {
    this.after = after;
  }

  /// What is done about an entry.
  ///
  /// @param <E> the kind of entry
  public interface Visit<E> {
    /// Does it.
    void to(E entry) throws StoreException, InterruptedException;
  }

  /// What came of a stretch of the round.
  ///
  /// @param unread how many were passed over because the store could not be read
  /// @param failure the last reason for that
  public record Went(int unread, Optional<StoreException> failure) {}

  /// Visits the next `count` entries, going on where it ended last and from the first again after
  /// the last. One that cannot be read is passed over until its turn comes again. An interrupt ends
  /// it.
  ///
  /// @param count at most as many as there are
  public Went on(int count, Visit<E> visit) {
    int unread = 0;
    Optional<StoreException> failure = Optional.empty();
    for (int i = 0; i < count; i++) {
      Optional<E> next = after.apply(last).or(() -> after.apply(""));
      if (next.isEmpty()) {
        break;
      }
      last = next.get().key();
      try {
        visit.to(next.get());
      } catch (StoreException e) {
        unread++;
        failure = Optional.of(e);
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    return new Went(unread, failure);
  }

  /// Waits until there is room for a command, and hands it in.
  ///
  /// @param hand hands in the command, and has what it is given called when that is answered
  public void submit(Consumer<Runnable> hand) throws InterruptedException {
    inFlight.acquire();
    hand.accept(inFlight::release);
  }
}
