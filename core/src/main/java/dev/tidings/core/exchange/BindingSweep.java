// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.command.RemoveEntry;
import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.runtime.Round;

/// Removes bindings whose exchange is gone. They lie with their queues, so whoever deletes an
/// exchange does not remove them itself.
///
/// One thread that may block calls it, some bindings at a time.
public final class BindingSweep {
  private final Directory directory;
  private final Remover remover;
  private final Round<Binding> round;

  /// Hands a command to the shard that owns its binding.
  public interface Remover {
    /// Removes a binding; `answered` is run when that has succeeded or failed.
    void remove(RemoveEntry command, Runnable answered);
  }

  /// A sweep of the bindings of `directory`.
  public BindingSweep(Directory directory, Remover remover) {
    this.directory = directory;
    this.remover = remover;
    this.round = new Round<>(directory::bindingAfter);
  }

  /// Looks at the next `max` bindings in the order of their keys, going on where the last sweep
  /// ended and at most once round. An interrupt ends the sweep.
  public void sweep(int max) {
    // It reads nothing from the store, so nobody is passed over.
    Round.Went _ =
        round.on(
            Math.min(max, directory.bindings().size()),
            binding -> {
              if (isOrphan(binding)) {
                round.submit(answered -> remover.remove(new RemoveEntry(binding), answered));
              }
            });
  }

  private boolean isOrphan(Binding binding) {
    // One that is damaged may be mended, and needs its bindings then.
    return directory.damage(Entry.Kind.EXCHANGE, binding.exchange()).isEmpty()
        && directory
            .exchange(binding.exchange())
            .filter(it -> it.number() == binding.exchangeNumber())
            .isEmpty();
  }
}
