// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import org.jspecify.annotations.Nullable;

/// A server could not be reached, or answered something other than what was asked for.
public final class RequestException extends Exception {
  public RequestException(String message) {
    super(message);
  }

  public RequestException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage()); // Never null: every constructor wants one.
  }
}
