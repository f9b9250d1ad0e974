// SPDX-License-Identifier: Apache-2.0

/// The relay API: publish over HTTP, receive over WebSocket and long-poll.
@NullMarked
package dev.tidings.server.relay;

import org.jspecify.annotations.NullMarked;
