// SPDX-License-Identifier: Apache-2.0

/// Slots: the unit of ownership. Every entity lies in one of 1024, by a stable hash.
@NullMarked
package dev.tidings.core.slot;

import org.jspecify.annotations.NullMarked;
