// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.store.LogExtent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// The ordered, retained messages of one topic.
///
/// The shard appends; a message is shown once it is durable, when the commit lane raises the
/// *watermark*, the highest sequence readers may see. Recent messages are in memory in chunks,
/// older ones in the store. Readers on any event loop use the methods marked so; everything else
/// belongs to the shard's executor.
///
/// Sequences are consecutive but for lapses (see [LogExtent#nextSequence]), and a log is in memory
/// only since it was loaded, so what is in memory has no holes.
public final class TopicLog {
  private final String topic;
  private final int incarnation;
  private final HotTier tier;
  private final long consecutiveFrom;

  private long nextSequence;
  private long lastTimestamp;
  private long messagesEver;
  private long bytesEver;

  private volatile Recent recent;
  private volatile long firstRetained;
  private volatile Mark mark;
  private final AtomicLong loopsReading = new AtomicLong();

  /// How far readers may see: the watermark, and the timestamp of the last message up to there, 0
  /// if there never was one.
  private record Mark(long sequence, long timestamp) {}

  /// The chunks in memory; replaced whole, so that readers see a consistent list.
  ///
  /// @param firstSequence the lowest sequence in memory, or the next one if none is
  @SuppressWarnings("ArrayRecordComponent") // never compared, never shared beyond this class
  private record Recent(long firstSequence, Chunk[] chunks) {
    Recent with(Chunk chunk) {
      Chunk[] more = Arrays.copyOf(chunks, chunks.length + 1);
      more[chunks.length] = chunk;
      return new Recent(chunks.length == 0 ? chunk.firstSequence : firstSequence, more);
    }

    Recent withoutFirst() {
      Chunk first = chunks[0];
      return new Recent(first.nextSequence(), Arrays.copyOfRange(chunks, 1, chunks.length));
    }
  }

  /// A log that goes on where `extent` ends.
  public TopicLog(String topic, int incarnation, LogExtent extent, HotTier tier) {
    this.topic = topic;
    this.incarnation = incarnation;
    this.tier = tier;
    this.consecutiveFrom = extent.nextSequence();
    this.nextSequence = extent.nextSequence();
    this.lastTimestamp = extent.lastTimestamp();
    this.messagesEver = extent.messagesEver();
    this.bytesEver = extent.bytesEver();
    this.firstRetained = extent.firstRetained();
    this.mark = new Mark(nextSequence - 1, lastTimestamp);
    this.recent = new Recent(nextSequence, new Chunk[0]);
  }

  /// The topic's name. Any thread.
  public String topic() {
    return topic;
  }

  /// The number of the log. Any thread.
  public int incarnation() {
    return incarnation;
  }

  /// The highest sequence readers may see; one below the next if none is retained. Any thread.
  public long watermark() {
    return mark.sequence();
  }

  /// The place after the newest message readers may see, spelled as the id of that message; with
  /// sequence 0 in a log nothing was ever appended to. Any thread.
  MessageId end() {
    Mark now = mark;
    return new MessageId(now.timestamp(), now.sequence(), incarnation);
  }

  /// The lowest sequence still retained. Any thread.
  public long firstRetained() {
    return firstRetained;
  }

  /// The id of `message` in this log. Any thread.
  public MessageId idOf(Message message) {
    return MessageId.of(message, incarnation);
  }

  // ---- the shard's side ----

  /// Messages appended before the next one, ever, durable or not.
  public long messagesEver() {
    return messagesEver;
  }

  /// Bytes of payload and metadata appended before the next message, ever, durable or not.
  public long bytesEver() {
    return bytesEver;
  }

  /// From this sequence on there are no holes: the first that was appended since the log was
  /// loaded.
  public long consecutiveFrom() {
    return consecutiveFrom;
  }

  /// Messages appended up to the watermark, ever.
  public long messagesShown() {
    return messagesEver - (nextSequence - 1 - watermark());
  }

  /// The sequence of the next message.
  public long nextSequence() {
    return nextSequence;
  }

  /// Whether something appended is not durable yet.
  public boolean hasUncommitted() {
    return nextSequence - 1 > watermark();
  }

  /// Appends one message, not yet shown. Its timestamp is `now`, but never below that of the
  /// message before it.
  ///
  /// @param now milliseconds since 1970
  public Message append(NewMessage published, long now) {
    if (nextSequence > MessageId.MAX_SEQUENCE) {
      throw new IllegalStateException("log of " + topic + ": all 2^48 sequences are used");
    }
    lastTimestamp = Math.max(lastTimestamp, now);
    long ttlMs = published.ttlMs();
    long expiresAt = ttlMs >= Message.NEVER - lastTimestamp ? Message.NEVER : lastTimestamp + ttlMs;
    Message message =
        new Message(
            nextSequence,
            lastTimestamp,
            expiresAt,
            published.payload(),
            published.metadata(),
            published.ordering());
    Chunk tail = tailWithRoom();
    tier.grown(tail.add(message));
    nextSequence++;
    messagesEver++;
    bytesEver += message.size();
    // Only now: the tail holds something that is not durable, so it is not dropped itself.
    tier.evict();
    return message;
  }

