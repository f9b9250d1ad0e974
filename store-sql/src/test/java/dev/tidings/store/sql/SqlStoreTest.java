// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreContract;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

/// The store on a real PostgreSQL keeps what every store promises.
final class SqlStoreTest extends StoreContract {
  private final TestPostgres.Database database = TestPostgres.newDatabase();

  /// After the contract has closed the store: callbacks come after all methods.
  @RegisterExtension
  private final AfterEachCallback drop = _ -> TestPostgres.shared().drop(database);

  @Override
  protected Store open() throws Exception {
    SqlOptions options = database.options();
    return SqlStore.open(
        new SqlOptions(
            options.url(),
            options.user(),
            options.password(),
            options.connections(),
            /* migrate= */ true,
            /* takeOver= */ true));
  }

  @Override
  protected Sharing sharing() {
    return Sharing.SHARED;
  }
}
