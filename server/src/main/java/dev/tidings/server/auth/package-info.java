// SPDX-License-Identifier: Apache-2.0

/// Who is calling: passwords, tokens and the checks of a request.
@NullMarked
package dev.tidings.server.auth;

import org.jspecify.annotations.NullMarked;
