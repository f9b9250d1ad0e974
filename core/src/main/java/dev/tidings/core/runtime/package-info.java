// SPDX-License-Identifier: Apache-2.0

/// The way of a command: router, shard, commit lane, answer.
@NullMarked
package dev.tidings.core.runtime;

import org.jspecify.annotations.NullMarked;
