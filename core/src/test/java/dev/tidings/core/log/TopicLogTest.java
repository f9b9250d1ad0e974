// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.store.LogExtent;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class TopicLogTest {
  private final ManualTime time = new ManualTime();
  private final HotTier roomy = new HotTier(1 << 30);
  private final TopicLog log = log(roomy);

  private static TopicLog log(HotTier tier) {
    return new TopicLog("t", 7, LogExtent.EMPTY, tier);
  }

  private Message append(TopicLog to, int size) {
    return to.append(
        new NewMessage(Payload.wrap(new byte[size]), Payload.EMPTY, Message.NEVER), time.wallMs());
  }

  private void append(TopicLog to, int count, int size) {
    for (int i = 0; i < count; i++) {
      Message _ = append(to, size);
    }
  }

  private void raise(TopicLog of, long sequence) {
    of.raiseWatermark(
        new Message(sequence, time.wallMs(), Message.NEVER, Payload.EMPTY, Payload.EMPTY));
  }

  private static List<Long> sequences(Optional<List<Message>> read) {
    return read.orElseThrow().stream().map(Message::sequence).toList();
  }

  private static List<Long> range(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  @Test
  void append_givesConsecutiveSequences_hiddenUntilTheWatermarkIsRaised() {
    append(log, 3, 10);
    assertThat(log.watermark()).isZero();
    assertThat(log.hasUncommitted()).isTrue();
    assertThat(sequences(log.readRecent(1, 10, 1000))).isEmpty();
    raise(log, 2);
    assertThat(log.hasUncommitted()).isTrue();
    assertThat(sequences(log.readRecent(1, 10, 1000))).containsExactly(1L, 2L);
    raise(log, 3);
    assertThat(log.hasUncommitted()).isFalse();
    raise(log, 1);
    assertThat(log.watermark()).isEqualTo(3);
    assertThat(log.messagesEver()).isEqualTo(3);
    assertThat(log.bytesEver()).isEqualTo(30);
  }

  @Test
  void timestamps_neverFall_thoughTheClockDoes() {
    long first = append(log, 1).timestamp();
    time.jumpWall(Duration.ofHours(-1));
    assertThat(append(log, 1).timestamp()).isEqualTo(first);
    time.jumpWall(Duration.ofHours(2));
    assertThat(append(log, 1).timestamp()).isEqualTo(first + Duration.ofHours(1).toMillis());
    TopicLog reloaded = new TopicLog("t", 7, new LogExtent(1, 4, first + 5, 3, 3), roomy);
    time.jumpWall(Duration.ofDays(-1));
    assertThat(append(reloaded, 1).timestamp()).isEqualTo(first + 5);
  }

  @Test
  void expiry_countsFromTheTimestamp_andDoesNotOverflow() {
    Message brief = log.append(new NewMessage(Payload.of("1"), Payload.EMPTY, 10), time.wallMs());
    assertThat(brief.expiresAt()).isEqualTo(brief.timestamp() + 10);
    assertThat(brief.expiredAt(brief.timestamp() + 9)).isFalse();
    assertThat(brief.expiredAt(brief.timestamp() + 10)).isTrue();
    Message endless =
        log.append(
            new NewMessage(Payload.of("1"), Payload.EMPTY, Message.NEVER - 1), time.wallMs());
    assertThat(endless.expiresAt()).isEqualTo(Message.NEVER);
  }

  @Test
  void readRecent_crossesChunks_withinItsBounds() {
    append(log, 3 * Chunk.CAPACITY + 5, 10);
    raise(log, 3 * Chunk.CAPACITY + 5);
    long edge = Chunk.CAPACITY;
    assertThat(sequences(log.readRecent(1, 10_000, 1 << 20))).isEqualTo(range(1, 3 * edge + 5));
    assertThat(sequences(log.readRecent(edge - 1, 4, 1 << 20)))
        .isEqualTo(range(edge - 1, edge + 2));
    assertThat(sequences(log.readRecent(edge + 1, 1, 1 << 20))).containsExactly(edge + 1);
    assertThat(sequences(log.readRecent(2 * edge, 100, 25)))
        .isEqualTo(range(2 * edge, 2 * edge + 2));
    assertThat(sequences(log.readRecent(3 * edge + 6, 10, 100))).isEmpty();
  }

  /// With no room for bytes nothing was returned, and its reader stumbled over the empty list.
  @Test
  void readRecent_withoutRoom_stillGivesOneMessage() {
    append(log, 2, 10);
    raise(log, 2);
    assertThat(sequences(log.readRecent(1, 10, 0))).containsExactly(1L);
  }

  @Test
  void hotTier_dropsTheOldestChunks_andKeepsWithinItsBound() {
    HotTier tier = new HotTier(200_000);
    TopicLog first = log(tier);
    TopicLog second = log(tier);
    for (int i = 1; i <= 3000; i++) {
      append(first, 1, 20);
      raise(first, i);
      append(second, 1, 20);
      raise(second, i);
      assertThat(tier.bytes()).isBetween(0L, 200_000L);
    }
    assertThat(first.readRecent(1, 1, 1)).isEmpty();
    assertThat(sequences(first.readRecent(3000, 10, 100))).containsExactly(3000L);
    assertThat(sequences(second.readRecent(2990, 100, 1000))).isEqualTo(range(2990, 3000));
  }

  /// A chunk was bounded in messages only, and the tier looked at its bound only when one was
  /// opened: 256 large messages a log passed it unseen.
  @Test
  void hotTier_keepsWithinItsBound_withLargeMessages() {
    HotTier tier = new HotTier(1 << 20);
    TopicLog one = log(tier);
    for (int i = 1; i <= 100; i++) {
      append(one, 1, 200_000);
      raise(one, i);
      assertThat(tier.bytes()).isLessThanOrEqualTo((1 << 20) + 250_000);
    }
    assertThat(sequences(one.readRecent(100, 10, 100))).containsExactly(100L);
  }

  @Test
  void hotTier_neverDropsWhatIsNotDurable() {
    HotTier tier = new HotTier(1000);
    TopicLog one = log(tier);
    append(one, 1000, 50);
    assertThat(tier.bytes()).isGreaterThan(50_000);
    raise(one, 1000);
    assertThat(sequences(one.readRecent(1, 1000, 1 << 20))).isEqualTo(range(1, 1000));
    append(one, 1, 1);
    assertThat(tier.bytes()).isLessThanOrEqualTo(50_000);
  }

  /// With a tier smaller than an empty chunk the fresh chunk itself was dropped before its first
  /// message: that was then in no list, and undoing it failed.
  @Test
  void hotTier_withoutRoom_keepsWhatIsNotDurable_soThatItCanBeUndone() {
    HotTier tier = new HotTier(0);
    TopicLog one = log(tier);
    append(one, 1, 10);
    raise(one, 1);
    append(one, 2, 10);
    one.revert();
    assertThat(one.messagesEver()).isEqualTo(1);
    append(one, 1, 10);
    raise(one, 2);
    assertThat(sequences(one.readRecent(2, 10, 100))).containsExactly(2L);
    one.revert();
    append(one, 1, 10);
    assertThat(tier.bytes()).isBetween(100L, 1000L);
  }

  @Test
  void revert_undoesWhatIsAboveTheWatermark_andCountsWithIt() {
    long empty = roomy.bytes();
    int durable = Chunk.CAPACITY + 10;
    append(log, durable, 10);
    raise(log, durable);
    long before = roomy.bytes();
    append(log, 2 * Chunk.CAPACITY, 30);
    log.revert();
    assertThat(log.messagesEver()).isEqualTo(durable);
    assertThat(log.bytesEver()).isEqualTo(10L * durable);
    assertThat(roomy.bytes()).isEqualTo(before);
    assertThat(log.hasUncommitted()).isFalse();

    append(log, Chunk.CAPACITY, 5);
    raise(log, durable + Chunk.CAPACITY);
    List<Message> all = log.readRecent(1, 10_000, 1 << 20).orElseThrow();
    assertThat(all.stream().map(Message::sequence).toList())
        .isEqualTo(range(1, durable + Chunk.CAPACITY));
    assertThat(all.subList(durable, all.size())).allMatch(message -> message.size() == 5);
    assertThat(empty).isZero();
  }

  @Test
  void revert_ofEverything_leavesAnEmptyLog() {
    append(log, Chunk.CAPACITY * 2, 10);
    log.revert();
    log.revert();
    assertThat(roomy.bytes()).isZero();
    assertThat(log.messagesEver()).isZero();
    assertThat(append(log, 1).sequence()).isEqualTo(1);
  }

  @Test
  void revert_exactlyAtAChunkBorder_keepsTheFullChunk() {
    append(log, Chunk.CAPACITY, 10);
    raise(log, Chunk.CAPACITY);
    append(log, 1, 10);
    log.revert();
    append(log, 1, 20);
    raise(log, Chunk.CAPACITY + 1);
    assertThat(sequences(log.readRecent(Chunk.CAPACITY, 10, 1000)))
        .containsExactly((long) Chunk.CAPACITY, Chunk.CAPACITY + 1L);
  }

  @Test
  void loadedLog_goesOnWhereItsExtentEnds_andKnowsNothingBefore() {
    TopicLog loaded = new TopicLog("t", 7, new LogExtent(3, 11, 5, 10, 100), roomy);
    assertThat(loaded.watermark()).isEqualTo(10);
    assertThat(loaded.firstRetained()).isEqualTo(3);
    assertThat(loaded.hasUncommitted()).isFalse();
    assertThat(loaded.readRecent(10, 1, 1)).isEmpty();
    assertThat(append(loaded, 1).sequence()).isEqualTo(11);
    loaded.revert();
    assertThat(loaded.messagesEver()).isEqualTo(10);
    assertThat(loaded.bytesEver()).isEqualTo(100);
  }

  @Test
  void firstRetained_neverFalls() {
    log.raiseFirstRetained(5);
    log.raiseFirstRetained(3);
    assertThat(log.firstRetained()).isEqualTo(5);
  }

  @Test
  void readOn_isKeptPerLoop() {
    log.setReadOn(0, true);
    log.setReadOn(63, true);
    assertThat(log.isReadOn(0)).isTrue();
    assertThat(log.isReadOn(1)).isFalse();
    assertThat(log.isReadOn(63)).isTrue();
    log.setReadOn(0, false);
    assertThat(log.isReadOn(0)).isFalse();
    assertThat(log.isReadOn(63)).isTrue();
  }

  /// Readers on other threads see whole messages up to the watermark while the shard appends,
  /// evicts and reverts.
  @Test
  void readersOnOtherThreads_seeConsistentMessages() throws Exception {
    HotTier tier = new HotTier(100_000);
    TopicLog shared = log(tier);
    var failure = new java.util.concurrent.atomic.AtomicReference<Throwable>();
    var done = new java.util.concurrent.atomic.AtomicBoolean();
    Thread reader =
        Thread.ofPlatform()
            .start(() -> {
              try {
                long next = 1;
                while (!done.get() || next <= shared.watermark()) {
                  Optional<List<Message>> read = shared.readRecent(next, 50, 1 << 20);
                  if (read.isEmpty()) {
                    next = shared.watermark();
                    continue;
                  }
                  for (Message message : read.get()) {
                    if (message.sequence() != next
                        || !message.payload().text().equals("d" + next)) {
                      throw new AssertionError("at " + next + ": " + message);
                    }
                    next++;
                  }
                }
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    long next = 1;
    for (int round = 0; round < 4000; round++) {
      int durable = round % 7;
      for (int i = 0; i < durable; i++) {
        Message _ =
            shared.append(
                new NewMessage(Payload.of("d" + next++), Payload.EMPTY, Message.NEVER),
                time.wallMs());
      }
      raise(shared, next - 1);
      for (int i = 0; i < round % 5; i++) {
        Message _ =
            shared.append(
                new NewMessage(Payload.of("undone"), Payload.EMPTY, Message.NEVER), time.wallMs());
      }
      shared.revert();
    }
    done.set(true);
    reader.join(20_000);
    assertThat(reader.isAlive()).isFalse();
    assertThat(failure.get()).isNull();
  }
}
