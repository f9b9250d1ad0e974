// SPDX-License-Identifier: Apache-2.0

/// Crash, overload and fault tests: what was answered is there afterwards, whatever happened to the
/// process, its disk or its store.
@NullMarked
package dev.tidings.system.crash;

import org.jspecify.annotations.NullMarked;
