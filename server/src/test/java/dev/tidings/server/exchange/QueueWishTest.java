// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Queue.Mode;
import dev.tidings.core.log.Start;
import dev.tidings.core.message.MessageId;
import dev.tidings.server.wire.JsonValue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class QueueWishTest {

  private static RequestFields payload(String fields) {
    return JsonValue.parse(("{" + fields + "}").getBytes(UTF_8), 2)
            instanceof JsonValue.Valid(JsonValue.JsonObject object)
        ? new RequestFields(object)
        : new RequestFields(empty());
  }

  private static JsonValue.JsonObject empty() {
    throw new AssertionError("no object");
  }

  private static QueueWish valid(String fields) {
    RequestFields payload = payload(fields);
    QueueWish wish = QueueWish.read(payload);
    assertThat(payload.fault()).isEmpty();
    return wish;
  }

  @Test
  void originals_isNoMore_andTheDefaultsCount() {
    assertThat(QueueWish.isMore(payload("\"queue_name\":\"q\",\"from\":null"))).isFalse();
    QueueWish wish = valid("\"queue_name\":\"q\"");
    assertThat(wish.from()).isEmpty();
    assertThat(wish.isManual()).isFalse();
    assertThat(wish.limit()).isEqualTo(100);
    assertThat(wish.confirm()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"from\":\"last\"",
        "\"ack\":\"auto\"",
        "\"prefetch\":1",
        "\"confirm\":false",
        "\"Confirm\":true"
      })
  void anyAddition_isMore(String fields) {
    assertThat(QueueWish.isMore(payload(fields))).isTrue();
    QueueWish _ = valid(fields);
  }

  @Test
  void from_isAPlaceOrAnId() {
    MessageId id = new MessageId(1, 2, 3);
    assertThat(valid("\"from\":\"last\"").from()).hasValue(new Start.Last());
    assertThat(valid("\"from\":\"earliest\"").from()).hasValue(new Start.Earliest());
    assertThat(valid("\"from\":\"" + id.toUuid() + "\"").from()).hasValue(new Start.After(id));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"from\":\"first\"",
        "\"from\":1",
        "\"from\":\"\"",
        "\"ack\":\"never\"",
        "\"ack\":true",
        "\"prefetch\":0",
        "\"prefetch\":1001",
        "\"prefetch\":1.5",
        "\"prefetch\":\"1\"",
        "\"confirm\":1"
      })
  void anythingElse_isAFault(String fields) {
    RequestFields payload = payload(fields);
    QueueWish _ = QueueWish.read(payload);
    assertThat(payload.fault()).isPresent();
  }

  @Test
  void prefetch_atItsBounds() {
    assertThat(valid("\"ack\":\"manual\",\"prefetch\":1").limit()).isEqualTo(1);
    assertThat(valid("\"ack\":\"manual\",\"prefetch\":1000").limit()).isEqualTo(1000);
  }

  @Test
  void additionsOfOneMode_areAFaultInTheOther() {
    QueueWish manual = valid("\"ack\":\"manual\"");
    QueueWish earliest = valid("\"from\":\"earliest\"");
    assertThat(manual.fault(Mode.WORK)).isEmpty();
    assertThat(manual.fault(Mode.BROADCAST)).isPresent();
    assertThat(earliest.fault(Mode.BROADCAST)).isEmpty();
    assertThat(earliest.fault(Mode.WORK)).isPresent();
  }
}
