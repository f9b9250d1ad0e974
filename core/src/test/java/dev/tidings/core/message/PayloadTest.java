// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class PayloadTest {
  @Test
  void copyOf_isIndependentOfItsSource() {
    byte[] source = "{\"a\":1}".getBytes(StandardCharsets.UTF_8);
    Payload payload = Payload.copyOf(source, 5, 6);
    source[5] = 'x';
    assertThat(payload.text()).isEqualTo("1");
    assertThat(payload.size()).isEqualTo(1);
  }

  @Test
  void payloadsOfTheSameBytes_areEqual() {
    Payload one = Payload.of("\"ä\"");
    Payload same = Payload.wrap("\"ä\"".getBytes(StandardCharsets.UTF_8));
    assertThat(one).isEqualTo(same).hasSameHashCodeAs(same).isNotEqualTo(Payload.of("\"a\""));
    assertThat(one.size()).isEqualTo(4);
    assertThat(one.toString()).doesNotContain("ä").contains("4 bytes");
  }

  @Test
  void empty_isEmptyHoweverItIsMade() {
    assertThat(Payload.copyOf(new byte[3], 2, 2)).isSameAs(Payload.EMPTY);
    assertThat(Payload.wrap(new byte[0])).isSameAs(Payload.EMPTY);
    assertThat(Payload.of("")).isEqualTo(Payload.EMPTY);
    assertThat(Payload.EMPTY.isEmpty()).isTrue();
  }

  @Test
  void bytes_comeOutAsTheyWentIn_andCannotBeChanged() {
    Payload payload = Payload.of("[1,2]");
    byte[] target = new byte[8];
    assertThat(payload.copyTo(target, 2)).isEqualTo(7);
    assertThat(new String(target, 2, 5, StandardCharsets.UTF_8)).isEqualTo("[1,2]");
    assertThat(payload.byteAt(0)).isEqualTo((byte) '[');
    assertThat(payload.byteAt(4)).isEqualTo((byte) ']');
    ByteBuffer buffer = ByteBuffer.allocate(5);
    payload.putInto(buffer);
    assertThat(StandardCharsets.UTF_8.decode(buffer.flip()).toString()).isEqualTo("[1,2]");
    target[2] = 'x';
    buffer.put(0, (byte) 'x');
    assertThat(payload.text()).isEqualTo("[1,2]");
  }
}
