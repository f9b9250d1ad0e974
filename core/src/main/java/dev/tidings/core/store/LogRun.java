// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

/// Consecutive messages that one batch appended to a log.
///
/// @param firstSequence the sequence of its first message
/// @param lastSequence the sequence of its last message
/// @param firstTimestamp of its first message, milliseconds since 1970
/// @param lastTimestamp of its last message, milliseconds since 1970
/// @param messagesBefore messages appended to the log before it, ever
/// @param bytesBefore bytes of payload and metadata appended to the log before it, ever
/// @param bytes of payload and metadata in it
public record LogRun(
    long firstSequence,
    long lastSequence,
    long firstTimestamp,
    long lastTimestamp,
    long messagesBefore,
    long bytesBefore,
    long bytes) {}
