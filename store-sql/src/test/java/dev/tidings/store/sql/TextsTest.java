// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

final class TextsTest {

  @Provide
  Arbitrary<String> texts() {
    return Generated.texts();
  }

  @Property(tries = 1000)
  void texts_roundTripThroughWhatDatabasesHold(@ForAll("texts") String text) throws Exception {
    String stored = Texts.stored(text);
    assertThat(isHeld(stored)).as(stored).isTrue();
    assertThat(Texts.read(stored)).isEqualTo(text);
  }

  private static boolean isHeld(String stored) {
    try {
      StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(stored));
      return stored.indexOf(0) < 0;
    } catch (CharacterCodingException _) {
      // An unpaired surrogate, for which the answer is no.
      return false;
    }
  }

  @Property(tries = 1000)
  void whatIsRead_hasOneSpelling(@ForAll("texts") String stored) {
    String text;
    try {
      text = Texts.read(stored);
    } catch (IllegalArgumentException _) {
      // No text is stored so.
      return;
    }
    if (isHeld(stored)) {
      assertThat(Texts.stored(text)).isEqualTo(stored);
    }
  }

  @Example
  void spellings_areThoseThatWereDecided() {
    assertThat(Texts.stored("plain ä \uD83D\uDE00")).isEqualTo("plain ä \uD83D\uDE00");
    assertThat(Texts.stored("a\\b\0c\uD800d\uDFFF")).isEqualTo("a\\\\b\\0c\\uD800d\\uDFFF");
    assertThat(Texts.stored("\uD83D\uD83D\uDE00")).isEqualTo("\\uD83D\uD83D\uDE00");
  }

  @Example
  void otherSpellings_areRefused() {
    for (String stored :
        new String[] {
          "\\", "a\\", "\\x", "\\u", "\\uD80", "\\ud800", "\\u0041", "\\uD83D\\uDE00", "\\uXYZW"
        }) {
      assertThatThrownBy(() -> Texts.read(stored))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected");
    }
  }
}
