// SPDX-License-Identifier: Apache-2.0

/// The streams API (API of iPubSub): many small queues, and what is kept of them.
@NullMarked
package dev.tidings.server.streams;

import org.jspecify.annotations.NullMarked;
