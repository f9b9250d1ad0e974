// SPDX-License-Identifier: Apache-2.0

/// Logs and those who read them: hot tier, watermark, cursors, paging from the store.
@NullMarked
package dev.tidings.core.log;

import org.jspecify.annotations.NullMarked;
