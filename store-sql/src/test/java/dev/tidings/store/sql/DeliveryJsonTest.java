// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.core.message.Ordering;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.SequenceRange;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

final class DeliveryJsonTest {

  @Provide
  Arbitrary<List<SequenceRange>> settled() {
    return Generated.settled();
  }

  @Provide
  Arbitrary<List<Outstanding>> outstanding() {
    return Generated.outstanding();
  }

  @Provide
  Arbitrary<List<Dead>> dead() {
    return Generated.dead();
  }

  @Property(tries = 300)
  void changes_roundTrip(
      @ForAll("settled") List<SequenceRange> settled,
      @ForAll("outstanding") List<Outstanding> outstanding,
      @ForAll("dead") List<Dead> dead)
      throws Exception {
    assertThat(DeliveryJson.readSettled(sent(DeliveryJson.settled(settled)))).isEqualTo(settled);
    assertThat(DeliveryJson.readOutstanding(sent(DeliveryJson.outstanding(outstanding))))
        .isEqualTo(outstanding);
    assertThat(DeliveryJson.readDead(sent(DeliveryJson.dead(dead)))).isEqualTo(dead);
  }

  /// The same, which a database takes.
  private static String sent(String json) throws Exception {
    StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(json));
    assertThat(json).doesNotContain("\0");
    return json;
  }

  @Example
  void columns_areForPeople() {
    assertThat(DeliveryJson.settled(List.of())).isEqualTo("[]");
    assertThat(DeliveryJson.settled(List.of(new SequenceRange(1, 5), new SequenceRange(7, 7))))
        .isEqualTo("[[1,5],[7,7]]");
    Outstanding plain = new Outstanding(new SequenceRange(1, 3), 2, 9, 1000, 60_000, false);
    Outstanding ordered =
        new Outstanding(
            new SequenceRange(4, 5),
            1,
            0,
            1000,
            500,
            true,
            List.of(new Ordering("k", 0), new Ordering("", 7)));
    assertThat(DeliveryJson.outstanding(List.of(plain, ordered)))
        .isEqualTo(
            "[{\"first\":1,\"last\":3,\"attempts\":2,\"lease\":9,\"since\":1000,\"for_ms\":60000},"
                + "{\"first\":4,\"last\":5,\"attempts\":1,\"lease\":0,\"since\":1000,"
                + "\"for_ms\":500,\"kept\":true,\"keys\":[\"k\",\"\"],\"priorities\":[0,7]}]");
    assertThat(
            DeliveryJson.dead(
                List.of(
                    new Dead(new SequenceRange(1, 2), 5),
                    new Dead(new SequenceRange(8, 8), 5, List.of(Ordering.ofPriority(3))))))
        .isEqualTo(
            "[{\"first\":1,\"last\":2,\"attempts\":5},"
                + "{\"first\":8,\"last\":8,\"attempts\":5,\"priorities\":[3]}]");
  }

  @Example
  void membersThatAreNotKnown_arePassedOver() {
    assertThat(
            DeliveryJson.readDead(
                " [ { \"why\" : [{\"x\":[]}], \"last\":2, \"first\":1,\"attempts\":5} ] "))
        .containsExactly(new Dead(new SequenceRange(1, 2), 5));
  }

  @Example
  void whatIsWrong_isRefused() {
    for (String json :
        List.of("", "{}", "[", "[1]", "[[1]]", "[[1,2,3]]", "[[2,1]]", "[[1,\"2\"]]", "[][]")) {
      assertThatThrownBy(() -> DeliveryJson.readSettled(json))
          .as(json)
          .isInstanceOf(IllegalArgumentException.class);
    }
    String good = "\"first\":1,\"last\":1,\"attempts\":1";
    for (String json :
        List.of(
            "[[1,2]]",
            "[{}]",
            "[{\"first\":1,\"last\":1}]",
            "[{" + good + "]",
            "[{" + good + ",\"keys\":[\"a\",\"b\"]}]",
            "[{" + good + ",\"keys\":\"a\"}]",
            "[{" + good + ",\"keys\":[1]}]",
            "[{" + good + ",\"keys\":[\"a\"],\"priorities\":[1,1]}]",
            "[{" + good + ",\"priorities\":[10]}]",
            "[{\"first\":1.5,\"last\":2,\"attempts\":1}]",
            "[{\"first\":1,\"last\":2,\"attempts\":3000000000}]")) {
      assertThatThrownBy(() -> DeliveryJson.readDead(json))
          .as(json)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> DeliveryJson.readOutstanding("[{" + good + "}]"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lease: missing");
    assertThatThrownBy(() ->
            DeliveryJson.readOutstanding(
                "[{" + good + ",\"lease\":1,\"since\":1,\"for_ms\":1,\"kept\":3}]"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
