// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.log.HotTier;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.store.LogExtent;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameCacheTest {
  private static final FrameFormat PLAIN = (out, _, message, _) -> out.raw(message.payload());

  private final ManualTime time = new ManualTime();
  private final TopicLog log = new TopicLog("t", 1, LogExtent.EMPTY, new HotTier(1 << 20));

  private static Message message(long sequence, String payload) {
    return new Message(
        sequence, 1_000 + sequence, Message.NEVER, Payload.of(payload), Payload.EMPTY);
  }

  /// The payloads of the frames, and releases them.
  private static List<String> texts(ByteBuf frames) {
    List<String> texts = new ArrayList<>();
    while (frames.isReadable()) {
      assertThat(frames.readUnsignedByte()).isEqualTo((short) 0x81);
      long length = frames.readUnsignedByte();
      if (length == 126) {
        length = frames.readUnsignedShort();
      } else if (length == 127) {
        length = frames.readLong();
      }
      texts.add(frames.readCharSequence((int) length, UTF_8).toString());
    }
    frames.release();
    return texts;
  }

  @Test
  void run_isFoundByEveryMessageInIt_andBeginsThere() {
    FrameCache frames = new FrameCache(1 << 20, time);
    frames.encode(log, PLAIN, List.of(message(5, "5"), message(6, "6"), message(7, "7")));

    assertThat(frames.find(log, PLAIN, 4)).isEmpty();
    assertThat(frames.find(log, PLAIN, 8)).isEmpty();
    FrameCache.Run run = frames.find(log, PLAIN, 6).orElseThrow();
    assertThat(run.lastSequence()).isEqualTo(7);
    assertThat(run.lastTimestamp()).isEqualTo(1_007);
    assertThat(run.messagesFrom(6)).isEqualTo(2);
    assertThat(texts(run.framesFrom(6))).containsExactly("6", "7");
    assertThat(texts(run.framesFrom(5))).containsExactly("5", "6", "7");
    frames.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 125, 126, 127, 65_535, 65_536, 70_000})
  void lengths_areWrittenAsTheProtocolWantsThem(int length) {
    FrameCache frames = new FrameCache(1 << 20, time);
    String payload = "x".repeat(length);

    FrameCache.Run run = frames.encode(log, PLAIN, List.of(message(1, payload)));

    assertThat(texts(run.framesFrom(1))).containsExactly(payload);
    frames.close();
  }

  @Test
  void holeWithinARun_isNotAPlace() {
    FrameCache frames = new FrameCache(1 << 20, time);
    frames.encode(log, PLAIN, List.of(message(5, "5"), message(9, "9")));

    assertThat(frames.find(log, PLAIN, 7)).isEmpty();
    frames.close();
  }

  @Test
  void expiredMessages_haveNoFrame_andARunWithOneThatExpiresIsDropped() {
    FrameCache frames = new FrameCache(1 << 20, time);
    long now = time.wallMs();
    Message gone = new Message(1, now, now, Payload.of("1"), Payload.EMPTY);
    Message soon = new Message(2, now, now + 50, Payload.of("2"), Payload.EMPTY);
    FrameCache.Run run = frames.encode(log, PLAIN, List.of(gone, soon, message(3, "3")));
    assertThat(texts(run.framesFrom(1))).containsExactly("2", "3");

    time.advance(java.time.Duration.ofMillis(50));

    assertThat(frames.find(log, PLAIN, 1)).isEmpty();
    frames.close();
  }

  @Test
  void bound_dropsTheOldestRuns_andLetsGoOfTheirBytes() {
    FrameCache frames = new FrameCache(4_000, time);
    FrameCache.Run first = frames.encode(log, PLAIN, List.of(message(1, "1")));
    ByteBuf held = first.framesFrom(1);
    for (int i = 2; i < 20; i++) {
      frames.encode(log, PLAIN, List.of(message(i, "" + i)));
    }

    assertThat(frames.find(log, PLAIN, 1)).isEmpty();
    assertThat(frames.find(log, PLAIN, 19)).isPresent();
    // Who still sends them keeps them alive, and nobody else does.
    assertThat(held.refCnt()).isEqualTo(1);
    assertThat(texts(held)).containsExactly("1");
    frames.close();
  }
}
