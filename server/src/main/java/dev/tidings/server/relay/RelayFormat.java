// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.log.Cursor;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.FrameFormat;
import dev.tidings.server.wire.JsonOut;

/// How the relay API writes what it delivers live to one kind of connection.
interface RelayFormat extends FrameFormat {

  /// The text that tells a gap before the message `to`, which `cursor` gets next.
  JsonOut gap(Cursor cursor, MessageId to);
}
