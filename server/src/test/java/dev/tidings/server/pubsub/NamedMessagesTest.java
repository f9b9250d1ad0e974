// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class NamedMessagesTest {
  private static final int LOG = 7;
  private static final Subscription SUBSCRIPTION =
      new Subscription(
          "s",
          9,
          "t",
          LOG,
          "owner",
          Optional.empty(),
          new DeliveryPolicy(5, 5000, 300_000, OptionalLong.empty()),
          1,
          0);

  private static Fields fields(String body) {
    JsonValue.Parsed parsed =
        JsonValue.parse(body.getBytes(StandardCharsets.UTF_8), NamedMessages.DEPTH);
    assertThat(parsed).isInstanceOf(JsonValue.Valid.class);
    return NamedMessages.fields(((JsonValue.Valid) parsed).value());
  }

  private static String quoted(long sequence, int incarnation) {
    return "\"" + new MessageId(1000, sequence, incarnation).toUuid() + "\"";
  }

  private static String list(int count) {
    return "[" + String.join(",", Collections.nCopies(count, quoted(1, LOG))) + "]";
  }

  @Test
  void ids_ofOtherTopicsAndOtherThings_arePassedOver() {
    Fields fields =
        fields(
            "["
                + quoted(3, LOG)
                + ","
                + quoted(4, LOG + 1)
                + ",\""
                + new UUID(1, 2)
                + "\","
                + quoted(3, LOG)
                + "]");
    NamedMessages named = NamedMessages.read(fields);
    assertThat(fields.errors()).isEmpty();
    assertThat(named.ids()).hasSize(4);
    assertThat(named.sequencesIn(SUBSCRIPTION)).containsExactly(3L, 3L);
    assertThat(named.lease()).isEmpty();
  }

  @Test
  void object_saysTheLeaseToo() {
    Fields fields = fields("{\"ids\":[" + quoted(5, LOG) + "],\"lease_id\":\"9-12\"}");
    NamedMessages named = NamedMessages.read(fields);
    assertThat(fields.errors()).isEmpty();
    assertThat(named.of(SUBSCRIPTION).sequences()).containsExactly(5L);
    assertThat(named.of(SUBSCRIPTION).lease()).hasValue(12);
  }

  @Test
  void leaseOfAnotherSubscription_namesNothing() {
    Fields fields = fields("{\"ids\":[" + quoted(5, LOG) + "],\"lease_id\":\"8-12\"}");
    NamedMessages named = NamedMessages.read(fields);
    assertThat(fields.errors()).isEmpty();
    assertThat(named.of(SUBSCRIPTION).sequences()).isEmpty();
  }

  @Test
  void lease_thatIsNone_isTold() {
    Fields fields = fields("{\"ids\":[],\"lease_id\":\"x\"}");
    NamedMessages.read(fields);
    assertThat(fields.errors()).extracting(FieldError::location).hasToString("[[body, lease_id]]");
  }

  @Test
  void ids_areTakenUpToTheBound() {
    Fields atBound = fields(list(10_000));
    assertThat(NamedMessages.read(atBound).ids()).hasSize(10_000);
    assertThat(atBound.errors()).isEmpty();
    Fields above = fields(list(10_001));
    assertThat(NamedMessages.read(above).ids()).isEmpty();
    assertThat(above.errors()).extracting(FieldError::type).containsExactly("too_long");
    assertThat(above.errors().getFirst().message())
        .isEqualTo("List should have at most 10000 items after validation, not 10001");
  }

  @Test
  void otherThanAListOfUuids_isTold() {
    Fields object = fields("{\"a\":1}");
    NamedMessages.read(object);
    assertThat(object.errors()).extracting(FieldError::type).containsExactly("list_type");
    Fields items = fields("[1,\"x\"," + quoted(1, LOG) + "]");
    NamedMessages.read(items);
    assertThat(items.errors())
        .extracting(FieldError::type)
        .containsExactly("uuid_type", "uuid_parsing");
    assertThat(items.errors())
        .extracting(FieldError::location)
        .hasToString("[[body, 0], [body, 1]]");
  }
}
