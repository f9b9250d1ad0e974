// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// A measurement that could not be made; the message says why and what to do about it.
public final class BenchException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public BenchException(String message) {
    super(message);
  }

  public BenchException(String message, Throwable cause) {
    super(message, cause);
  }
}
