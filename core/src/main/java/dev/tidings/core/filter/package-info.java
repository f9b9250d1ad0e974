// SPDX-License-Identifier: Apache-2.0

/// Which messages a subscription wants: filters, and how many of them are evaluated in one pass
/// over a payload.
@NullMarked
package dev.tidings.core.filter;

import org.jspecify.annotations.NullMarked;
