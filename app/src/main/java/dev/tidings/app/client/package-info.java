// SPDX-License-Identifier: Apache-2.0

/// Small clients of a running server: for publishing, following topics and administration.
@NullMarked
package dev.tidings.app.client;

import org.jspecify.annotations.NullMarked;
