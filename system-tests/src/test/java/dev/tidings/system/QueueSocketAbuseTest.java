// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Subscribers of queues that never read, and requests that no good client sends: each costs at
/// most itself.
@SystemTest
final class QueueSocketAbuseTest {
  private static final String FILLER = "x".repeat(64_000);
  private static final int SMALL_BUFFER = 4096;

  /// Its own: transient queues share memory with all others of a server.
  private final TidingsProcess server = TidingsProcess.startDev(Map.of());

  private final RelayClient admin = server.admin();

  @AfterAll
  void stop() {
    server.close();
  }

  /// A queue and its exchange, which have the same name.
  private String queue(Object... furtherKeysAndValues) {
    String name = RelayClient.unique("abused");
    var queue = Json.object(furtherKeysAndValues);
    queue.put("name", name);
    admin.postJson("/exchanges", Json.object("name", name, "type", "fanout")).expect(200);
    admin.postJson("/queues", queue).expect(200);
    admin.postJson("/bindings", Json.object("exchange_name", name, "queue_name", name)).expect(200);
    return name;
  }

  private void publish(String exchange, int number) {
    admin
        .postJson(
            "/publish",
            Json.object(
                "exchange_name", exchange, "payload", Json.object("n", number, "f", FILLER)))
        .expect(200);
  }

  private static Object subscribe(String queue, Object... additions) {
    var payload = Json.object(additions);
    payload.put("queue_name", queue);
    payload.put("confirm", true);
    return Json.object("type", "SUBSCRIBE", "payload", payload);
  }

  private RelaySocket quick(String queue, Object... additions) {
    RelaySocket socket = admin.open();
    socket.send(subscribe(queue, additions));
    socket.expect("SUBSCRIBED");
    return socket;
  }

  private RawWebSocket slow(String queue, Object... additions) {
    RawWebSocket socket = RawWebSocket.open(admin, SMALL_BUFFER);
    socket.send(subscribe(queue, additions));
    socket.expect("SUBSCRIBED");
    return socket;
  }

  private static int number(JsonNode message) {
    assertThat(message.propertyNames()).as("%s", message).contains("body");
    return message.get("body").get("n").asInt();
  }

  private int count(String queue, String member) {
    return admin.get("/queues/" + queue).expect(200).json().get(member).asInt();
  }

  /// What each of five is behind is more than the system's buffers take.
  @Test
  void subscribersThatNeverRead_loseOnlyTheirTime() {
    int count = 150;
    for (boolean durable : List.of(false, true)) {
      String queue = queue("durable", durable);
      var slow = new ArrayList<RawWebSocket>();
      try (RelaySocket quick = quick(queue)) {
        for (int i = 0; i < 5; i++) {
          slow.add(slow(queue));
        }
        for (int n = 0; n < count; n++) {
          publish(queue, n);
        }
        for (int n = 0; n < count; n++) {
          assertThat(number(quick.next())).isEqualTo(n);
        }
        // One of them reads after all, and others have gone without a word.
        slow.subList(1, 5).forEach(RawWebSocket::close);
        for (int n = 0; n < count; n++) {
          assertThat(number(slow.getFirst().next())).isEqualTo(n);
        }
        publish(queue, count);
        assertThat(number(quick.next())).isEqualTo(count);
        assertThat(number(slow.getFirst().next())).isEqualTo(count);
      } finally {
        slow.forEach(RawWebSocket::close);
      }
    }
  }

  @Test
  void workSubscriberThatNeverReads_leavesTheRestToOthers() {
    int count = 200;
    String queue = queue("mode", "work", "durable", true);
    Set<Integer> numbers = new HashSet<>();
    try (RelaySocket quick = admin.open()) {
      try (RawWebSocket _ = slow(queue)) {
        quick.send(subscribe(queue));
        quick.expect("SUBSCRIBED");
        for (int n = 0; n < count; n++) {
          publish(queue, n);
        }
        // What was written to the slow one is in its buffers, and acked. It takes no more.
        while (numbers.size() < count / 2) {
          assertThat(numbers.add(number(quick.next()))).isTrue();
        }
      }
      Await.until(
          "an empty queue", () -> count(queue, "messages") == 0 && count(queue, "delivered") == 0);
      publish(queue, count);
      int last = number(quick.next());
      while (last != count) {
        assertThat(numbers.add(last)).isTrue();
        last = number(quick.next());
      }
    }
  }

