// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.log.Readers;

/// An event loop as the core sees it: where sessions live.
///
/// @param index 0 to 63
/// @param executor runs its tasks
/// @param readers its cursors
public record Loop(int index, SerialExecutor executor, Readers readers) {}
