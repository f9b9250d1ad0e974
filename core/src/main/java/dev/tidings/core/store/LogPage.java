// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.message.Message;
import java.util.List;

/// Messages of one log in order. A step of more than one between neighbours is a hole: what lay
/// there was damaged, or was never there after a lapse.
///
/// @param messages sequences rise
public record LogPage(List<Message> messages) {
  /// No messages.
  public static final LogPage EMPTY = new LogPage(List.of());

  public LogPage {
    messages = List.copyOf(messages);
  }
}