  @Test
  void workSubscriberThatNeverReadsNorAcks_losesNothingForOthers() {
    int count = 150;
    String queue =
        queue("mode", "work", "durable", true, "backoff_min_seconds", 1, "backoff_max_seconds", 1);
    for (int n = 0; n < count; n++) {
      publish(queue, n);
    }
    try (RawWebSocket _ = slow(queue, "ack", "manual", "prefetch", 1000)) {
      Await.until("it has got some", () -> count(queue, "delivered") > 0);
    }
    try (RelaySocket quick = quick(queue)) {
      Set<Integer> numbers = new HashSet<>();
      for (int n = 0; n < count; n++) {
        assertThat(numbers.add(number(quick.next()))).isTrue();
      }
    }
    Await.until(
        "an empty queue", () -> count(queue, "messages") == 0 && count(queue, "delivered") == 0);
    assertThat(count(queue, "dead_letters")).isZero();
  }

  /// The message cannot be handed on as text.
  @Test
  void publishThatIsNotUtf8_is400() {
    String queue = queue();
    var body = new ByteArrayOutputStream();
    body.writeBytes(("{\"exchange_name\":\"" + queue + "\",\"payload\":\"").getBytes(UTF_8));
    body.writeBytes(new byte[] {(byte) 0xc3, '('});
    body.writeBytes("\"}".getBytes(UTF_8));

    Reply reply = admin.postRaw("/publish", body.toByteArray()).expect(400);

    assertThat(reply.json().get("code").asString()).isEqualTo("INVALID_REQUEST");
    assertThat(count(queue, "messages")).isZero();
  }

  @Test
  void frameInFragments_isPutTogether() {
    String queue = queue();
    byte[] frame = Json.write(subscribe(queue)).getBytes(UTF_8);
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.sendFrame(false, RawWebSocket.TEXT, new byte[] {frame[0]});
      socket.sendFrame(true, RawWebSocket.PING, "between".getBytes(UTF_8));
      byte[] rest = Arrays.copyOfRange(frame, 1, frame.length);
      socket.sendFrame(true, RawWebSocket.CONTINUATION, rest);

      assertThat(socket.readFrame().orElseThrow().opcode()).isEqualTo(RawWebSocket.PONG);
      socket.expect("SUBSCRIBED");
      publish(queue, 1);
      assertThat(number(socket.next())).isEqualTo(1);
    }
  }

  @Test
  void violations_endTheSocketAndNothingElse() {
    String queue = queue();
    try (RelaySocket neighbour = quick(queue)) {
      for (boolean subscribed : List.of(false, true)) {
        for (int violation = 0; violation < 4; violation++) {
          try (RawWebSocket socket = RawWebSocket.open(admin)) {
            if (subscribed) {
              socket.send(subscribe(queue));
              socket.expect("SUBSCRIBED");
            }
            switch (violation) {
              case 0 -> socket.sendUnmasked("{}");
              case 1 -> socket.sendFrame(true, 3, new byte[0]);
              case 2 -> socket.sendFrame(true, RawWebSocket.TEXT, new byte[4 << 20]);
              default ->
                  socket.sendFrame(true, RawWebSocket.TEXT, new byte[] {'{', (byte) 0xc3, '('});
            }
            // A first frame that is no SUBSCRIBE is for the relay, which says goodbye with 1000.
            int least = subscribed ? 1002 : 1000;
            socket.expectEnd().ifPresent(code -> assertThat(code).isBetween(least, 1011));
          }
        }
      }
      publish(queue, 1);
      assertThat(number(neighbour.next())).isEqualTo(1);
    }
  }
}
