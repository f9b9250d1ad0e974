// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.log.History.Order;
import dev.tidings.core.log.History.Question;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// History on the store in memory.
final class HistoryTest extends HistoryContract {
  @Override
  protected Store open() {
    return new MemoryStore();
  }

  @Test
  void limitBelowOne_isAFault() {
    assertThatThrownBy(() -> new Question(1, Order.ASCENDING, Optional.empty(), 0))
        .hasMessageContaining("expected: 1 or more");
  }
}
