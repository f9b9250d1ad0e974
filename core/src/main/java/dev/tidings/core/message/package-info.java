// SPDX-License-Identifier: Apache-2.0

/// What is published and delivered: the message, its id and its raw payload.
@NullMarked
package dev.tidings.core.message;

import org.jspecify.annotations.NullMarked;
