// SPDX-License-Identifier: Apache-2.0

/// Scheduled messages: what waits until it is due, and how it comes into its log then.
@NullMarked
package dev.tidings.core.schedule;

import org.jspecify.annotations.NullMarked;
