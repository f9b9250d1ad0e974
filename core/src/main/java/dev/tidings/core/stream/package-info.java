// SPDX-License-Identifier: Apache-2.0

/// Streams: bounded queues in memory that the first send makes, whoever waits at them, and what
/// they keep in the store.
@NullMarked
package dev.tidings.core.stream;

import org.jspecify.annotations.NullMarked;
