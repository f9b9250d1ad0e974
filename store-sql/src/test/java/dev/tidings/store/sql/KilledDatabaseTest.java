// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `kill -9` of the database while batches are written: those of which the store says that they are
/// there are there, and no others.
final class KilledDatabaseTest {
  @TempDir private Path folder;

  @Test
  void killedWhileWriting_losesNothingOfWhatWasCommitted() throws Exception {
    killed(3);
  }

  @Test
  @Tag("long")
  void killedManyTimes_losesNothingOfWhatWasCommitted() throws Exception {
    killed(25);
  }

  private void killed(int rounds) throws Exception {
    Random random = new Random(8);
    try (TestPostgres postgres = TestPostgres.start(folder.resolve("postgres"))) {
      TestPostgres.Database database = postgres.createDatabase();
      try (SqlStore store = SqlStore.open(database.options())) {
        Batches batches = new Batches(store);
        for (int round = 0; round < rounds; round++) {
          Thread killer = Thread.ofPlatform().start(killing(postgres, 50 + random.nextInt(300)));
          int tried = 0;
          try {
            while (true) {
              tried = 1 + random.nextInt(20);
              assertThat(batches.append(tried)).isEqualTo(SlotSet.NONE);
            }
          } catch (StoreException e) {
            killer.join();
          }
          assertThat(isThere(store)).isFalse();
          postgres.start();
          reopen(store);
          if (!batches.wasCommitted()) {
            batches.forgetLast(tried);
          }
          List<Long> expected = LongStream.rangeClosed(1, batches.lastSequence()).boxed().toList();
          assertThat(batches.read()).isEqualTo(expected);
          assertThat(batches.append(1)).isEqualTo(SlotSet.NONE);
        }
      }
      // All of it is there for the next one too.
      try (SqlStore store = SqlStore.open(database.options())) {
        assertThat(new Batches(store).read()).isNotEmpty();
      }
    }
  }

  private static Runnable killing(TestPostgres postgres, int afterMs) {
    return () -> {
      try {
        TimeUnit.MILLISECONDS.sleep(afterMs);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      postgres.kill();
    };
  }

  private static boolean isThere(SqlStore store) {
    try {
      return store.countScheduled() >= 0;
    } catch (StoreException e) {
      return false;
    }
  }

  private static void reopen(SqlStore store) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (true) {
      try {
        store.reopen();
        return;
      } catch (StoreException e) {
        // It is repairing itself.
        assertThat(System.nanoTime() - deadline).describedAs(e.getMessage()).isNegative();
      }
    }
  }
}
