// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The calls of operators: list, peek, purge and delete.
@SystemTest
final class StreamsOperatorTest {
  private static final String NOT_FOUND = "stream not found";

  private final Streams streams;
  private final Caller caller;

  StreamsOperatorTest(@On(Setup.DEV) TidingsProcess server) {
    this.streams = Streams.on(server);
    this.caller = streams.caller();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private Answer list(String query) {
    return caller.get(Streams.ROOT + query);
  }

  private static List<String> ids(Answer page) {
    return page.expect(200)
        .json()
        .get("streams")
        .valueStream()
        .map(row -> row.get("streamId").asString())
        .toList();
  }

  // List

  @Test
  void list_showsAStream() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).size(2));
    streams.put(Outgoing.to(stream, 1));
    var sender = streams.sendLater(Outgoing.to(stream, 2).blocking(20));
    streams.awaitBlocked(stream, 1);

    Answer page = list("?prefix=" + stream);

    page.expect(
        200,
        """
        {"streams":[{"streamId":"%s","inMemoryStreamSize":2,"messages":2,"receivers":0,
          "blockedSenders":1,"durable":false}],"next":null}
        """
            .formatted(stream));
    assertThat(page.json().get("streams").get(0).propertyNames())
        .containsExactly(
            "streamId", "inMemoryStreamSize", "messages", "receivers", "blockedSenders", "durable");
    streams.delete(stream).expectNoContent();
    Streams.expectError(Streams.result(sender), 410, "stream deleted");
  }

  @Test
  void list_showsWaitingReceivers_ofStreamsThatExist() {
    String missing = Streams.unique();
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).durable());
    assertThat(streams.take(stream).n()).isZero();
    var waiting = List.of(streams.receiveLater(stream, 20), streams.receiveLater(missing, 20));
    streams.awaitWaitingReceivers(2);

    list("?prefix=" + stream)
        .expect(
            200,
            """
            {"streams":[{"streamId":"%s","inMemoryStreamSize":100,"messages":0,"receivers":1,
              "blockedSenders":0,"durable":true}],"next":null}
            """
                .formatted(stream));
    list("?prefix=" + missing).expect(200, "{\"streams\":[],\"next\":null}");

    streams.put(Outgoing.to(stream, 1));
    streams.put(Outgoing.to(missing, 1));
    waiting.forEach(receiver -> Streams.message(Streams.result(receiver)));
    assertThat(streams.listed(missing)).isPresent();
  }

  @Test
  void list_hasPagesInOrder() {
    String prefix = Streams.unique() + "-";
    var all =
        List.of("", "a", "a/b", "b", "b b", "c&d=e", "é", "\uD83D\uDE00").stream()
            .map(suffix -> prefix + suffix)
            .toList();
    // In another order than theirs, some of them stored only.
    for (int i = all.size() - 1; i >= 0; i--) {
      streams.put(
          i % 2 == 0 ? Outgoing.to(all.get(i), i) : Outgoing.to(all.get(i), i).size(0).durable());
    }
    streams.put(Outgoing.to("0" + prefix, 0));

    for (int limit : List.of(1, 3, 7, 8, 9, 1000)) {
      var listed = new ArrayList<String>();
      String after = "";
      int pages = 0;
      do {
        Answer page = list("?prefix=" + Streams.encoded(prefix) + "&limit=" + limit + after);
        List<String> ids = ids(page);
        assertThat(ids).hasSizeLessThanOrEqualTo(limit);
        listed.addAll(ids);
        JsonNode next = page.json().get("next");
        after = next.isNull() ? "" : "&after=" + Streams.encoded(next.asString());
        pages++;
      } while (!after.isEmpty());
      assertThat(listed).as("limit %d", limit).isEqualTo(all);
      assertThat(pages).isLessThanOrEqualTo(all.size() / limit + 1);
    }
    assertThat(
            ids(
                list(
                    "?prefix="
                        + Streams.encoded(prefix)
                        + "&after="
                        + Streams.encoded(prefix + "aa"))))
        .isEqualTo(all.subList(3, 8));
  }

  @Test
  void list_has100ByDefault() {
    String prefix = Streams.unique() + "-";
    for (int i = 0; i < 101; i++) {
      streams.put(Outgoing.to(prefix + (1000 + i), i));
    }
    Answer page = list("?prefix=" + prefix);
    assertThat(ids(page)).hasSize(100);
    assertThat(ids(list("?prefix=" + prefix + "&after=" + page.text("next")))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1001", "abc", "1.5", "99999999999999999999"})
  void list_badLimit_is400(String limit) {
    Streams.error(list("?limit=" + limit), 400);
  }

  // Peek

  @Test
  void peek_takesNothing() {
    String stream = Streams.unique();
    var sent = IntStream.range(0, 25).mapToObj(n -> Outgoing.to(stream, n)).toList();
    sent.forEach(streams::put);

    streams
        .peek(stream, "limit=1")
        .expect(
            200,
            """
            {"messages":[{"message":{"n":0},"messageUuid":"%s","timestamp":"<text>"}],"total":25}
            """
                .formatted(sent.getFirst().uuid()));
    assertThat(Streams.numbers(Streams.messages(streams.peek(stream, "")))).isEqualTo(range(0, 10));
    assertThat(Streams.numbers(Streams.messages(streams.peek(stream, "offset=20"))))
        .isEqualTo(range(20, 25));
    assertThat(Streams.numbers(Streams.messages(streams.peek(stream, "offset=3&limit=4"))))
        .isEqualTo(range(3, 7));
    assertThat(Streams.numbers(Streams.messages(streams.peek(stream, "limit=100"))))
        .isEqualTo(range(0, 25));
    streams.peek(stream, "offset=25").expect(200, "{\"messages\":[],\"total\":25}");
    streams.peek(stream, "offset=1000000").expect(200, "{\"messages\":[],\"total\":25}");
    assertThat(streams.drain(stream)).isEqualTo(range(0, 25));
    streams.peek(stream, "").expect(200, "{\"messages\":[],\"total\":0}");
  }

  @ParameterizedTest
  @CsvSource({
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=abc",
    "offset=-1",
    "offset=abc",
    "offset=1.5",
    "offset=99999999999999999999"
  })
  void peek_badQuery_is400(String query) {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 1));

    Streams.error(streams.peek(stream, query), 400);
  }

  // Purge

  @Test
  void purge_emptiesMemoryAndStore_andKeepsTheStream() {
    String stream = Streams.unique();
    for (int n = 0; n < 3; n++) {
      streams.put(Outgoing.to(stream, n).size(7).durable());
    }
    assertThat(streams.take(stream).n()).isZero();

    streams.purge(stream).expect(200, "{\"purged\":2}");

    streams.expectNothing(stream);
    assertThat(streams.stored(stream)).isEmpty();
    assertThat(streams.count(stream, "inMemoryStreamSize")).isEqualTo(7);
    streams.purge(stream).expect(200, "{\"purged\":0}");
    streams.put(Outgoing.to(stream, 9).durable());
    assertThat(streams.stored(stream)).containsExactly(9);
    assertThat(streams.drain(stream)).containsExactly(9);
  }

  @Test
  void purge_makesRoomForBlockedSenders() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).size(1));
    var sender = streams.sendLater(Outgoing.to(stream, 1).blocking(20));
    streams.awaitBlocked(stream, 1);

    streams.purge(stream).expect(200, "{\"purged\":1}");

    Streams.expectSent(Streams.result(sender));
    assertThat(streams.drain(stream)).containsExactly(1);
  }

  // Delete

  @Test
  void delete_endsBlockedSenders_andKeepsWaitingReceivers() {
    String full = Streams.unique();
    String rendezvous = Streams.unique();
    String empty = Streams.unique();
    streams.put(Outgoing.to(full, 0).size(1));
    streams.put(Outgoing.to(empty, 0).size(1));
    assertThat(streams.take(empty).n()).isZero();
    var blocked = streams.sendLater(Outgoing.to(full, 1).blocking(20));
    var matching = streams.sendLater(Outgoing.to(rendezvous, 1).size(0).blocking(20));
    var receivers = List.of(streams.receiveLater(empty, 20), streams.receiveLater(empty, 20));
    streams.awaitBlocked(full, 1);
    streams.awaitBlocked(rendezvous, 1);
    streams.awaitReceivers(empty, 2);

    for (String stream : List.of(full, rendezvous, empty)) {
      streams.delete(stream).expectNoContent();
      assertThat(streams.listed(stream)).isEmpty();
    }

    Streams.expectError(Streams.result(blocked), 410, "stream deleted");
    Streams.expectError(Streams.result(matching), 410, "stream deleted");
    streams.expectNothing(full);
    streams.expectNothing(rendezvous);
    assertThat(receivers).noneMatch(receiver -> receiver.isDone());
    streams.put(Outgoing.to(empty, 1).size(5));
    streams.put(Outgoing.to(empty, 2));
    assertThat(receivers.stream().map(each -> Streams.message(Streams.result(each)).n()).toList())
        .containsExactlyInAnyOrder(1, 2);
    assertThat(streams.count(empty, "inMemoryStreamSize")).isEqualTo(5);
  }

  @Test
  void delete_removesWhatIsStored() {
    String stream = Streams.unique();
    streams.put(Outgoing.to(stream, 0).durable());
    streams.delete(stream).expectNoContent();
    streams.expectNothing(stream);
    assertThat(streams.stored(stream)).isEmpty();
    assertThat(streams.listed(stream)).isEmpty();

    streams.put(Outgoing.to(stream, 1).durable());
    assertThat(streams.stored(stream)).containsExactly(1);
  }

  @Test
  void missingStream_is404_andMissingStreamIdIs400() {
    String missing = Streams.unique();
    Streams.expectError(streams.peek(missing, ""), 404, NOT_FOUND);
    Streams.expectError(streams.purge(missing), 404, NOT_FOUND);
    Streams.expectError(streams.delete(missing), 404, NOT_FOUND);
    for (String query : List.of("", "?streamId=")) {
      Streams.expectError(caller.get(Streams.ROOT + "/peek" + query), 400, "streamId is required");
      Streams.expectError(
          caller.post(Streams.ROOT + "/purge" + query, ""), 400, "streamId is required");
      Streams.expectError(caller.delete(Streams.ROOT + query), 400, "streamId is required");
    }
  }
}
