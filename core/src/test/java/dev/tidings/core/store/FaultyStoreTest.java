// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Moment;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class FaultyStoreTest {
  private final MemoryStore memory = new MemoryStore();
  private final FaultyStore store = new FaultyStore(memory, 42);

  private static Batch batch(long epoch, long number) {
    Message message = new Message(number, number, Message.NEVER, Payload.of("{}"), Payload.EMPTY);
    return new Batch(
        0,
        epoch,
        number,
        List.of(new MessagesAppended(1, 1, number - 1, 2 * (number - 1), List.of(message))));
  }

  @Test
  void strikeBefore_hasNoEffectAndTheHandleGoesOn() throws Exception {
    long epoch = store.openSlots(SlotSet.ALL);
    store.strikeNext(Method.COMMIT, Moment.BEFORE);
    assertThatThrownBy(() -> store.commit(batch(epoch, 1))).isInstanceOf(StoreException.class);
    assertThat(store.wasCommitted(0, epoch, 1)).isFalse();
    store.commit(batch(epoch, 1));
    assertThat(store.wasCommitted(0, epoch, 1)).isTrue();
    assertThat(store.injected(Moment.BEFORE)).isEqualTo(1);
    assertThat(store.injected()).isEqualTo(1);
  }

  @Test
  void strikeAfter_hasItsEffectAndThrows() throws Exception {
    long epoch = store.openSlots(SlotSet.ALL);
    store.strikeNext(Method.COMMIT, Moment.AFTER);
    assertThatThrownBy(() -> store.commit(batch(epoch, 1))).isInstanceOf(StoreException.class);
    assertThat(store.wasCommitted(0, epoch, 1)).isTrue();
    assertThat(store.read(1, 1, 10, 10).messages()).hasSize(1);
  }

  @Test
  void strikeInstead_breaksTheHandleUntilItIsReopened() throws Exception {
    long epoch = store.openSlots(SlotSet.ALL);
    store.strikeNext(Method.COMMIT, Moment.INSTEAD);
    assertThatThrownBy(() -> store.commit(batch(epoch, 1))).isInstanceOf(StoreException.class);
    assertThatThrownBy(() -> store.wasCommitted(0, epoch, 1)).hasMessageContaining("reopened");
    assertThat(store.refused()).isEqualTo(1);
    store.reopen();
    assertThat(store.wasCommitted(0, epoch, 1)).isFalse();
    store.commit(batch(epoch, 1));
  }

  @Test
  void down_failsEveryCallUntilUpAndReopened() throws Exception {
    long epoch = store.openSlots(SlotSet.ALL);
    store.down();
    List<Callable<?>> calls =
        List.of(
            () -> store.openSlots(SlotSet.ALL),
            () -> store.commit(batch(epoch, 1)),
            () -> store.wasCommitted(0, epoch, 1),
            () -> store.extent(1),
            () -> store.read(1, 1, 1, 1),
            () -> store.runAt(1, 1),
            store::loadDirectory,
            () -> {
              store.reopen();
              return 0;
            });
    for (Callable<?> call : calls) {
      assertThatThrownBy(call::call)
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("down");
    }
    assertThat(store.health().writable()).isFalse();
    assertThat(store.refused()).isEqualTo(calls.size());
    store.up();
    assertThatThrownBy(() -> store.extent(1)).hasMessageContaining("reopened");
    assertThat(store.health().writable()).isFalse();
    store.reopen();
    assertThat(store.health()).isEqualTo(StoreHealth.OK);
    store.commit(batch(epoch, 1));
    assertThat(memory.extent(1).nextSequence()).isEqualTo(2);
  }

  @Test
  void sameSeed_strikesTheSameCalls() throws Exception {
    List<Boolean> first = outcomes(7);
    assertThat(outcomes(7)).isEqualTo(first).contains(true, false);
    assertThat(outcomes(8)).isNotEqualTo(first);
  }

  private static List<Boolean> outcomes(long seed) throws StoreException {
    FaultyStore store = new FaultyStore(new MemoryStore(), seed);
    long epoch = store.openSlots(SlotSet.ALL);
    store.rate(Method.COMMIT, new Rates(0.2, 0.2, 0.1));
    List<Boolean> outcomes = new ArrayList<>();
    for (int i = 1; i <= 200; i++) {
      try {
        store.commit(batch(epoch, i));
        outcomes.add(true);
      } catch (StoreException _) {
        outcomes.add(false);
        store.reopen();
      }
    }
    long failures = outcomes.stream().filter(ok -> !ok).count();
    assertThat(store.injected()).isEqualTo(failures).isBetween(60L, 140L);
    for (Moment moment : Moment.values()) {
      assertThat(store.injected(moment)).isPositive();
    }
    return outcomes;
  }

  @Test
  void faultsOff_sparesEveryCallUntilFaultsOn() throws Exception {
    long epoch = store.openSlots(SlotSet.ALL);
    store.rate(Method.COMMIT, new Rates(1, 0, 0));
    store.faultsOff();
    for (int i = 1; i <= 50; i++) {
      store.commit(batch(epoch, i));
    }
    store.faultsOn();
    assertThatThrownBy(() -> store.commit(batch(epoch, 51))).isInstanceOf(StoreException.class);
    assertThat(store.injected()).isEqualTo(1);
  }

  @Test
  void rates_aboveOne_areRefused() {
    assertThatThrownBy(() -> new Rates(0.6, 0.6, 0)).hasMessageContaining("at most 1");
    assertThatThrownBy(() -> new Rates(-0.1, 0, 0)).hasMessageContaining("0 or more");
  }

  /// Without faults it is a store like any other.
  @Nested
  final class WithoutFaults extends StoreContract {
    private final MemoryStore.Memory medium = new MemoryStore.Memory();

    @Override
    protected Store open() {
      return new FaultyStore(new MemoryStore(medium), 1);
    }

    @Override
    protected Sharing sharing() {
      return Sharing.SHARED;
    }
  }
}
