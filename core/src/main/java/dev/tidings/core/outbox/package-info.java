// SPDX-License-Identifier: Apache-2.0

/// Delivering what applications left in the store in transactions of their own.
@NullMarked
package dev.tidings.core.outbox;

import org.jspecify.annotations.NullMarked;
