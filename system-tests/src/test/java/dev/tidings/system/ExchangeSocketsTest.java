// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// WebSockets of queues under load, and those that their clients treat badly.
@SystemTest
final class ExchangeSocketsTest {
  private final RelayClient admin;

  ExchangeSocketsTest(@On(Setup.DEV) TidingsProcess server) {
    this.admin = server.admin();
  }

  private void declare(String name, String moreOfQueue) {
    post("/exchanges", "{\"name\":\"" + name + "\",\"type\":\"fanout\"}");
    post("/queues", "{\"name\":\"" + name + "\"" + moreOfQueue + "}");
    post("/bindings", "{\"exchange_name\":\"" + name + "\",\"queue_name\":\"" + name + "\"}");
  }

  private void post(String path, String body) {
    assertThat(Await.result(posting(path, body)).statusCode()).as(path + " " + body).isEqualTo(200);
  }

  private CompletableFuture<HttpResponse<String>> posting(String path, String body) {
    return RelayClient.http()
        .sendAsync(
            HttpRequest.newBuilder(admin.server().url().resolve(path))
                .header("Authorization", "Bearer " + admin.token())
                .timeout(Duration.ofSeconds(30))
                .POST(BodyPublishers.ofString(body))
                .build(),
            BodyHandlers.ofString());
  }

  private void publish(String name, int number) {
    post("/publish", message(name, number, ""));
  }

  private static String message(String name, int number, String padding) {
    return "{\"exchange_name\":\""
        + name
        + "\",\"payload\":{\"n\":"
        + number
        + ",\"padding\":\""
        + padding
        + "\"}}";
  }

  private static Map<String, Object> subscribe(String queue) {
    return Json.object(
        "type", "SUBSCRIBE", "payload", Json.object("queue_name", queue, "confirm", true));
  }

  private static RelaySocket subscribed(RelaySocket socket, String queue) {
    socket.send(subscribe(queue));
    socket.expect("SUBSCRIBED");
    return socket;
  }

  private static int number(JsonNode frame) {
    return frame.path("body").path("n").asInt(-1);
  }

  @Test
  void firstFrameAndTheNext_inOnePacket_areBothHeard() {
    String first = RelayClient.unique("packet");
    String second = RelayClient.unique("packet");
    declare(first, "");
    declare(second, "");
    ByteArrayOutputStream packet = new ByteArrayOutputStream();
    packet.writeBytes(RawWebSocket.textFrame(Json.write(subscribe(first))));
    packet.writeBytes(RawWebSocket.textFrame(Json.write(subscribe(second))));
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.sendBytes(packet.toByteArray());
      socket.expect("SUBSCRIBED");
      socket.expect("SUBSCRIBED");
      publish(second, 2);
      assertThat(number(socket.next())).isEqualTo(2);
      publish(first, 1);
      assertThat(number(socket.next())).isEqualTo(1);
    }
    packet.reset();
    String topic = RelayClient.unique("packet");
    packet.writeBytes(
        RawWebSocket.textFrame(
            Json.write(Json.object("type", "subscribe", "topics", List.of(topic)))));
    packet.writeBytes(RawWebSocket.textFrame("{\"type\":\"ping\"}"));
    try (RawWebSocket socket = RawWebSocket.open(admin)) {
      socket.sendBytes(packet.toByteArray());
      assertThat(List.of(type(socket.next()), type(socket.next())))
          .containsExactlyInAnyOrder("subscribed", "pong");
    }
  }

  private static String type(JsonNode frame) {
    return frame.path("type").asString();
  }

  @Test
  void aThousandSocketsOfOneQueue_getEverythingInOrder() {
    String name = RelayClient.unique("thousand");
    declare(name, "");
    List<RelaySocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < 1000; i++) {
        sockets.add(admin.open());
      }
      sockets.forEach(socket -> socket.send(subscribe(name)));
      sockets.forEach(socket -> socket.expect("SUBSCRIBED"));
      List<Integer> expected = IntStream.range(0, 20).boxed().toList();
      expected.forEach(n -> publish(name, n));
      for (RelaySocket socket : sockets) {
        assertThat(expected.stream().map(_ -> number(socket.next())).toList()).isEqualTo(expected);
      }
    } finally {
      sockets.forEach(RelaySocket::close);
    }
  }

  @Test
  void socketThatNeverReads_holdsNobodyBack_andLosesNothingButTime() {
    String name = RelayClient.unique("mute");
    declare(name, ",\"max_length\":100000");
    int count = 400;
    String padding = "x".repeat(50_000);
    try (RawWebSocket mute = RawWebSocket.open(admin, 4096);
        RelaySocket reader = subscribed(admin.open(), name)) {
      mute.send(subscribe(name));
      mute.expect("SUBSCRIBED");
      for (int from = 0; from < count; from += 20) {
        var publishes =
            IntStream.range(from, from + 20)
                .mapToObj(n -> posting("/publish", message(name, n, padding)))
                .toList();
        publishes.forEach(it -> assertThat(Await.result(it).statusCode()).isEqualTo(200));
      }
      List<Integer> numbers =
          IntStream.range(0, count).mapToObj(_ -> number(reader.next())).toList();
      assertThat(numbers)
          .containsExactlyInAnyOrderElementsOf(IntStream.range(0, count).boxed().toList());
      assertThat(IntStream.range(0, count).map(_ -> number(mute.next())).boxed().toList())
          .isEqualTo(numbers);
    }
  }

  @Test
  void workerThatNeverReads_leavesTheRestToOthers() {
    String name = RelayClient.unique("idle");
    declare(name, ",\"mode\":\"work\"");
    int count = 200;
    String padding = "x".repeat(50_000);
    try (RawWebSocket mute = RawWebSocket.open(admin, 4096)) {
      mute.send(subscribe(name));
      mute.expect("SUBSCRIBED");
      for (int n = 0; n < count; n++) {
        post("/publish", message(name, n, padding));
      }
      try (RelaySocket reader = subscribed(admin.open(), name)) {
        // What the other's connection holds is lost to this one: some of ten megabytes.
        List<Integer> numbers = new ArrayList<>();
        while (numbers.size() < count / 4) {
          numbers.add(number(reader.next()));
        }
        assertThat(numbers).doesNotHaveDuplicates();
      }
    }
  }
}
