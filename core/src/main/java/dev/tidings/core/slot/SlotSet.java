// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.slot;

import java.util.BitSet;

/// An immutable set of slots.
public final class SlotSet {
  /// No slot.
  public static final SlotSet NONE = new SlotSet(new BitSet());

  /// Every slot.
  public static final SlotSet ALL = range(0, Slot.COUNT);

  private final BitSet slots;

  private SlotSet(BitSet slots) {
    this.slots = slots;
  }

  /// The slots `from` (inclusive) to `to` (exclusive).
  public static SlotSet range(int from, int to) {
    if (from < 0 || to > Slot.COUNT || from > to) {
      throw new IllegalArgumentException(
          "slots: " + from + " to " + to + " (expected: within 0 to " + Slot.COUNT + ")");
    }
    BitSet slots = new BitSet(Slot.COUNT);
    slots.set(from, to);
    return new SlotSet(slots);
  }

  /// A copy of `slots`.
  public static SlotSet copyOf(BitSet slots) {
    return slots.isEmpty() ? NONE : new SlotSet((BitSet) slots.clone());
  }

  /// Whether `slot` is in the set.
  public boolean contains(int slot) {
    return slots.get(slot);
  }

  /// Whether no slot is in the set.
  public boolean isEmpty() {
    return slots.isEmpty();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SlotSet that && slots.equals(that.slots);
  }

  @Override
  public int hashCode() {
    return slots.hashCode();
  }

  @Override
  public String toString() {
    return slots.toString();
  }
}
