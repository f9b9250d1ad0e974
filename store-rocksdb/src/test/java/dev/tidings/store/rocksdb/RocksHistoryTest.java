// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.log.History;
import dev.tidings.core.log.History.Order;
import dev.tidings.core.log.History.Page;
import dev.tidings.core.log.History.Question;
import dev.tidings.core.log.HistoryContract;
import dev.tidings.core.log.Logs;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.CrankedExecutor;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.store.rocksdb.Stores.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// History on RocksDB: the contract, and what only files can meet.
final class RocksHistoryTest extends HistoryContract {
  @TempDir private Path contractDirectory;
  @TempDir private Path directory;

  @Override
  protected Store open() throws StoreException {
    return RocksStore.open(Stores.options(contractDirectory, Durability.MEMORY));
  }

  private RocksStore reopened(Durability durability) throws StoreException {
    return RocksStore.open(Stores.options(directory, durability));
  }

  private static Page page(Store store, Order order) {
    CrankedExecutor executor = new CrankedExecutor("any");
    List<Outcome<Page>> replies = new ArrayList<>();
    new History(store, new Logs(), executor, new ManualTime())
        .page(new Question(LOG, order, Optional.empty(), 1000), executor, replies::add);
    executor.runUntilIdle();
    return ((Outcome.Done<Page>) replies.getFirst()).result();
  }

  private static List<Long> sequences(Page page) {
    return page.messages().stream().map(Message::sequence).toList();
  }

  private static List<Long> gapsOf(Page page) {
    return page.gaps().stream()
        .flatMap(gap -> LongStream.of(gap.from().sequence(), gap.to().sequence()).boxed())
        .toList();
  }

  private void damage(long firstSequence) throws Exception {
    byte[] key = Codec.runKey(LOG, firstSequence);
    Raw.with(
        directory,
        "messages",
        (db, handle) -> {
          byte[] value = db.get(handle, key);
          value[20] ^= 0x10;
          db.put(handle, key, value);
        });
  }

  private void write(int... runs) throws StoreException {
    try (RocksStore store = reopened(Durability.FSYNC)) {
      Writer writer = Stores.writer(store);
      for (int run : runs) {
        writer.append(LOG, run);
      }
    }
  }

  @Test
  void damagedRuns_areGapsBothWays() throws Exception {
    write(3, 400, 400, 3);
    damage(4);
    damage(404);

    try (RocksStore store = reopened(Durability.FSYNC)) {
      Page forth = page(store, Order.ASCENDING);
      assertThat(sequences(forth)).containsExactly(1L, 2L, 3L, 804L, 805L, 806L);
      assertThat(gapsOf(forth)).containsExactly(3L, 804L);
      Page back = page(store, Order.DESCENDING);
      assertThat(back.messages()).isEqualTo(forth.messages().reversed());
      assertThat(gapsOf(back)).containsExactly(3L, 804L);
      // The totals of the runs behind them count the damaged ones: they are kept, if unreadable.
      assertThat(forth.retained()).isEqualTo(806);
    }
  }

  @Test
  void damagedLastRun_isAHoleBeforeTheEnd() throws Exception {
    write(3, 3, 3);
    damage(7);

    try (RocksStore store = reopened(Durability.FSYNC)) {
      assertThat(sequences(page(store, Order.DESCENDING))).containsExactly(6L, 5L, 4L, 3L, 2L, 1L);
      assertThat(page(store, Order.DESCENDING).retained()).isEqualTo(6);
      Stores.writer(store).append(LOG, 2);
      long next = 7 + LogExtent.LAPSE_STEP;
      assertThat(sequences(page(store, Order.DESCENDING)).subList(0, 3))
          .containsExactly(next + 1, next, 6L);
      assertThat(page(store, Order.ASCENDING).retained()).isEqualTo(8);
    }
  }

  @Test
  void onlyRunDamaged_leavesAnEmptyPage() throws Exception {
    write(3);
    damage(1);

    try (RocksStore store = reopened(Durability.FSYNC)) {
      for (Order order : Order.values()) {
        assertThat(page(store, order).messages()).isEmpty();
        assertThat(page(store, order).next()).isEmpty();
      }
    }
  }

  @Test
  void lapses_areLeaptOver(@TempDir Path copies) throws Exception {
    Path at = directory;
    for (int life = 0; life < 3; life++) {
      // A copy of open files is what a killed process leaves.
      Path next = copies.resolve("life-" + life);
      try (RocksStore store = RocksStore.open(Stores.options(at, Durability.MEMORY))) {
        Stores.writer(store).append(LOG, 2);
        Stores.copy(at, next);
      }
      at = next;
    }

    try (RocksStore store = RocksStore.open(Stores.options(at, Durability.MEMORY))) {
      assertThat(store.extent(LOG).nextSequence()).isGreaterThan(3 * LogExtent.LAPSE_STEP);
      Page back = page(store, Order.DESCENDING);
      assertThat(back.messages()).hasSize(6);
      assertThat(back.gaps()).hasSize(2);
      assertThat(back.retained()).isEqualTo(6);
      assertThat(page(store, Order.ASCENDING).messages()).isEqualTo(back.messages().reversed());
    }
  }
}
