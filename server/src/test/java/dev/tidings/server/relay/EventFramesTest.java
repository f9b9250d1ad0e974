// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.log.HotTier;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.runtime.ManualTime;
import dev.tidings.core.store.LogExtent;
import dev.tidings.server.wire.FrameCache;
import dev.tidings.server.wire.JsonOut;
import io.netty.buffer.ByteBuf;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventFramesTest {
  private final TopicLog log = new TopicLog("t", 1, LogExtent.EMPTY, new HotTier(1 << 20));

  private String framesOf(Message... messages) {
    FrameCache cache = new FrameCache(1 << 20, new ManualTime());
    ByteBuf frames = cache.encode(log, EventFrames.EVENTS, List.of(messages)).framesFrom(0);
    String text = frames.toString(UTF_8);
    frames.release();
    cache.close();
    return text;
  }

  private static Message message(long sequence, String payload) {
    return new Message(sequence, 0, Message.NEVER, Payload.of(payload), Payload.EMPTY);
  }

  @Test
  void messages_areEventsOneAfterTheOther() {
    String id1 = log.idOf(message(1, "{}")).toRelayId();
    String id2 = log.idOf(message(2, "{}")).toRelayId();
    String data =
        "event: message\ndata: {\"type\":\"message\",\"message_id\":\"%s\",\"topic\":\"t\","
            + "\"payload\":{},\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"metadata\":null}\n\n";

    assertThat(framesOf(message(1, "{}"), message(2, "{}")))
        .isEqualTo(
            "id: " + id1 + "\n" + data.formatted(id1) + "id: " + id2 + "\n" + data.formatted(id2));
  }

  @ParameterizedTest
  @CsvSource({
    "ab, [ab;",
    "'', [;",
    "a\\n, [a;[;",
    "a\\nb, [a;[b;",
    "a\\rb, [a;[b;",
    "a\\r\\nb, [a;[b;",
    "a\\n\\nb, [a;[;[b;",
    "a\\n\\rb, [a;[;[b;",
    "\\r\\n\\r\\n, [;[;[;"
  })
  void lines_endInAnyWay(String text, String lines) {
    String given = text.replace("\\n", "\n").replace("\\r", "\r");

    String written = new JsonOut(1).lines("[", new JsonOut(1).raw(given)).text();

    assertThat(written).isEqualTo(lines.replace(";", "\n"));
  }
}
