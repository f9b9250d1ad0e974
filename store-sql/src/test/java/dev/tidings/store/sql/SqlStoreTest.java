// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreContract;

/// The store on a real PostgreSQL keeps what every store promises.
final class SqlStoreTest extends StoreContract {
  private TestPostgres.Database database;

  @Override
  protected Store open() throws Exception {
    if (database == null) {
      database = TestPostgres.newDatabase();
    }
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
