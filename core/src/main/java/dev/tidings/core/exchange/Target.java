// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.exchange;

/// A queue that a message is routed into.
///
/// @param queue its name
/// @param incarnation the number of its log: a queue that is deleted and made again is another
public record Target(String queue, int incarnation) {}
