// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.directory.Topic;

/// Who holds a cursor: a WebSocket, event-stream or poll session. Called on the cursor's event
/// loop.
public interface Reader {

  /// Whether it may read `topic`: asked when the cursor is opened, or when the topic has been
  /// created that it waited for. If not, the cursor ends with [End#DENIED] after it has been
  /// opened.
  boolean mayRead(Topic topic);

  /// The cursor has its place, or waits for its topic to be created; called once, before any other
  /// call for this cursor but [#ended].
  void opened(Cursor cursor);

  /// There may be something to read.
  void ready(Cursor cursor);

  /// The cursor is closed and will not be called for again.
  void ended(Cursor cursor, End end);

  /// Why a cursor ended without being closed by its reader.
  enum End {
    /// The reader may not read the topic.
    DENIED,
    /// The topic was deleted.
    DELETED,
    /// The log could not be opened because the store cannot be read.
    UNAVAILABLE
  }
}
