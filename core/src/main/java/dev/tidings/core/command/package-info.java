// SPDX-License-Identifier: Apache-2.0

/// What can be asked of a shard: one command, one file.
@NullMarked
package dev.tidings.core.command;

import org.jspecify.annotations.NullMarked;
