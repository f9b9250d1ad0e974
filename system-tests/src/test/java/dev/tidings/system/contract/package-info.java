// SPDX-License-Identifier: Apache-2.0

/// The relay's contract, row by row: raw requests and frames of clients that know nothing of
/// Tidings, and the examples of pulsar-relay's own documents.
@NullMarked
package dev.tidings.system.contract;

import org.jspecify.annotations.NullMarked;
