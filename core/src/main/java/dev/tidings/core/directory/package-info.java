// SPDX-License-Identifier: Apache-2.0

/// The directory: users and topics by name, in persistent maps that everyone may read.
@NullMarked
package dev.tidings.core.directory;

import org.jspecify.annotations.NullMarked;
