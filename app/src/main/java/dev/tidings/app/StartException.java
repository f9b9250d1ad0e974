// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

/// A server could not start; the message says why and what to do, for the operator.
public final class StartException extends Exception {
  public StartException(String message) {
    super(message);
  }

  public StartException(String message, Throwable cause) {
    super(message, cause);
  }
}
