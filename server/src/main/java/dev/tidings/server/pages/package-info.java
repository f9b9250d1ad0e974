// SPDX-License-Identifier: Apache-2.0

/// The description of the API and the pages that show it.
@NullMarked
package dev.tidings.server.pages;

import org.jspecify.annotations.NullMarked;
