// SPDX-License-Identifier: Apache-2.0

/// Routing: which queues what is published to an exchange goes into, and the way there.
@NullMarked
package dev.tidings.core.exchange;

import org.jspecify.annotations.NullMarked;
