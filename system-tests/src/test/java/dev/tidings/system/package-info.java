// SPDX-License-Identifier: Apache-2.0

/// Black-box tests: a real server process, driven over real sockets by clients that share no code
/// with it.
@NullMarked
package dev.tidings.system;

import org.jspecify.annotations.NullMarked;
