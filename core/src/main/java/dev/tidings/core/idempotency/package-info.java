// SPDX-License-Identifier: Apache-2.0

/// Publishing once however often it is asked for: what came of publishes under an idempotency key.
@NullMarked
package dev.tidings.core.idempotency;

import org.jspecify.annotations.NullMarked;
