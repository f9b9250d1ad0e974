// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import java.io.IOException;

/// What a server tidies up by itself and can be asked to do now.
interface Cleanup extends AutoCloseable {
  /// What there is to tidy up.
  enum What {
    /// Messages that every subscription has acknowledged.
    ACKED_MESSAGES,

    /// Messages whose lease has ended.
    STUCK_MESSAGES
  }

  /// Returns when it is done.
  void now(What what) throws CommandException, InterruptedException;

  @Override
  void close() throws IOException;
}
