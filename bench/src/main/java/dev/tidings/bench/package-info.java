// SPDX-License-Identifier: Apache-2.0

/// `tidings bench`: scenarios that measure a server of the relay API from outside, and the report
/// they print.
@NullMarked
package dev.tidings.bench;

import org.jspecify.annotations.NullMarked;
