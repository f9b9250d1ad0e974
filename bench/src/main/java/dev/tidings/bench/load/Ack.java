// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// How a socket acknowledges what it gets of a work queue. Names are as in the frames.
public enum Ack {
  /// By itself, once the message is written to the socket.
  auto,

  /// By a frame of the client.
  manual
}
