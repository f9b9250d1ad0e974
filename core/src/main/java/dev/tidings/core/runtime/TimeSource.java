// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

/// The time, handed in: the core never asks the system.
public interface TimeSource {

  /// Nanoseconds from an arbitrary origin; never falls. For deadlines.
  long monotonicNs();

  /// Milliseconds since 1970; may jump either way. For timestamps.
  long wallMs();
}
