// SPDX-License-Identifier: Apache-2.0

/// The store: remembers what shards decided, and decides nothing.
@NullMarked
package dev.tidings.core.store;

import org.jspecify.annotations.NullMarked;
