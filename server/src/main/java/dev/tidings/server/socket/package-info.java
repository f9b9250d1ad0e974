// SPDX-License-Identifier: Apache-2.0

/// `/ws`: the WebSockets of all APIs, told apart by their first frame.
@NullMarked
package dev.tidings.server.socket;

import org.jspecify.annotations.NullMarked;
