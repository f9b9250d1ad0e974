// SPDX-License-Identifier: Apache-2.0

/// The contracts of the relay, the pubsub and the streams API, row by row: raw requests and frames
/// of clients that know nothing of Tidings, and the examples of pulsar-relay's and fastpubsub's own
/// documents.
@NullMarked
package dev.tidings.system.contract;

import org.jspecify.annotations.NullMarked;
