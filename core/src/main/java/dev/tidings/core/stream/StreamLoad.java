// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.Load;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The log of a stream without its messages, but with the uuids of the newest. All of one stream
/// are equal.
public final class StreamLoad implements Load {
  private static final long MAX_BYTES = 1024 * 1024;

  private final DurableStream stream;
  private final long since;

  /// @param since messages that arrived earlier are not looked at, milliseconds since 1970
  public StreamLoad(DurableStream stream, long since) {
    this.stream = stream;
    this.since = since;
  }

  @Override
  public String what() {
    return "the log of stream '" + stream.name() + "'";
  }

  @Override
  public boolean isForPublishers() {
    return true;
  }

  @Override
  public Loaded read(Store store) throws StoreException {
    LogExtent extent = store.extent(stream.number());
    StoredUuids uuids = new StoredUuids(newest(store, extent));
    return state -> {
      state.loadStream(stream, extent, uuids);
      return Optional.empty();
    };
  }

  private List<StoredUuids.Stored> newest(Store store, LogExtent extent) throws StoreException {
    List<StoredUuids.Stored> newest = new ArrayList<>();
    if (extent.lastTimestamp() < since) {
      return newest;
    }
    long from = Math.max(extent.firstRetained(), extent.nextSequence() - RecentUuids.MAX);
    while (from < extent.nextSequence()) {
      List<Message> page = store.read(stream.number(), from, RecentUuids.MAX, MAX_BYTES).messages();
      if (page.isEmpty()) {
        break;
      }
      for (Message message : page) {
        if (message.timestamp() >= since) {
          newest.add(new StoredUuids.Stored(StoredUuids.of(message), message.timestamp()));
        }
      }
      from = page.getLast().sequence() + 1;
    }
    return newest;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StreamLoad that && stream.equals(that.stream);
  }

  @Override
  public int hashCode() {
    return stream.hashCode();
  }
}
