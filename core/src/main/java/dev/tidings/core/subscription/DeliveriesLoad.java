// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.subscription;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.List;

/// What a subscription has delivered.
///
/// @param id of the subscription
/// @param number of it
public record DeliveriesLoad(String id, int number) implements Load {

  /// That of `subscription`.
  public static DeliveriesLoad of(Subscription subscription) {
    return new DeliveriesLoad(subscription.id(), subscription.number());
  }

  @Override
  public String what() {
    return "the deliveries of subscription '" + id + "'";
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    List<DeliveryChange> changes = store.loadDeliveries(number);
    return state -> state.loadDeliveries(id, number, changes);
  }
}
