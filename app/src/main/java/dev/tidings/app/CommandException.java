// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

/// A command could not do its work; the message says why and what to do. The exit code is 1.
public final class CommandException extends Exception {
  public CommandException(String message) {
    super(message);
  }

  public CommandException(String message, Throwable cause) {
    super(message, cause);
  }
}
