// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.directory.User;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.StoreException;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class OfflineAdminTest {
  private static final User ADA =
      new User("1", "ada", Optional.of("ada@example.com"), "a hash", Set.of(), true, 0);

  /// It printed the user, who was not there.
  @Test
  void userThatAnotherServerKeepsOut_isNotSaidToBeCreated() throws Exception {
    try (var store = new MemoryStore()) {
      long epoch = store.openSlots(SlotSet.ALL);
      OfflineAdmin.put(store, epoch, ADA, "user ada");
      long later = store.openSlots(SlotSet.ALL);
      assertThat(later).isGreaterThan(epoch);
      assertThatThrownBy(() -> OfflineAdmin.put(store, epoch, ADA, "user ada"))
          .isInstanceOf(CommandException.class)
          .hasMessage(
              "user ada was not created: another server has taken over the store meanwhile; try"
                  + " again");
    }
  }

  @Test
  void adviceForServers_isPutRightForCommands() {
    var used = new StoreException("another server uses this database (expected: … --take-over …)");
    assertThat(OfflineAdmin.notCreated("user ada", used))
        .hasMessageStartingWith("user ada was not created: another server uses this database")
        .hasMessageContaining("--data-dir");
    assertThat(OfflineAdmin.notCreated("user ada", new StoreException("the disk is full")))
        .hasMessage("user ada was not created: the disk is full");
  }
}
