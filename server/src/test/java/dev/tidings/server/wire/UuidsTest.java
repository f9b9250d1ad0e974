// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UuidsTest {
  private static final UUID ID = UUID.fromString("019b6a3c-2d1e-7f00-8a4b-0123456789ab");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "019b6a3c-2d1e-7f00-8a4b-0123456789ab",
        "019B6A3C-2D1E-7F00-8A4B-0123456789AB",
        "019b6a3c2d1e7f008a4b0123456789ab",
        "{019b6a3c-2d1e-7f00-8a4b-0123456789ab}",
        "urn:uuid:019b6a3c-2d1e-7f00-8a4b-0123456789ab",
      })
  void everySpelling_isRead(String text) {
    assertThat(Uuids.fault(text)).isEmpty();
    assertThat(Uuids.parse(text)).contains(ID);
  }

  @ParameterizedTest
  @CsvSource({
    "'', 'invalid length: expected length 32 for simple format, found 0'",
    "019b6a3c2d1e7f008a4b0123456789a, 'invalid length: expected length 32 for simple format, found"
        + " 31'",
    "019b6a3c-2d1e, 'invalid group count: expected 5, found 2'",
    "019b6a3-c2d1e-7f00-8a4b-0123456789ab, 'invalid group length in group 0: expected 8, found 7'",
    "019b6a3c-2d1e-7f00-8a4b-0123456789abc, 'invalid group length in group 4: expected 12, found"
        + " 13'",
    "019b6a3c-2d1e-7f00-8a4b-0123456789, 'invalid group length in group 4: expected 12, found 10'",
    "{019b6a3c2d1e7f008a4b0123456789ab}, 'invalid group count: expected 5, found 1'",
  })
  void fault_isTold(String text, String fault) {
    assertThat(Uuids.fault(text)).contains(fault);
    assertThat(Uuids.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "notauuid, n, 1",
    "019b6g3c, g, 6",
    "{xyz}, x, 2",
    "urn:uuid:x, x, 10",
    "０19b, ０, 1",
    "😀, 😀, 1",
    "' 019b', ' ', 1",
  })
  void foreignCharacter_isTold(String text, String character, int index) {
    assertThat(Uuids.fault(text))
        .contains(
            "invalid character: expected an optional prefix of `urn:uuid:` followed by"
                + " [0-9a-fA-F-], found `"
                + character
                + "` at "
                + index);
    assertThat(Uuids.parse(text)).isEmpty();
  }
}
