// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

final class StampedMessagesTest {
  private static final String FIRST = "01890a5d-ac96-774b-bcce-b302099a8057";
  private static final String SECOND = "01890a5d-ac96-774b-bcce-b302099a8058";
  private static final String STAMP = "@0007.0000000041.0000000000000000123";
  private static final String NEXT_STAMP = "@0007.0000000042.0000000000000000456";

  private final StampedMessages messages = new StampedMessages("id", 2);

  @Test
  void read_findsIdsAndStamps_inTheContractsOrder() {
    String both = "{\"data\":[" + message(FIRST, STAMP) + "," + message(SECOND, NEXT_STAMP) + "]}";

    assertThat(read(both)).isTrue();

    assertThat(messages.count()).isEqualTo(2);
    assertThat(messages.publisher(0)).isEqualTo(7);
    assertThat(messages.number(0)).isEqualTo(41);
    assertThat(messages.timeNs(0)).isEqualTo(123);
    assertThat(messages.number(1)).isEqualTo(42);
    assertThat(id(0)).isEqualTo(FIRST);
    assertThat(id(1)).isEqualTo(SECOND);
  }

  @Test
  void read_doesNotMindSpacesOrTheOrderOfKeys() {
    String spaced =
        "{\"data\": [{\"payload\": {\"half\": \"1\", \"at\": \""
            + STAMP
            + "\"}, \"id\": \""
            + FIRST
            + "\"}]}";

    assertThat(read(spaced)).isTrue();
    assertThat(messages.count()).isEqualTo(1);
    assertThat(id(0)).isEqualTo(FIRST);
  }

  @Test
  void read_ofNothing_isEmpty() {
    assertThat(read("{\"data\":[]}")).isTrue();
    assertThat(messages.count()).isZero();
  }

  @Test
  void read_ofOtherMessages_isRefused() {
    assertThat(read("[{\"id\":\"" + FIRST + "\",\"payload\":{}}]")).isFalse();
    assertThat(read(message("short", STAMP))).isFalse();
    assertThat(read(STAMP + STAMP + STAMP)).isFalse();
  }

  private static String message(String id, String stamp) {
    String head = "{\"id\":\"" + id + "\",\"subscription_id\":\"id\",";
    return head + "\"payload\":{\"at\":\"" + stamp + "\"},\"delivery_attempts\":1}";
  }

  private boolean read(String answer) {
    byte[] body = answer.getBytes(US_ASCII);
    return messages.read(body, body.length);
  }

  private String id(int index) {
    var out = Unpooled.buffer();
    messages.writeId(index, out);
    return out.toString(US_ASCII);
  }
}
