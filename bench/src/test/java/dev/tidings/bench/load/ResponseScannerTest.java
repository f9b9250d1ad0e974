// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class ResponseScannerTest {
  private static final String TWO_ANSWERS =
      "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nConnection: keep-alive\r\nContent-Length: 12\r\n\r\n"
          + "{\"a\":\"bcde\"}HTTP/1.1 503 Busy\r\ncontent-length: 4\r\nretry-after: 1\r\n\r\nfull";

  @Property
  void scan_findsTheEndOfEachAnswer_whereverReadsAreCut(
      @ForAll @IntRange(min = 0, max = 200) int firstCut,
      @ForAll @IntRange(min = 0, max = 200) int secondCut) {
    int length = TWO_ANSWERS.length();
    int first = Math.min(Math.min(firstCut, secondCut), length);
    int second = Math.min(Math.max(firstCut, secondCut), length);
    var scanner = new ResponseScanner();
    scanner.expect(201, false);
    var statuses = new StringBuilder();

    for (String part :
        new String[] {
          TWO_ANSWERS.substring(0, first),
          TWO_ANSWERS.substring(first, second),
          TWO_ANSWERS.substring(second)
        }) {
      var in = Unpooled.copiedBuffer(part, US_ASCII);
      while (in.isReadable()) {
        if (scanner.scan(in)) {
          statuses.append(scanner.status()).append('[').append(scanner.keptText()).append(']');
        }
      }
    }

    assertThat(statuses).hasToString("201[]503[full]");
  }

  @Test
  void scan_withoutContentLength_isRefused() {
    var in =
        Unpooled.copiedBuffer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", US_ASCII);

    assertThatThrownBy(() -> new ResponseScanner().scan(in))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("no Content-Length");
  }

  @Test
  void bulkAnswer_isAllAccepted_whateverItsSpaces() {
    assertThat(accepted("{\"results\":[],\"summary\":{\"total\":1,\"accepted\":1,\"rejected\":0}}"))
        .isTrue();
    assertThat(accepted("{\"summary\": {\"rejected\": 0, \"total\": 1}, \"results\": []}"))
        .isTrue();
    assertThat(accepted("{\"summary\":{\"total\":1,\"accepted\":0,\"rejected\":1}}")).isFalse();
    assertThat(accepted("{\"summary\":{\"rejected\":00}}")).isFalse();
    assertThat(accepted("{}")).isFalse();
  }

  private static boolean accepted(String json) {
    return BulkAnswer.isAllAccepted(json.getBytes(US_ASCII), json.length());
  }
}
