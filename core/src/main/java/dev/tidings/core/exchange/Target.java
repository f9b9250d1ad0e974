// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

import dev.tidings.core.directory.Binding;
import java.util.Comparator;

/// A queue that a message is routed into.
///
/// @param queue its name
/// @param incarnation the number of its log: a queue that is deleted and made again is another
public record Target(String queue, int incarnation) {
  /// Those that are equal are the same by it.
  static final Comparator<Target> ORDER =
      Comparator.comparingInt(Target::incarnation).thenComparing(Target::queue);

  static Target of(Binding binding) {
    return new Target(binding.queue(), binding.incarnation());
  }
}
