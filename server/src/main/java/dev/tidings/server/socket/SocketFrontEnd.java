// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.socket;

/// An API that has WebSockets, on one event loop.
public interface SocketFrontEnd {

  /// Takes over `socket`, whose first frame it is given next.
  SocketSession join(ClientSocket socket);
}
