// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.directory.Subscription;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a consumer calls its lease: unique also where a subscription is deleted and made again
/// under the same name.
///
/// @param subscription the number of the subscription
/// @param lease the number of the lease in it
record LeaseId(int subscription, long lease) {
  private static final Pattern SPELT = Pattern.compile("([0-9]{1,9})-([0-9]{1,18})");

  static Optional<LeaseId> parse(String text) {
    Matcher parts = SPELT.matcher(text);
    return parts.matches()
        ? Optional.of(new LeaseId(Integer.parseInt(parts.group(1)), Long.parseLong(parts.group(2))))
        : Optional.empty();
  }

  boolean isOf(Subscription other) {
    return subscription == other.number();
  }

  @Override
  public String toString() {
    return subscription + "-" + lease;
  }
}
