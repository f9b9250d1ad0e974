// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/// What once went wrong in the front-ends; each test says how.
@SystemTest
final class ServerRegressionTest {

  private final TidingsProcess server;
  private final TidingsProcess tight;
  private final RelayClient admin;

  ServerRegressionTest(
      @On(Setup.DEV) TidingsProcess server, @On(Setup.TIGHT) TidingsProcess tight) {
    this.server = server;
    this.tight = tight;
    this.admin = server.admin();
  }

  /// The topic was created, and its answer could not be written: the client waited for ever.
  @Test
  void unpairedSurrogate_inDescription_isRefused() {
    String topic = RelayClient.unique("surrogate");
    admin
        .postRaw("/api/v1/topics", "{\"topic_name\":\"" + topic + "\",\"description\":\"\\ud800\"}")
        .expectNotJson();
    admin.get("/api/v1/topics/" + topic).expect(404);
  }

  /// The decoder of forms threw, and the answer was 500.
  @Test
  void brokenEscape_inLoginForm_isRefused() {
    server
        .anonymous()
        .send(
            "POST",
            "/auth/login",
            BodyPublishers.ofString("username=%"),
            "Content-Type",
            "application/x-www-form-urlencoded")
        .expectDetail(400, "There was an error parsing the body");
  }

  /// The exponent did not fit 32 bits, and the answer was 500.
  @Test
  void hugeExponent_inTtl_isRefused() {
    admin
        .postRaw("/api/v1/messages", "{\"topic\":\"t\",\"payload\":{},\"ttl\":1e99999999999}")
        .expect(422);
  }

  /// Every entry of the metadata became an error of the answer.
  @Test
  void manyErrors_areNotAllTold() {
    var metadata = new LinkedHashMap<String, Object>();
    for (int i = 0; i < 1000; i++) {
      metadata.put("key" + i, i);
    }
    Reply reply = admin.publish("t", Map.of(), "metadata", metadata).expect(422);
    assertThat(reply.json().get("detail")).hasSize(100);
  }

  /// A query parameter took the place of the one in the path, so another topic was acted on.
  @Test
  void queryParameter_doesNotReplaceThePath() {
    String one = RelayClient.unique("one");
    String other = RelayClient.unique("other");
    admin.createTopic("topic_name", one).expect(201);
    admin.createTopic("topic_name", other).expect(201);
    Reply reply = admin.get("/api/v1/topics/" + one + "?topic_name=" + other).expect(200);
    assertThat(reply.json().get("topic_name").asString()).isEqualTo(one);
  }

  /// A poll held names of any length for a minute.
  @Test
  void longTopicName_inPoll_isRefused() {
    admin.poll("topics", List.of("a".repeat(256)), "timeout", 1).expect(422);
  }

  /// Each pong started the time for the first frame anew, so it never ran out.
  @Test
  void pongs_doNotProlongTheTimeForTheFirstFrame() {
    try (var socket = RawWebSocket.open(tight.admin())) {
      // Answers the server's pings until it sends its error, which comes before its close frame.
      assertThat(socket.expect("error").get("code").asString()).isEqualTo("SUBSCRIPTION_ERROR");
    }
  }

  /// The answers to a client that asks and does not read piled up; now it is not listened to until
  /// it has read, and then nothing is missing.
  @Test
  void pings_ofOneWhoDoesNotRead_areAnsweredOnceItDoes() {
    int count = 100_000;
    try (var socket = RawWebSocket.open(admin, 16 * 1024)) {
      socket.subscribe(RelayClient.unique("pings"));
      CompletableFuture<Void> sent =
          CompletableFuture.runAsync(() -> {
            for (int i = 0; i < count; i++) {
              socket.sendText("{\"type\":\"ping\"}");
            }
          });
      for (int i = 0; i < count; i++) {
        socket.expect("pong");
      }
      Await.result(sent);
    }
  }

  /// Every topic could give 4 MiB to one answer, and has_more did not tell what was cut off.
  @Test
  void poll_acrossTopics_isBoundedInBytes() {
    String filler = "x".repeat(3 << 20);
    var topics = new ArrayList<String>();
    var since = new LinkedHashMap<String, Object>();
    for (int i = 0; i < 4; i++) {
      String topic = RelayClient.unique("large");
      topics.add(topic);
      since.put(topic, "start");
      admin.publish(topic, Map.of("n", i, "filler", filler)).expect(201);
    }
    Poll first = Poll.of(admin.poll("topics", topics, "since", since, "timeout", 1));
    assertThat(first.numbers()).containsExactly(0, 1);
    assertThat(first.hasMore()).isTrue();
    Poll second = Poll.of(admin.poll("topics", topics, "since", first.cursors(), "timeout", 1));
    assertThat(second.numbers()).containsExactly(2, 3);
    assertThat(second.hasMore()).isFalse();
  }

  /// A poll threw away what it had read as soon as one page was missing, so one over more topics
  /// than the page cache holds was never answered.
  @Test
  void poll_overMoreThanThePageCacheHolds_isAnswered() {
    try (var small =
        TidingsProcess.startDev(
            Map.of(
                "TIDINGS_MEMORY_HOT_TIER_SIZE", "1MiB",
                "TIDINGS_MEMORY_PAGE_CACHE_SIZE", "1MiB"))) {
      RelayClient client = small.admin();
      String filler = "x".repeat(200_000);
      var topics = new ArrayList<String>();
      var since = new LinkedHashMap<String, Object>();
      for (int i = 0; i < 15; i++) {
        topics.add("cold-" + i);
        since.put("cold-" + i, "start");
        client.publish("cold-" + i, Map.of("n", i, "filler", filler)).expect(201);
      }
      Poll poll = Poll.of(client.poll("topics", topics, "since", since, "timeout", 10));
      assertThat(poll.numbers()).hasSize(15).doesNotHaveDuplicates();
    }
  }
}
