// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;

/// An encoded publish of several messages, each of which gets its number in place before it is
/// sent.
///
/// The same rule as for a [StampedRequest]: a connection owns its batch and has one outstanding.
interface MessageBatch {
  int messages();

  /// The batch with the numbers from `firstNumber` on, for one write.
  ByteBuf toSend(int publisher, long firstNumber, long timeNs);

  /// Gives the memory back; nothing may be on its way any more.
  void release();
}
