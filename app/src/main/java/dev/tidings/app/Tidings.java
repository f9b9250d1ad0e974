// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.TidingsConfig;

/// One running server.
public final class Tidings {
  @SuppressWarnings("UnusedMethod")
  private Tidings() {}

  /// Starts a server; when this returns it accepts requests.
  ///
  /// @throws StartException if it cannot start, with a message for the operator
  @SuppressWarnings("DoNotCallSuggester")
  public static Tidings start(TidingsConfig config) throws StartException {
    throw new StartException(
        "the server is not part of this build (expected: one on " + config.server().host() + ")");
  }

  /// The TCP port it listens on.
  @SuppressWarnings("DoNotCallSuggester")
  public int port() {
    throw new IllegalStateException("no server was started");
  }

  /// Closes sockets, makes everything accepted durable and returns.
  public void stop() {}
}
