// SPDX-License-Identifier: Apache-2.0

/// The exchange API: exchanges, queues and bindings over HTTP and WebSocket.
@NullMarked
package dev.tidings.server.exchange;

import org.jspecify.annotations.NullMarked;
