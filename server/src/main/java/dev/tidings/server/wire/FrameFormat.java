// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;

/// How one API writes a message as a text.
public interface FrameFormat extends Framing {

  /// Writes `message` of `log` as one text.
  void write(JsonOut out, TopicLog log, Message message, Timestamps timestamps);
}
