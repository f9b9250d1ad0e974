// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.command.ListStreams;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.stream.Streams;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// One page of the list of streams: what each shard has in memory, and what is kept on disk, in the
/// order of the ids.
///
/// Touched by its event loop alone.
final class StreamList {
  private final StreamsApi api;
  private final Call call;
  private final String prefix;
  private final String after;
  private final int limit;
  // One more than the page has, by which it is known whether there is another.
  private final TreeMap<String, Optional<Streams.Info>> found = new TreeMap<>();
  private int missing;

  /// @param prefix with which the ids begin
  /// @param after ids that come after this; empty for all
  /// @param limit streams on the page
  StreamList(StreamsApi api, Call call, String prefix, String after, int limit) {
    this.api = api;
    this.call = call;
    this.prefix = prefix;
    this.after = after;
    this.limit = limit;
  }

  void start() {
    missing = api.services().node().shards();
    for (int shard = 0, shards = missing; shard < shards; shard++) {
      // The slots of a shard leave its number as remainder.
      api.submit(call, new ListStreams(shard, prefix, after, limit + 1), this::add);
    }
  }

  private void add(List<Streams.Info> ofShard) {
    for (Streams.Info info : ofShard) {
      found.put(info.id(), Optional.of(info));
    }
    missing--;
    if (missing == 0) {
      addStored();
      call.json(200, page());
    }
  }

  private void addStored() {
    Directory directory = api.services().directory();
    boolean beginsWithPrefix = after.compareTo(prefix) < 0;
    Optional<DurableStream> next =
        beginsWithPrefix
            ? directory.stream(prefix).or(() -> directory.streamAfter(prefix))
            : directory.streamAfter(after);
    for (int i = 0; i <= limit && next.isPresent(); i++) {
      String id = next.get().name();
      if (!id.startsWith(prefix)) {
        return;
      }
      found.putIfAbsent(id, Optional.empty());
      next = directory.streamAfter(id);
    }
  }

  private JsonOut page() {
    JsonOut out = new JsonOut(64 + 128 * Math.min(limit, found.size())).raw("{\"streams\":[");
    Iterator<Map.Entry<String, Optional<Streams.Info>>> streams = found.entrySet().iterator();
    String last = "";
    for (int i = 0; i < limit && streams.hasNext(); i++) {
      Map.Entry<String, Optional<Streams.Info>> stream = streams.next();
      last = stream.getKey();
      write(out.raw(i == 0 ? "" : ","), last, stream.getValue());
    }
    out.raw("],\"next\":");
    return (streams.hasNext() ? out.string(last) : out.nothing()).raw("}");
  }

  private void write(JsonOut out, String id, Optional<Streams.Info> inMemory) {
    out.raw("{\"streamId\":").string(id).raw(",\"inMemoryStreamSize\":");
    inMemory.ifPresentOrElse(info -> out.number(info.capacity()), out::nothing);
    out.raw(",\"messages\":")
        .number(inMemory.map(Streams.Info::messages).orElse(0))
        .raw(",\"receivers\":")
        .number(inMemory.map(Streams.Info::receivers).orElse(0))
        .raw(",\"blockedSenders\":")
        .number(inMemory.map(Streams.Info::senders).orElse(0))
        .raw(",\"durable\":")
        .bool(api.services().directory().stream(id).isPresent())
        .raw("}");
  }
}
