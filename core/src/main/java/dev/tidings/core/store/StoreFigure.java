// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

/// One figure of what a store uses just now, for operators.
///
/// @param name in lower case with underscores, ending in its unit if it has one, such as
///   `disk_free_bytes`; always means the same in one kind of store
/// @param meaning one line
/// @param value the figure
public record StoreFigure(String name, String meaning, double value) {}
