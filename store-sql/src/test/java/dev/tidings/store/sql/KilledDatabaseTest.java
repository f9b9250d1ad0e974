// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `kill -9` of the database while batches are written: those of which the store says that they are
/// there are there, and no others.
final class KilledDatabaseTest {
  @TempDir private Path folder;

  @Test
  @Timeout(120)
  void killedWhileWriting_losesNothingOfWhatWasCommitted() throws Exception {
    killed(3);
  }

  @Test
  @Tag("long")
  @Timeout(900)
  void killedManyTimes_losesNothingOfWhatWasCommitted() throws Exception {
    killed(25);
  }

  private void killed(int rounds) throws Exception {
    Random random = new Random(8);
    try (TestPostgres postgres = TestPostgres.start(folder.resolve("postgres"));
        ExecutorService killers = Executors.newSingleThreadExecutor()) {
      TestPostgres.Database database = postgres.createDatabase();
      try (SqlStore store = SqlStore.open(database.options())) {
        Batches batches = new Batches(store);
        for (int round = 0; round < rounds; round++) {
          Future<?> killer = killers.submit(killing(postgres, 50 + random.nextInt(300)));
          int tried = 0;
          try {
            while (killer.state() != Future.State.FAILED) {
              tried = 1 + random.nextInt(20);
              assertThat(batches.append(tried)).isEqualTo(SlotSet.NONE);
            }
          } catch (StoreException _) {
            // The database is away, unless the killer says otherwise.
          }
          killer.get();
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

  private static Callable<Void> killing(TestPostgres postgres, int afterMs) {
    return () -> {
      TimeUnit.MILLISECONDS.sleep(afterMs);
      postgres.kill();
      return null;
    };
  }

  private static boolean isThere(SqlStore store) {
    try {
      return store.countScheduled() >= 0;
    } catch (StoreException e) {
      return false;
    }
  }

  private static void reopen(SqlStore store) throws Exception {
    Waiting.until(
        "opened again",
        () -> {
          try {
            store.reopen();
            return true;
          } catch (StoreException e) {
            // It is repairing itself.
            return false;
          }
        });
  }
}
