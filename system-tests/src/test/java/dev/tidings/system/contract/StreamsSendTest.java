// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a send may say (section 1), and what is refused and changes nothing (sections 2 and 6).
@SystemTest
final class StreamsSendTest {
  private static final String INVALID = "invalid request schema";
  private static final String ABSENT = "";

  private final TidingsProcess tight;
  private final Streams streams;

  StreamsSendTest(@On(Setup.DEV) TidingsProcess server, @On(Setup.TIGHT) TidingsProcess tight) {
    this.streams = Streams.on(server);
    this.tight = tight;
  }

  /// A body that is good but for one member.
  private static String body(String stream, String member, String json) {
    var members = new LinkedHashMap<String, String>();
    members.put("streamId", Template.quoted(stream));
    members.put("messageUuid", Template.quoted(UUID.randomUUID().toString()));
    members.put("message", "{\"n\":1}");
    if (member.equals("dbTTLSeconds")) {
      members.put("writeToDB", "true");
    }
    if (json.equals(ABSENT)) {
      members.remove(member);
    } else {
      members.put(member, json);
    }
    return members.entrySet().stream()
        .map(each -> Template.quoted(each.getKey()) + ":" + each.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }

  private static Stream<Arguments> badMembers() {
    var numbers = List.of("\"3\"", "\"\"", "null", "true", "1.5", "[]", "{}", "1e400");
    var bad = Stream.<Arguments>builder();
    for (String json : List.of(ABSENT, "\"\"", "null", "5", "true", "[]", "{\"a\":1}")) {
      bad.add(Arguments.of("streamId", json));
    }
    bad.add(Arguments.of("streamId", Template.quoted("x".repeat(1025))));
    for (String json :
        List.of(
            ABSENT,
            "\"\"",
            "null",
            "5",
            "[]",
            "\"msg-123\"",
            "\"550e8400-e29b-41d4-a716-44665544000\"",
            "\"550e8400-e29b-41d4-a716-4466554400000\"",
            "\"550e8400-e29b-41d4-a716-44665544000g\"",
            "\"550e8400e-29b-41d4-a716-446655440000\"",
            "\"550e8400-e29b-41d4-a716-446655440000 \"",
            "\"550e8400e29b41d4a71644665544000\"",
            "\"550e8400e29b41d4a7164466554400000\"",
            "\"550e8400e29b41d4a71644665544000x\"",
            "\"{550e8400-e29b-41d4-a716-446655440000\"",
            "\"{550e8400e29b41d4a716446655440000}\"",
            "\"urn:uuid:550e8400\"",
            "\"urn:uid:550e8400-e29b-41d4-a716-446655440000\"",
            "\"\\u0665\\u0665\\u0665e8400-e29b-41d4-a716-446655440000\"")) {
      bad.add(Arguments.of("messageUuid", json));
    }
    for (String member :
        List.of("inMemoryStreamSize", "blockingSendTimeoutSeconds", "dbTTLSeconds")) {
      numbers.forEach(json -> bad.add(Arguments.of(member, json)));
    }
    for (String json :
        List.of(
            "-1",
            "-2147483648",
            "1000001",
            "2147483647",
            "2147483648",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999999")) {
      bad.add(Arguments.of("inMemoryStreamSize", json));
    }
    for (String json : List.of("301", "2147483647", "2147483648", "99999999999999999999")) {
      bad.add(Arguments.of("blockingSendTimeoutSeconds", json));
    }
    for (String json : List.of("0", "-1", "-2147483648", "31536001", "99999999999999999999")) {
      bad.add(Arguments.of("dbTTLSeconds", json));
    }
    for (String json : List.of("\"true\"", "1", "0", "null", "[]")) {
      bad.add(Arguments.of("writeToDB", json));
    }
    for (String unknown : List.of("unknown", "StreamId", "messageUUID", "ttl", "")) {
      bad.add(Arguments.of(unknown, "1"));
    }
    return bad.build();
  }

  @ParameterizedTest
  @MethodSource("badMembers")
  void badMember_is400ThatNamesIt_andMakesNothing(String member, String json) {
    String stream = Streams.unique();

    Answer answer = streams.caller().post(Streams.SEND, body(stream, member, json));

    Streams.expectError(answer, 400, INVALID, member);
    assertThat(streams.listed(stream)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "}",
        "[]",
        "\"text\"",
        "5",
        "null",
        "true",
        "{\"streamId\":\"x\"",
        "{\"streamId\":\"x\",}",
        "{'streamId':'x'}",
        "{streamId:\"x\"}",
        "streamId=x&message=1",
        "\u0000",
        "{\"streamId\":\"x\",\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\",\"message\":NaN}",
        "{\"streamId\":\"x\",\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\",\"message\":01}",
        "{\"streamId\":\"x\",\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\",\"message\":1}}",
        "{\"streamId\":\"x\",\"messageUuid\":\"550e8400-e29b-41d4-a716-446655440000\",\"message\":1} x"
      })
  void malformedBody_is400(String body) {
    Streams.expectError(streams.caller().post(Streams.SEND, body), 400, INVALID);
    assertThat(streams.listed("x")).isEmpty();
  }

  @Test
  void deeplyNestedMessage_isKeptOrRefused_andTheServerLives() {
    String stream = Streams.unique();
    String deep = "[".repeat(100) + "]".repeat(100);
    streams.put(Outgoing.to(stream, deep));
    assertThat(streams.receive(stream, Streams.NOW).body()).contains("\"message\":" + deep + ",");

    Answer answer =
        streams.send(Outgoing.to(stream, "[".repeat(1_000_000) + "]".repeat(1_000_000)));
    assertThat(answer.status()).isIn(200, 400);
    streams.put(Outgoing.to(stream, 1));
  }

  @Test
  void tooLargeBody_is413InThisShape() {
    Streams here = Streams.on(tight);
    String stream = Streams.unique();

    Streams.error(here.send(Outgoing.to(stream, Template.quoted("x".repeat(70 * 1024)))), 413);
    here.put(Outgoing.to(stream, Template.quoted("x".repeat(60 * 1024))));
    assertThat(here.take(stream).value().asString()).hasSize(60 * 1024);
  }

  @Test
  void anotherMethodOrPath_isRefusedInThisShape() {
    Streams.error(streams.caller().put(Streams.SEND, "{}"), 405);
    Streams.error(streams.caller().post(Streams.ROOT + "/receive", "{}"), 405);
    assertThat(streams.caller().get(Streams.ROOT + "/unknown").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400-E29B-41D4-A716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "550E8400E29B41D4A716446655440000",
        "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
        "{550e8400-e29b-41d4-a716-446655440000}"
      })
  void uuid_inEachForm_isEchoedInTheUsualOne(String uuid) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1).as(uuid));

