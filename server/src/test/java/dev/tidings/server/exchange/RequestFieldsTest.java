// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.command.CreateQueue;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.message.Ordering;
import dev.tidings.server.wire.JsonValue;
import dev.tidings.server.wire.JsonValue.JsonObject;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestFieldsTest {
  private static final DeliveryPolicy STANDARD =
      new DeliveryPolicy(5, 5_000, 300_000, OptionalLong.empty());

  private static RequestFields fields(String body) {
    if (JsonValue.parseFirst(body.getBytes(UTF_8), RequestFields.DEPTH)
        instanceof JsonValue.Valid(JsonObject object)) {
      return new RequestFields(object);
    }
    throw new AssertionError(body);
  }

  private static CreateQueue queue(RequestFields fields) {
    return QueueCalls.read(fields, STANDARD, "owner");
  }

  /// A queue with the field that is needed and `more`, which is right.
  private static CreateQueue queue(String more) {
    RequestFields fields = fields("{\"name\":\"q\"" + more + "}");
    CreateQueue read = queue(fields);
    assertThat(fields.fault()).isEmpty();
    return read;
  }

  @Test
  void leastQueue_hasTheDefaults() {
    assertThat(queue(""))
        .isEqualTo(
            new CreateQueue(
                "q", false, Queue.Mode.BROADCAST, Queue.Bounds.NONE, STANDARD, "owner"));
  }

  @Test
  void nulls_areAsGoodAsAbsent() {
    assertThat(
            queue(
                ",\"durable\":null,\"mode\":null,\"max_length\":null,\"message_ttl\":null,"
                    + "\"overflow\":null,\"max_delivery_attempts\":null,"
                    + "\"backoff_min_seconds\":null,\"backoff_max_seconds\":null,"
                    + "\"ack_deadline_seconds\":null"))
        .isEqualTo(queue(""));
  }

  @Test
  void everyField_counts_inAnyCase() {
    CreateQueue read =
        queue(
            ",\"Durable\":true,\"MODE\":\"Work\",\"Max_Length\":7,\"message_ttl\":8,"
                + "\"overflow\":\"REJECT\",\"max_delivery_attempts\":2,"
                + "\"backoff_min_seconds\":3,\"backoff_max_seconds\":4,"
                + "\"ack_deadline_seconds\":9,\"unknown\":[{}]");
    assertThat(read)
        .isEqualTo(
            new CreateQueue(
                "q",
                true,
                Queue.Mode.WORK,
                new Queue.Bounds(OptionalLong.of(7), OptionalLong.of(8_000), Queue.Overflow.REJECT),
                new DeliveryPolicy(2, 3_000, 4_000, OptionalLong.of(9_000)),
                "owner"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "name                  | ''",
        "name                  | null",
        "name                  | 5",
        "name                  | \"\"",
        "durable               | \"yes\"",
        "durable               | 1",
        "mode                  | \"works\"",
        "mode                  | 1",
        "max_length            | 0",
        "max_length            | 1.0",
        "max_length            | \"1\"",
        "max_length            | 1000000000001",
        "max_length            | 99999999999999999999",
        "message_ttl           | 0",
        "message_ttl           | 1e3",
        "overflow              | \"drop_oldest\"",
        "max_delivery_attempts | 2147483648",
        "backoff_min_seconds   | 0",
        "backoff_max_seconds   | -1",
        "ack_deadline_seconds  | 86401",
      })
  void whatIsWrong_isNamed(String name, String value) {
    String sent = value.isEmpty() ? "" : "\"" + name + "\":" + value + ",";
    RequestFields fields =
        fields("{" + sent + (name.equals("name") ? "" : "\"name\":\"q\",") + "\"x\":1}");
    CreateQueue _ = queue(fields);
    assertThat(fields.fault().orElse("nothing"))
        .startsWith(name + ": ")
        .contains(" (expected: ")
        .endsWith(")");
  }

  @Test
  void texts_areCountedInCharacters() {
    String most = "\uD83D\uDE00".repeat(255);
    RequestFields good = fields("{\"name\":\"" + most + "\",\"key\":\"" + most + "\"}");
    assertThat(good.name("name")).isEqualTo(most);
    assertThat(good.key("key")).isEqualTo(most);
    assertThat(good.key("absent")).isEmpty();
    assertThat(good.fault()).isEmpty();
    RequestFields over = fields("{\"name\":\"x" + most + "\"}");
    String _ = over.name("name");
    assertThat(over.fault())
        .hasValue("name: 256 characters (expected: a text of 1 to 255 characters)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "false",
        "\"\"",
        "{}",
        "[]",
        "{ \"n\" : 12345678901234567890.10 }",
        "[[[[1]]]]"
      })
  void payload_isKeptAsItCame(String json) {
    RequestFields fields = fields("{\"payload\": " + json + " }");
    assertThat(fields.payload("payload").text()).isEqualTo(json);
    assertThat(fields.fault()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"payload\":null}"})
  void payload_hasToBeThere(String body) {
    RequestFields fields = fields(body);
    assertThat(fields.payload("payload").size()).isZero();
    assertThat(fields.fault()).isPresent();
  }

  @ParameterizedTest
  @CsvSource({"direct,DIRECT", "FanOut,FANOUT", "TOPIC,TOPIC"})
  void words_areReadInAnyCase(String word, Exchange.Type type) {
    RequestFields fields = fields("{\"type\":\"" + word + "\"}");
    assertThat(fields.word("type", Exchange.Type.values())).isEqualTo(type);
    assertThat(fields.fault()).isEmpty();
  }

  @Test
  void firstFault_isTheOneThatIsTold() {
    RequestFields fields = fields("{\"type\":\"none\",\"name\":1}");
    String _ = fields.name("name");
    Exchange.Type _ = fields.word("type", Exchange.Type.values());
    assertThat(fields.fault().orElse("")).startsWith("name: 1 ");
  }

  @Test
  void priorities_areZeroToNine() {
    assertThat(PublishCalls.priority(fields("{}"))).isEqualTo(Ordering.NONE);
    assertThat(PublishCalls.priority(fields("{\"priority\":null}"))).isEqualTo(Ordering.NONE);
    assertThat(PublishCalls.priority(fields("{\"priority\":0}"))).isEqualTo(Ordering.NONE);
    assertThat(PublishCalls.priority(fields("{\"Priority\":9}"))).isEqualTo(Ordering.ofPriority(9));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "10", "1.5", "\"5\"", "true", "[]", "99999999999999999999"})
  void priorities_beyondThem_areRefused(String priority) {
    RequestFields fields = fields("{\"priority\":" + priority + "}");
    assertThat(PublishCalls.priority(fields)).isEqualTo(Ordering.NONE);
    assertThat(fields.fault())
        .hasValue("priority: " + priority + " (expected: a whole number from 0 to 9)");
  }
}
