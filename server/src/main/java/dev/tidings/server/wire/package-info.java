// SPDX-License-Identifier: Apache-2.0

/// What all front-ends share: bodies, JSON, errors, routes and the fan-out writer.
@NullMarked
package dev.tidings.server.wire;

import org.jspecify.annotations.NullMarked;
