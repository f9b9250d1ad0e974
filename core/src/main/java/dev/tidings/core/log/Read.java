// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import java.util.List;

/// What a cursor finds at its place.
public sealed interface Read {

  /// Messages to deliver, also expired ones: the reader skips those.
  ///
  /// @param messages one or more, in order
  /// @param afterGap whether messages between the cursor's place and the first of these are no
  ///   longer there; the reader has to tell it
  record Messages(List<Message> messages, boolean afterGap) implements Read {}

  /// Nothing yet; the reader is called when there is more.
  record CaughtUp() implements Read {}

  /// The messages are being loaded from the store; the reader is called when they are there.
  record Loading() implements Read {}

  /// The store could not be read. The place is kept; reading again tries again.
  ///
  /// @param detail what the store said
  record Unavailable(String detail) implements Read {}
}
