// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

import java.time.Duration;

/// What an API makes of a WebSocket that is its own: called on its event loop, and not any more
/// after [#left].
public interface SocketSession {

  /// A text has come.
  void receivedText(String text);

  /// A binary message has come.
  void receivedBinary();

  /// No first frame has come within `limit`: the socket is to be ended.
  void waitedInVain(Duration limit);

  /// It takes more again.
  void drained();

  /// Its user or client, or what that may do, has changed: ends what may not go on.
  void recheck();

  /// Looks after the time: called about once a second.
  void tick(long nowNs, long nowMs);

  /// It is over.
  void left();
}
