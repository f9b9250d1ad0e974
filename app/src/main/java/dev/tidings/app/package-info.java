// SPDX-License-Identifier: Apache-2.0

/// The command line of Tidings and the wiring of its parts.
@NullMarked
package dev.tidings.app;

import org.jspecify.annotations.NullMarked;
