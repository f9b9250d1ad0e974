// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Ledger;
import dev.tidings.bench.load.PubsubRequests;
import java.util.Optional;

/// Which filters the subscriptions of a topic have. Names are as on the command line.
enum FilterMix {
  /// No filter: every subscription gets every message.
  none,

  /// All subscriptions have one filter, which half of the messages pass.
  same,

  /// Every subscription has a filter of its own, and every message passes one of them.
  distinct;

  /// The filter of subscription number `index`, as JSON.
  Optional<String> json(int index) {
    return switch (this) {
      case none -> Optional.empty();
      case same -> Optional.of("{\"half\":[\"0\"]}");
      case distinct -> Optional.of("{\"group\":[\"" + PubsubRequests.group(index) + "\"]}");
    };
  }

  /// The messages that subscription number `index` of `count` is to get.
  Ledger.Share share(int index, int count) {
    return switch (this) {
      case none -> new Every(1, 0);
      case same -> new Every(2, 0);
      case distinct -> new Every(count, index);
    };
  }

  /// In how many of `count` subscriptions `messages` messages arrive, all together.
  long deliveries(long messages, int count) {
    long all = 0;
    for (int i = 0; i < count; i++) {
      all += share(i, count).of(messages);
    }
    return all;
  }

  /// The numbers that leave `rest` when divided by `divisor`.
  private record Every(int divisor, int rest) implements Ledger.Share {
    @Override
    public boolean has(long number) {
      return number % divisor == rest;
    }

    @Override
    public long of(long published) {
      return published / divisor + (published % divisor > rest ? 1 : 0);
    }
  }
}
