// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.server.pubsub.ScheduledCalls.Asked;
import dev.tidings.server.wire.FieldError;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.Timestamps;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduledCallsTest {
  private static final ScheduledId ID = new ScheduledId(1_000_000_000_250L, 7, 3);

  private static Fields fields(String body) {
    JsonValue.Parsed parsed = JsonValue.parse(body.getBytes(UTF_8), 2);
    assertThat(parsed).isInstanceOf(JsonValue.Valid.class);
    return Fields.of(((JsonValue.Valid) parsed).value());
  }

  private static Asked asked(String query) {
    Fields fields = fields(query);
    Asked asked = Asked.read(fields);
    assertThat(fields.errors()).isEmpty();
    return asked;
  }

  @Test
  void lists_areOfTheFirstTen_unlessSaidOtherwise() {
    assertThat(asked("{}")).isEqualTo(new Asked(ScheduledId.FIRST, 0, 10));
    assertThat(asked("{\"limit\":\"100\",\"offset\":\"10000\"}"))
        .isEqualTo(new Asked(ScheduledId.FIRST, 10_000, 100));
  }

  @Test
  void lists_goOnBehindAnId_inEitherSpelling() {
    Asked behind = new Asked(ID.next(), 0, 10);
    assertThat(asked("{\"after\":\"" + ID.toUuid() + "\"}")).isEqualTo(behind);
    assertThat(asked("{\"after\":\"" + ID.toRelayId() + "\"}")).isEqualTo(behind);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"limit\":\"0\"}",
        "{\"limit\":\"101\"}",
        "{\"offset\":\"-1\"}",
        "{\"after\":\"\"}",
        "{\"after\":\"01938a5e-7a1c-7000-8000-000000000001\"}",
      })
  void whatNoListCanBe_isTold(String query) {
    Fields fields = fields(query);
    Asked _ = Asked.read(fields);
    assertThat(fields.errors()).hasSize(1);
  }

  @Test
  void offsets_beyondTheBound_areToldOfAfter() {
    Fields fields = fields("{\"offset\":\"10001\"}");
    Asked _ = Asked.read(fields);
    assertThat(fields.errors()).hasSize(1);
    assertThat(fields.errors().getFirst().message()).contains("after=");
  }

  @Test
  void scheduledMessages_areShownAsTheyWerePublished() {
    NewMessage full =
        new NewMessage(
            Payload.of("{\"a\": 1}"),
            Payload.of("{\"k\":\"v\"}"),
            5_000,
            Ordering.ofKey("order \"7\""),
            ID.dueAt());
    assertThat(PubsubJson.scheduled(new ScheduledMessage("t", 3, 7, full), new Timestamps()).text())
        .isEqualTo(
            "{\"id\":\""
                + ID.toUuid()
                + "\",\"topic_id\":\"t\",\"deliver_at\":\"2001-09-09T01:46:40.250Z\","
                + "\"payload\":{\"a\": 1},\"ttl\":5,\"metadata\":{\"k\":\"v\"},"
                + "\"ordering_key\":\"order \\\"7\\\"\"}");
    NewMessage least =
        new NewMessage(Payload.of("{}"), Payload.EMPTY, Message.NEVER, Ordering.NONE, ID.dueAt());
    assertThat(
            PubsubJson.scheduled(new ScheduledMessage("t", 3, 7, least), new Timestamps()).text())
        .endsWith("\"payload\":{}}");
    assertThat(UUID.fromString(ID.toUuid().toString()).version()).isEqualTo(8);
  }

  @Test
  void orderingKeys_areHeldToTheirBytes() {
    assertThat(PublishCalls.ordering(fields("{}"))).isEqualTo(Ordering.NONE);
    assertThat(PublishCalls.ordering(fields("{\"ordering_key\":null}"))).isEqualTo(Ordering.NONE);
    for (String longest : new String[] {"a".repeat(256), "ä".repeat(128), "😀".repeat(64)}) {
      Fields fields = fields("{\"ordering_key\":\"" + longest + "\"}");
      assertThat(PublishCalls.ordering(fields)).isEqualTo(Ordering.ofKey(longest));
      assertThat(fields.errors()).isEmpty();
    }
    for (String bad :
        new String[] {
          "\"\"",
          "5",
          "[]",
          "\"" + "a".repeat(257) + "\"",
          "\"" + "ä".repeat(128) + "a\"",
          "\"" + "😀".repeat(64) + "a\""
        }) {
      Fields fields = fields("{\"ordering_key\":" + bad + "}");
      assertThat(PublishCalls.ordering(fields)).isEqualTo(Ordering.NONE);
      assertThat(fields.errors()).extracting(FieldError::location).hasSize(1);
    }
  }
}
