// SPDX-License-Identifier: Apache-2.0

/// Subscriptions: what competing consumers were given of a log, and what has become of it.
@NullMarked
package dev.tidings.core.subscription;

import org.jspecify.annotations.NullMarked;
