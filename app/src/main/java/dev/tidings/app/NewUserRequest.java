// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Secret;
import dev.tidings.core.directory.Permission;
import java.util.Optional;
import java.util.Set;

/// A user to create: lengths as the API wants them.
public record NewUserRequest(
    String username, Secret password, Optional<String> email, Set<Permission> permissions) {
  public NewUserRequest {
    permissions = Set.copyOf(permissions);
    if (username.length() < 3 || username.length() > 50) {
      throw new IllegalArgumentException(
          "username: " + username.length() + " characters (expected: 3 to 50)");
    }
    if (password.value().length() < 8) {
      throw new IllegalArgumentException(
          "password: " + password.value().length() + " characters (expected: at least 8)");
    }
  }
}