  private Chunk tailWithRoom() {
    Chunk[] chunks = recent.chunks();
    if (chunks.length > 0 && !chunks[chunks.length - 1].isFull()) {
      return chunks[chunks.length - 1];
    }
    Chunk fresh = new Chunk(this, nextSequence);
    tier.opened(fresh);
    recent = recent.with(fresh);
    return fresh;
  }

  /// Drops `chunk`, the first of this log, from memory; false if part of it is not durable yet.
  boolean dropChunk(Chunk chunk) {
    if (chunk.nextSequence() - 1 > watermark()) {
      return false;
    }
    recent = recent.withoutFirst();
    return true;
  }

  /// Undoes every append above the watermark: their commit failed. Their sequences are given again;
  /// nobody has seen them.
  public void revert() {
    long next = watermark() + 1;
    Chunk[] chunks = recent.chunks();
    for (long sequence = nextSequence - 1; sequence >= next; sequence--) {
      messagesEver--;
      bytesEver -= chunks[indexOf(chunks, sequence)].get(sequence).size();
    }
    nextSequence = next;
    int keep = chunks.length;
    while (keep > 0 && chunks[keep - 1].firstSequence >= next) {
      tier.closed(chunks[--keep]);
    }
    if (keep > 0) {
      tier.grown(-chunks[keep - 1].truncate(next));
    }
    recent = new Recent(keep == 0 ? next : recent.firstSequence(), Arrays.copyOf(chunks, keep));
  }

  /// Lets go of everything in memory: the topic is gone. Who still reads it finds nothing more.
  public void discard() {
    for (Chunk chunk : recent.chunks()) {
      tier.closed(chunk);
    }
    recent = new Recent(nextSequence, new Chunk[0]);
  }

  // ---- the commit lane's side ----

  /// Shows everything up to `last`. The commit lane calls it once that is durable.
  public void raiseWatermark(Message last) {
    if (last.sequence() > watermark()) {
      mark = new Mark(last.sequence(), last.timestamp());
    }
  }

  /// Shows that messages below `sequence` are gone. The commit lane calls it once that is durable.
  public void raiseFirstRetained(long sequence) {
    if (sequence > firstRetained) {
      firstRetained = sequence;
    }
  }

  /// Whether cursors of the event loop with number `loop` read this log.
  public boolean isReadOn(int loop) {
    return (loopsReading.get() & (1L << loop)) != 0;
  }

  // ---- the readers' side ----

  /// Registers or removes the event loop with number `loop` as a reader. To miss nothing, register
  /// first and read the watermark afterwards.
  void setReadOn(int loop, boolean reading) {
    long bit = 1L << loop;
    loopsReading.getAndUpdate(bits -> reading ? bits | bit : bits & ~bit);
  }

  /// Messages in memory from `from` on, up to the watermark and the bounds; at least one if there
  /// is any. Empty if `from` is above the watermark. Nothing if `from` lies below what is in
  /// memory.
  public Optional<List<Message>> readRecent(long from, int maxMessages, long maxBytes) {
    // The watermark first: its read makes everything below it visible, and what is dropped from
    // memory in between is noticed by the list read afterwards.
    long last = watermark();
    Recent now = recent;
    if (from > last) {
      return Optional.of(List.of());
    }
    if (from < now.firstSequence() || now.chunks().length == 0) {
      return Optional.empty();
    }
    List<Message> messages = new ArrayList<>((int) Math.min(maxMessages, last - from + 1));
    long bytes = 0;
    int index = indexOf(now.chunks(), from);
    Chunk chunk = now.chunks()[index];
    for (long sequence = from; sequence <= last; sequence++) {
      if (messages.size() == maxMessages || (bytes >= maxBytes && !messages.isEmpty())) {
        break;
      }
      if (index + 1 < now.chunks().length && sequence >= now.chunks()[index + 1].firstSequence) {
        chunk = now.chunks()[++index];
      }
      Message message = chunk.get(sequence);
      messages.add(message);
      bytes += message.size();
    }
    return Optional.of(messages);
  }

  private static int indexOf(Chunk[] chunks, long sequence) {
    int low = 0;
    int high = chunks.length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (chunks[middle].firstSequence <= sequence) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  @Override
  public String toString() {
    return "TopicLog[" + topic + ", " + incarnation + ", watermark " + watermark() + "]";
  }
}
