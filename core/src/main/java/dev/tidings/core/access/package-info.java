// SPDX-License-Identifier: Apache-2.0

/// Who may do what: the one access policy, and the end of logins that are over.
@NullMarked
package dev.tidings.core.access;

import org.jspecify.annotations.NullMarked;
