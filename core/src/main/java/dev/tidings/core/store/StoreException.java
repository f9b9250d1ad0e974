// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import java.io.Serial;

/// The store could not do what it was asked. The message says what was tried and what the store
/// answered.
public final class StoreException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  public StoreException(String message) {
    super(message);
  }

  public StoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