    assertThat(streams.take(stream).uuid()).isEqualTo("550e8400-e29b-41d4-a716-446655440000");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "01890a5d-ac96-774b-bcce-b302099a8057"
      })
  void uuid_ofAnyVersion_isTaken(String uuid) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1).as(uuid));

    assertThat(streams.take(stream).uuid()).isEqualTo(uuid);
  }

  @Test
  void absentMessage_isNull_andNullIsKept() {
    String stream = Streams.unique();
    streams
        .caller()
        .post(
            Streams.SEND,
            "{\"streamId\":\"%s\",\"messageUuid\":\"%s\"}".formatted(stream, UUID.randomUUID()))
        .expect(200, Streams.SENT);
    streams.put(Outgoing.to(stream, "null"));

    for (int i = 0; i < 2; i++) {
      Answer answer = streams.receive(stream, Streams.NOW).expect(200);
      assertThat(answer.body()).startsWith("{\"message\":null,\"messageUuid\":\"");
      assertThat(Streams.message(answer).value().isNull()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\":1.0,\"b\":12345678901234567890123,\"c\":1e-7,\"a\":2}",
        "\"\\u00e9\\/\\\"\\ud83d\\ude00 é😀\"",
        "[1,\t2 , 3]",
        "-0.0",
        "123456789.123456789123456789"
      })
  void message_isKeptAsItCame(String message) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, message));

    assertThat(streams.receive(stream, Streams.NOW).expect(200).body())
        .contains("\"message\":" + message + ",\"messageUuid\":");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a b", "a/b", "a?b&c=d", "ü-😀", "..", "%41", "+", "\"", "\\", "\n", "{id}", " ", "send",
        "receive"
      })
  void streamId_isAnyText(String suffix) {
    String stream = Streams.unique() + suffix;
    streams.put(Outgoing.to(stream, 1));

    assertThat(streams.count(stream, "messages")).isEqualTo(1);
    assertThat(streams.take(stream).n()).isEqualTo(1);
  }

  @Test
  void streamId_of1024Characters_isTaken() {
    String unique = Streams.unique();
    String stream = unique + "x".repeat(1024 - unique.length());
    streams.put(Outgoing.to(stream, 1));

    assertThat(streams.take(stream).n()).isEqualTo(1);
  }

  @Test
  void size_absent_is100() {
    String stream = Streams.unique();
    streams.putNumbers(stream, 0, 101);

    assertThat(streams.count(stream, "inMemoryStreamSize")).isEqualTo(100);
    assertThat(streams.count(stream, "messages")).isEqualTo(100);
    assertThat(streams.take(stream).n()).isEqualTo(1);
  }

  @Test
  void size_countsOnlyWhereTheStreamIsMade_butIsChecked() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).size(2));
    streams.put(Outgoing.to(stream, 1).size(1_000_000));
    streams.put(Outgoing.to(stream, 2).size(1));
    streams.put(Outgoing.to(stream, 3));
    for (int size : List.of(-1, 1_000_001)) {
      Streams.expectError(
          streams.send(Outgoing.to(stream, 4).size(size)), 400, INVALID, "inMemoryStreamSize");
    }

    assertThat(streams.count(stream, "inMemoryStreamSize")).isEqualTo(2);
    assertThat(streams.drain(stream)).containsExactly(2, 3);
  }

  /// A hundred million places: more than the server has memory for, if it made them.
  @Test
  void size_ofTheMostAllowed_allocatesNothing() {
    String prefix = Streams.unique();
    for (int i = 0; i < 100; i++) {
      streams.put(Outgoing.to(prefix + "-" + i, i).size(1_000_000));
    }
    assertThat(streams.count(prefix + "-99", "inMemoryStreamSize")).isEqualTo(1_000_000);
    for (int i = 0; i < 100; i++) {
      assertThat(streams.take(prefix + "-" + i).n()).isEqualTo(i);
    }
  }

  @Test
  void limits_areReached() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).blocking(300).ttl(31_536_000).size(1_000_000));
    streams.put(Outgoing.to(stream, 1).ttl(1));

    assertThat(streams.take(stream).n()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "2147483647"})
  void ttl_withoutWriteToDb_isNotLookedAt(String ttl) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1).with("dbTTLSeconds", ttl));
    streams.put(Outgoing.to(stream, 2).with("writeToDB", "false").with("dbTTLSeconds", ttl));

    assertThat(streams.drain(stream)).containsExactly(1, 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"1\"", "1.5", "null", "true"})
  void ttl_withoutWriteToDb_hasItsTypeChecked(String ttl) {
    Streams.expectError(
        streams.send(Outgoing.to(Streams.unique(), 1).with("dbTTLSeconds", ttl)),
        400,
        INVALID,
        "dbTTLSeconds");
  }

  /// A negative size once hung the whole node.
  @Test
  void refusedSends_leaveAnExistingStreamAsItWas() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1));
    for (String size : List.of("-1", "-2147483648", "null", "2147483648")) {
      streams.send(Outgoing.to(stream, 2).with("inMemoryStreamSize", size)).expect(400);
    }
    streams.send(Outgoing.to(stream, 2).as("msg-123")).expect(400);
    streams.send(Outgoing.to(stream, 2).blocking(301)).expect(400);
    streams.send(Outgoing.to(stream, 2).ttl(0)).expect(400);

    assertThat(streams.drain(stream)).containsExactly(1);
  }

  @Test
  void refusedSend_forgetsItsUuid() {
    String stream = Streams.unique();
    Outgoing message = Outgoing.to(stream, 1);
    streams.send(message.size(-1)).expect(400);
    streams.put(message);

    assertThat(streams.drain(stream)).containsExactly(1);
  }
}
