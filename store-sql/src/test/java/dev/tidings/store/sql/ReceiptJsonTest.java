// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

final class ReceiptJsonTest {

  private static Receipt read(String body) {
    return ReceiptJson.read(3, "user", "key", 1, 9_000, 7, body);
  }

  private static Receipt receipt(long high, long low, List<Receipt.Run> runs) {
    KeyedRequest request = new KeyedRequest("user", "key", 1, new Fingerprint(high, low));
    return new Receipt(3, request, 9_000, 7, runs);
  }

  @Property(tries = 300)
  void receipts_roundTrip(
      @ForAll long high,
      @ForAll long low,
      @ForAll @LongRange(max = 1L << 48) long first,
      @ForAll @IntRange(min = 1) int count,
      @ForAll long timestamp) {
    Receipt.Run published = new Receipt.Run(false, timestamp, first, count);
    Receipt.Run scheduled = new Receipt.Run(true, timestamp, first, count);
    for (List<Receipt.Run> runs :
        List.of(List.<Receipt.Run>of(), List.of(published), List.of(scheduled, published))) {
      Receipt receipt = receipt(high, low, runs);
      assertThat(read(ReceiptJson.write(receipt))).isEqualTo(receipt);
    }
  }

  @Example
  void bodies_areForPeople() {
    Receipt receipt =
        receipt(
            -1, 10, List.of(new Receipt.Run(false, 1000, 5, 2), new Receipt.Run(true, 2000, 1, 1)));
    assertThat(ReceiptJson.write(receipt))
        .isEqualTo(
            "{\"fingerprint\":\"ffffffffffffffff000000000000000a\","
                + "\"runs\":[{\"first\":5,\"count\":2,\"published_at\":1000},"
                + "{\"first\":1,\"count\":1,\"due_at\":2000}]}");
  }

  @Example
  void whatIsWrong_isRefused() {
    String hex = "\"fingerprint\":\"" + "a".repeat(32) + "\"";
    assertThat(read("{" + hex + ",\"more\":{}}").runs()).isEmpty();
    for (String body :
        List.of(
            "",
            "[]",
            "{}",
            "{\"fingerprint\":\"" + "a".repeat(31) + "\"}",
            "{\"fingerprint\":\"" + "g".repeat(32) + "\"}",
            "{" + hex + ",\"runs\":{}}",
            "{" + hex + ",\"runs\":[1]}",
            "{" + hex + ",\"runs\":[{\"first\":1,\"count\":1}]}",
            "{" + hex + ",\"runs\":[{\"count\":1,\"due_at\":1}]}",
            "{" + hex + ",\"runs\":[{\"first\":1,\"count\":0,\"due_at\":1}]}")) {
      assertThatThrownBy(() -> read(body)).as(body).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
