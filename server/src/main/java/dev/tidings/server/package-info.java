// SPDX-License-Identifier: Apache-2.0

/// The server: event loops with the front-ends on them.
@NullMarked
package dev.tidings.server;

import org.jspecify.annotations.NullMarked;
