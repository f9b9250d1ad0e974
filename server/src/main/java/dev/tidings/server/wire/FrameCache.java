// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.TimeSource;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The frames encoded lately on one event loop. A message is encoded once for all connections of a
/// format; each one that is behind gets a slice of the same bytes, in one piece.
///
/// At its bound the run encoded first is dropped; whoever still needs it encodes anew.
public final class FrameCache {
  private final long maxBytes;
  private final TimeSource time;
  private final Timestamps timestamps = new Timestamps();
  private final Map<Key, TreeMap<Long, Run>> runs = new HashMap<>();
  private final LinkedHashSet<Run> oldestFirst = new LinkedHashSet<>();
  private long bytes;

  private record Key(TopicLog log, FrameFormat format) {}

  /// Frames of neighbouring messages, ready to be sent. Messages that had expired when it was
  /// encoded have no bytes in it.
  public static final class Run {
    private final Key key;
    private final long[] sequences;
    // Where the frame of the message at an index begins; one more for the end.
    private final int[] offsets;
    private final ByteBuf frames;
    private final long lastTimestamp;
    private final long firstExpiry;

    private Run(
        Key key,
        long[] sequences,
        int[] offsets,
        ByteBuf frames,
        long lastTimestamp,
        long firstExpiry) {
      this.key = key;
      this.sequences = sequences;
      this.offsets = offsets;
      this.frames = frames;
      this.lastTimestamp = lastTimestamp;
      this.firstExpiry = firstExpiry;
    }

    /// The sequence of the last message.
    public long lastSequence() {
      return sequences[sequences.length - 1];
    }

    /// The timestamp of the last message.
    public long lastTimestamp() {
      return lastTimestamp;
    }

    /// How many messages there are from `sequence` on.
    public int messagesFrom(long sequence) {
      return sequences.length - indexOf(sequence);
    }

    private int indexOf(long sequence) {
      int found = Arrays.binarySearch(sequences, sequence);
      return found >= 0 ? found : -found - 1;
    }

    /// The frames from the message at `sequence` on, sharing the bytes; whoever gets them releases
    /// them.
    public ByteBuf framesFrom(long sequence) {
      int start = offsets[indexOf(sequence)];
      return frames.retainedSlice(start, frames.writerIndex() - start);
    }

    private int size() {
      // An allocation is never smaller than a small page of the pool.
      return Math.max(512, frames.capacity()) + 12 * sequences.length;
    }
  }

  /// A cache of at most `maxBytes`.
  public FrameCache(long maxBytes, TimeSource time) {
    this.maxBytes = maxBytes;
    this.time = time;
  }

  /// The frames that begin with or contain the message of `log` at `sequence`, if they are here.
  public Optional<Run> find(TopicLog log, FrameFormat format, long sequence) {
    TreeMap<Long, Run> ofLog = runs.get(new Key(log, format));
    Map.Entry<Long, Run> floor = ofLog == null ? null : ofLog.floorEntry(sequence);
    if (floor == null || Arrays.binarySearch(floor.getValue().sequences, sequence) < 0) {
      return Optional.empty();
    }
    Run run = floor.getValue();
    if (run.firstExpiry <= time.wallMs()) {
      drop(run);
      return Optional.empty();
    }
    return Optional.of(run);
  }

  /// Encodes `messages` of `log` and keeps them.
  ///
  /// @param messages one or more, in order
  public Run encode(TopicLog log, FrameFormat format, List<Message> messages) {
    long now = time.wallMs();
    int count = messages.size();
    long[] sequences = new long[count];
    int[] offsets = new int[count + 1];
    long firstExpiry = Message.NEVER;
    ByteBuf frames = PooledByteBufAllocator.DEFAULT.directBuffer(estimate(log, messages));
    JsonOut json = new JsonOut(512);
    for (int i = 0; i < count; i++) {
      Message message = messages.get(i);
      sequences[i] = message.sequence();
      offsets[i] = frames.writerIndex();
      if (!message.expiredAt(now)) {
        firstExpiry = Math.min(firstExpiry, message.expiresAt());
        json.clear();
        format.write(json, log, message, timestamps);
        format.frame(frames, json);
      }
    }
    offsets[count] = frames.writerIndex();
    Run run =
        new Run(
            new Key(log, format),
            sequences,
            offsets,
            frames,
            messages.getLast().timestamp(),
            firstExpiry);
    keep(run);
    return run;
  }

  private static int estimate(TopicLog log, List<Message> messages) {
    int size = 0;
    for (Message message : messages) {
      size += 192 + log.topic().length() + message.size();
    }
    return size;
  }

  private void keep(Run run) {
    Run replaced = runs.computeIfAbsent(run.key, _ -> new TreeMap<>()).put(run.sequences[0], run);
    if (replaced != null) {
      oldestFirst.remove(replaced);
      bytes -= replaced.size();
      replaced.frames.release();
    }
    oldestFirst.addLast(run);
    bytes += run.size();
    while (bytes > maxBytes && oldestFirst.size() > 1) {
      drop(oldestFirst.getFirst());
    }
  }

  private void drop(Run run) {
    TreeMap<Long, Run> ofLog = runs.get(run.key);
    if (ofLog != null && ofLog.remove(run.sequences[0], run)) {
      if (ofLog.isEmpty()) {
        runs.remove(run.key);
      }
      oldestFirst.remove(run);
      bytes -= run.size();
      run.frames.release();
    }
  }

  /// Lets go of everything.
  public void close() {
    while (!oldestFirst.isEmpty()) {
      drop(oldestFirst.getFirst());
    }
  }
}
