// SPDX-License-Identifier: Apache-2.0

/// The store in an SQL database: what is the same in all of them, and the dialect of each.
@NullMarked
package dev.tidings.store.sql;

import org.jspecify.annotations.NullMarked;
