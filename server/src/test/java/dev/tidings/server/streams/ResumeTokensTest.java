// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tidings.core.message.Payload;
import dev.tidings.core.stream.Position;
import dev.tidings.server.streams.ResumeTokens.Invalid;
import dev.tidings.server.streams.ResumeTokens.Valid;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResumeTokensTest {
  private static final Position PLACE = new Position(67_108_864, 12, 1_790_000_000_000L);

  private final ResumeTokens tokens = new ResumeTokens(key(1));

  private static Payload key(int seed) {
    byte[] key = new byte[ResumeTokens.SECRET_BYTES];
    java.util.Arrays.fill(key, (byte) seed);
    return Payload.wrap(key);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 0",
    "67108864, 1, 1790000000000",
    "2147483647, 9223372036854775807, 9223372036854775807",
    "-1, -1, -1"
  })
  void places_areReadAsTheyWereWritten(int number, long sequence, long knownAt) {
    Position place = new Position(number, sequence, knownAt);
    String token = tokens.write("orders", place);
    assertThat(token).matches("[A-Za-z0-9_-]{52}");
    assertThat(tokens.parse("orders", token)).isEqualTo(new Valid(place));
    assertThat(new ResumeTokens(key(1)).parse("orders", token)).isEqualTo(new Valid(place));
  }

  @Test
  void streams_mayHaveAnyName() {
    for (String name : new String[] {"", "x".repeat(1024), "grün/€ 😀"}) {
      assertThat(tokens.parse(name, tokens.write(name, PLACE))).isEqualTo(new Valid(PLACE));
    }
  }

  @Test
  void tokens_withAnyBitTurned_areRefused() {
    byte[] bytes = Base64.getUrlDecoder().decode(tokens.write("orders", PLACE));
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThat(tokens.parse("orders", Base64.getUrlEncoder().encodeToString(bytes)))
          .as("bit %s", bit)
          .isEqualTo(new Invalid());
      bytes[bit / 8] ^= (byte) (1 << (bit % 8));
    }
  }

  @Test
  void tokens_withAnotherCharacterAnywhere_areRefused() {
    String token = tokens.write("orders", PLACE);
    String others =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\u00e9\ud83d";
    for (int at = 0; at < token.length(); at++) {
      for (int i = 0; i < others.length(); i++) {
        char other = others.charAt(i);
        if (other != token.charAt(at)) {
          String damaged = token.substring(0, at) + other + token.substring(at + 1);
          assertThat(tokens.parse("orders", damaged)).as(damaged).isEqualTo(new Invalid());
        }
      }
    }
  }

  @Test
  void tokens_ofAnotherStreamOrKey_areRefused() {
    String token = tokens.write("orders", PLACE);
    assertThat(tokens.parse("order", token)).isEqualTo(new Invalid());
    assertThat(tokens.parse("orderss", token)).isEqualTo(new Invalid());
    assertThat(tokens.parse("", token)).isEqualTo(new Invalid());
    assertThat(new ResumeTokens(key(2)).parse("orders", token)).isEqualTo(new Invalid());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A", "=", "not a token", "null"})
  void tokens_thatAreNone_areRefused(String token) {
    assertThat(tokens.parse("orders", token)).isEqualTo(new Invalid());
  }

  @Test
  void tokens_tooLongOrShort_areRefused() {
    String token = tokens.write("orders", PLACE);
    assertThat(tokens.parse("orders", token + "A")).isEqualTo(new Invalid());
    assertThat(tokens.parse("orders", token + "====")).isEqualTo(new Invalid());
    assertThat(tokens.parse("orders", token.substring(1))).isEqualTo(new Invalid());
    assertThat(tokens.parse("orders", "A".repeat(10_000_000))).isEqualTo(new Invalid());
  }

  @Test
  void keys_haveThirtyTwoBytes() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ResumeTokens(Payload.wrap(new byte[31])));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ResumeTokens(Payload.wrap(new byte[33])));
  }
}
