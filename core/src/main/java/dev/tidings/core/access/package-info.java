// SPDX-License-Identifier: Apache-2.0

/// Who may do what: the one access policy.
@NullMarked
package dev.tidings.core.access;

import org.jspecify.annotations.NullMarked;
