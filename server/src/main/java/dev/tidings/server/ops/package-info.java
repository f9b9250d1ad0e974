// SPDX-License-Identifier: Apache-2.0

/// Health, readiness and metrics.
@NullMarked
package dev.tidings.server.ops;

import org.jspecify.annotations.NullMarked;
