// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class FrameScannerTest {
  private static final String SHORT = "{\"type\":\"message\",\"n\":1}";
  private static final String MEDIUM =
      "{\"type\":\"message\",\"fill\":\"" + "x".repeat(300) + "\"}";
  private static final String LONG =
      "{\"type\":\"message\",\"fill\":\"" + "y".repeat(70_000) + "\"}";
  private static final String SPACED = "{\"topic\": \"t\", \"type\": \"message\"}";
  private static final String OTHER = "{\"type\":\"gap\",\"topic\":\"t\"}";

  private final Heard heard = new Heard();

  private static final class Heard implements FrameScanner.Listener {
    private final List<String> events = new ArrayList<>();

    @Override
    public void message(ByteBuf buffer, int offset, int length) {
      events.add("message of " + length);
    }

    @Override
    public void text(String json) {
      events.add("text " + json);
    }

    @Override
    public void ping(byte[] payload) {
      events.add("ping " + new String(payload, UTF_8));
    }

    @Override
    public void close(int code, String reason) {
      events.add("close " + code + " " + reason);
    }
  }

  @Property(tries = 300)
  void scan_countsTheSame_whereverReadsAreCut(
      @ForAll @IntRange(min = 1, max = 40) int step, @ForAll boolean sampled) {
    var mine = new Heard();
    var scanner = new FrameScanner(mine, MessageShape.RELAY, sampled);
    ByteBuf all = Unpooled.buffer();
    for (String text : List.of(SHORT, OTHER, MEDIUM, SPACED, SHORT)) {
      text(all, text);
    }
    frame(all, 9, "hi".getBytes(UTF_8));
    frame(all, 9, new byte[0]);
    frame(all, 10, new byte[0]);
    text(all, SHORT);
    frame(all, 8, new byte[] {0x03, (byte) 0xe9, 'b', 'y', 'e'});

    int messages = 0;
    while (all.isReadable()) {
      messages +=
          scanner.scan(Unpooled.copiedBuffer(all.readSlice(Math.min(step, all.readableBytes()))));
    }

    assertThat(messages).isEqualTo(5);
    assertThat(mine.events).contains("text " + OTHER, "ping hi", "ping ", "close 1001 bye");
    assertThat(mine.events.stream().filter(event -> event.startsWith("message")).count())
        .isEqualTo(sampled ? 5 : 0);
  }

  @Test
  void scan_readsAllThreeLengths() {
    ByteBuf all = Unpooled.buffer();
    text(all, SHORT);
    text(all, MEDIUM);
    text(all, LONG);

    assertThat(new FrameScanner(heard, MessageShape.RELAY, true).scan(all)).isEqualTo(3);
    assertThat(heard.events)
        .containsExactly(
            "message of " + SHORT.length(),
            "message of " + MEDIUM.length(),
            "message of " + LONG.length());
  }

  @Test
  void scan_ofAQueuesFrames_tellsMessagesFromOthers() {
    String confirmation = "{\"type\":\"SUBSCRIBED\",\"payload\":{\"queue_name\":\"q\"}}";
    ByteBuf all = Unpooled.buffer();
    text(all, confirmation);
    text(all, "{\"unique_id\":\"1\",\"body\":1,\"TTL\":0}\n");
    text(all, "{\"TTL\": 0, \"body\": 1, \"unique_id\": \"1\"}");
    text(all, SHORT);

    assertThat(new FrameScanner(heard, MessageShape.QUEUE, false).scan(all)).isEqualTo(2);
    assertThat(heard.events).containsExactly("text " + confirmation, "text " + SHORT);
  }

  @Test
  void scan_ofFragmentedOrMaskedFrames_isRefused() {
    assertThatThrownBy(() -> scan(0x01, 0x00))
        .hasMessageContaining("expected: a final, uncompressed frame");
    assertThatThrownBy(() -> scan(0xc1, 0x00))
        .hasMessageContaining("expected: a final, uncompressed frame");
    assertThatThrownBy(() -> scan(0x81, 0x80)).hasMessageContaining("masked");
  }

  @Test
  void stamp_isFoundAndReadBack() {
    var request =
        new Requests(new Endpoint("h", 1), Optional.of("t"), 256).bulk(List.of("a", "b"), 3);

    String text = request.toSend(17, 41, 123_456_789L).toString(UTF_8);

    assertThat(text).contains("@0017.0000000042.0000000000123456789");
    ByteBuf buffer = Unpooled.copiedBuffer(text, UTF_8);
    int at = Stamp.find(buffer, 0, buffer.readableBytes());
    assertThat(Stamp.publisher(buffer, at)).isEqualTo(17);
    assertThat(Stamp.number(buffer, at)).isEqualTo(41);
    assertThat(Stamp.timeNs(buffer, at)).isEqualTo(123_456_789L);
  }

  @Test
  void publish_hasAPayloadOfTheSizeAskedFor() {
    String text =
        new Requests(new Endpoint("h", 1), Optional.of("t"), 256)
            .publish("a")
            .toSend()
            .toString(UTF_8);

    String body = text.substring(text.indexOf("\r\n\r\n") + 4);
    assertThat(body.length()).isEqualTo("{\"topic\":\"a\",\"payload\":}".length() + 256);
    assertThat(text).contains("Content-Length: " + body.length() + "\r\n");
  }

  private void scan(int first, int second) {
    new FrameScanner(heard, MessageShape.RELAY, false)
        .scan(Unpooled.wrappedBuffer(new byte[] {(byte) first, (byte) second}));
  }

  private static void text(ByteBuf out, String text) {
    frame(out, 1, text.getBytes(UTF_8));
  }

  private static void frame(ByteBuf out, int opcode, byte[] payload) {
    out.writeByte(0x80 | opcode);
    if (payload.length < 126) {
      out.writeByte(payload.length);
    } else if (payload.length < 65_536) {
      out.writeByte(126).writeShort(payload.length);
    } else {
      out.writeByte(127).writeLong(payload.length);
    }
    out.writeBytes(payload);
  }
}
