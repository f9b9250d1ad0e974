// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.StoreException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A connection that is lost while a batch is written leaves open whether it was: the number of the
/// batch tells, and what was told stays true.
final class LostAnswerTest {
  private final TestPostgres.Database database = TestPostgres.newDatabase();
  private CuttingProxy proxy;
  private SqlStore store;
  private Batches batches;

  @BeforeEach
  void open() throws Exception {
    // What the address below allows for an answer may be too little for these.
    var _ = SqlStore.migrate(database.options());
    proxy = new CuttingProxy(TestPostgres.shared().port());
    String url =
        "postgresql://127.0.0.1:" + proxy.port() + "/" + database.name() + "?socketTimeout=1";
    store =
        SqlStore.open(new SqlOptions(url, database.user(), database.password(), 5, true, false));
    batches = new Batches(store);
    assertThat(batches.append(10)).isEqualTo(SlotSet.NONE);
  }

  @AfterEach
  void close() throws Exception {
    proxy.close();
    store.close();
    TestPostgres.shared().drop(database);
  }

  @Test
  void answerIsLost_theBatchWasWritten() throws Exception {
    List<CuttingProxy.Link> links = proxy.links();
    links.forEach(CuttingProxy.Link::holdAnswers);
    assertThatThrownBy(() -> batches.append(1)).isInstanceOf(StoreException.class);
    store.reopen();
    assertThat(batches.wasCommitted()).isTrue();
    assertThat(batches.read()).hasSize(11);
  }

  @Test
  void batchIsLate_andNotWrittenAnyMore() throws Exception {
    List<CuttingProxy.Link> links = proxy.links();
    links.forEach(CuttingProxy.Link::holdRequests);
    assertThatThrownBy(() -> batches.append(1)).isInstanceOf(StoreException.class);
    store.reopen();
    assertThat(batches.wasCommitted()).isFalse();
    int refused = refused();
    // Now the database gets the batch, whole, of which it was told that it was not written.
    links.forEach(CuttingProxy.Link::release);
    Waiting.until("refused", () -> refused() > refused);
    assertThat(batches.read()).hasSize(10);
    batches.forgetLast(1);
    assertThat(batches.append(2)).isEqualTo(SlotSet.NONE);
    assertThat(batches.read()).hasSize(12);
  }

  /// How many batches the database says it has refused for that.
  private static int refused() {
    return TestPostgres.shared().printed().split("is settled already", -1).length;
  }
}
