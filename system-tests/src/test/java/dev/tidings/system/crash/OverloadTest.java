// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.crash.Relay.Answer;
import dev.tidings.system.crash.ServerProcess.Launch;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// More than the limits allow: the excess is refused, the rest is served, memory stays bounded, and
/// afterwards everything is as before.
@Tag("embedded")
@Timeout(90)
final class OverloadTest {
  private static final long MIB = 1 << 20;
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String TOPIC = "busy";

  /// A server with little of everything.
  private static Launch small() {
    return Launch.serve(ServerProcess.newDirectory())
        .withFlags("-Xmx128m")
        .with(
            "MEMORY_HOT_TIER_SIZE", "16MiB",
            "MEMORY_PAGE_CACHE_SIZE", "8MiB",
            "STORE_ROCKSDB_BLOCK_CACHE_SIZE", "32MiB",
            "STORE_ROCKSDB_WRITE_BUFFER_SIZE", "8MiB");
  }

  @Test
  void moreCommandsThanMayWait_areRefusedAndNoneAnsweredIsLost() {
    try (var server = new ServerProcess(small().with("LIMITS_PENDING_COMMANDS", "16"))) {
      Relay relay = server.start();
      var ledger = new Ledger();
      String filler = "x".repeat(2_000);
      int number = 0;
      for (int wave = 0; wave < 12; wave++) {
        int from = number;
        List<CompletableFuture<Answer>> answers = new ArrayList<>();
        for (; number < from + 300; number++) {
          ledger.sending(number, number, TOPIC);
          answers.add(
              relay.postAsync(
                  "/api/v1/messages",
                  Map.of(
                      "topic", TOPIC, "payload", Map.of("p", number, "n", number, "f", filler))));
        }
        for (int i = 0; i < answers.size(); i++) {
          Answer answer = answers.get(i).orTimeout(30, TimeUnit.SECONDS).join();
          if (answer.status() == 201) {
            ledger.answered(from + i, from + i, answer.json().get("message_id").asString());
          } else {
            answer.expectUnavailable();
            ledger.refused(from + i, from + i);
          }
        }
      }
      assertThat(ledger.answered()).as("published under overload").isPositive();
      assertThat(ledger.refused()).as("refused under overload").isPositive();

      for (int end = number + 50; number < end; number++) {
        ledger.sending(number, number, TOPIC);
        Answer answer = relay.publish(TOPIC, Map.of("p", number, "n", number)).expect(201);
        ledger.answered(number, number, answer.json().get("message_id").asString());
      }
      ledger.check(relay.readAll(List.of(TOPIC)));
      assertThat(server.isAlive()).as(server.errors()).isTrue();
      server
          .residentMemory()
          .ifPresent(bytes -> assertThat(bytes).as("resident bytes").isLessThan(512 * MIB));
    }
  }

  @Test
  void morePollsThanMayWait_areRefusedAndTheOthersAnswered() {
    int limit = 1_000;
    int polls = 2_000;
    Launch launch =
        small()
            .with(
                "POLL_MAX_WAITERS", Integer.toString(limit),
                "POLL_MAX_WAITERS_PER_USER", Integer.toString(limit));
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      relay.publishNumber(TOPIC, 0);
      List<CompletableFuture<Answer>> answers = new ArrayList<>();
      for (int i = 0; i < polls; i++) {
        answers.add(
            relay.postAsync("/messages/poll", Map.of("topics", List.of(TOPIC), "timeout", 60)));
      }
      Waiting.until(
          "the excess was answered",
          SOON,
          () -> answers.stream().filter(CompletableFuture::isDone).count() == polls - limit);
      // A further one is refused too, and publishing goes on.
      relay.poll(Map.of("topics", List.of(TOPIC))).expect(429);
      relay.publishNumber(TOPIC, 1);

      int refused = 0;
      for (CompletableFuture<Answer> each : answers) {
        Answer answer = each.orTimeout(30, TimeUnit.SECONDS).join();
        if (answer.status() == 429) {
          refused++;
        } else {
          var messages = answer.expect(200).json().get("messages");
          assertThat(messages).hasSize(1);
          assertThat(messages.get(0).get("payload").get("n").asInt()).isEqualTo(1);
        }
      }
      assertThat(refused).isEqualTo(polls - limit);
      relay.poll(Map.of("topics", List.of(TOPIC), "timeout", 1)).expect(200);
    }
  }

  private static Socket connect(Relay relay) throws IOException {
    var socket = new Socket(relay.url().getHost(), relay.url().getPort());
    socket.setSoTimeout((int) SOON.toMillis());
    socket.setTcpNoDelay(true);
    return socket;
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
    socket.getOutputStream().flush();
  }

  /// The first line that comes; empty if the connection ends without one.
  private static String firstLine(Socket socket) {
    try {
      var line = new StringBuilder();
      for (int c = socket.getInputStream().read();
          c >= 0 && c != '\r';
          c = socket.getInputStream().read()) {
        line.append((char) c);
      }
      return line.toString();
    } catch (java.net.SocketTimeoutException e) {
      throw new AssertionError("neither an answer nor an end within " + SOON, e);
    } catch (IOException _) {
      return ""; // Reset.
    }
  }

  private static void closeAll(List<Socket> sockets) throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
  }

  @Test
  void bodiesThatNeverEnd_keepNobodyFromPublishing() throws IOException {
    // All bodies together may take 4 MiB (64 of the largest); each round holds 3.
    Launch launch = small().with("SERVER_MAX_BODY_SIZE", "64KiB");
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      String body = "{\"topic\":\"" + TOPIC + "\",\"payload\":{\"p\":0,\"n\":0,\"f\":\"";
      int length = 63 * 1024;
      String end = "\"}}";
      String sent = body + "x".repeat(60 * 1024);
      int number = 1;
      for (int round = 0; round < 3; round++) {
        List<Socket> slow = new ArrayList<>();
        try {
          for (int i = 0; i < 50; i++) {
            Socket socket = connect(relay);
            slow.add(socket);
            write(
                socket,
                "POST /api/v1/messages HTTP/1.1\r\nHost: "
                    + relay.url().getAuthority()
                    + "\r\nAuthorization: Bearer "
                    + relay.token()
                    + "\r\nContent-Type: application/json\r\nContent-Length: "
                    + length
                    + "\r\n\r\n"
                    + sent);
          }
          for (int i = 0; i < 20; i++) {
            relay.publishNumber(TOPIC, number++);
          }
          if (round == 2) {
            // One of them does end, byte by byte.
            String rest = "y".repeat(length - sent.length() - end.length()) + end;
            for (int i = rest.length() - 100; i < rest.length(); i++) {
              String piece =
                  i == rest.length() - 100 ? rest.substring(0, i + 1) : rest.substring(i, i + 1);
              write(slow.getFirst(), piece);
            }
            assertThat(firstLine(slow.getFirst())).contains(" 201 ");
          }
        } finally {
          closeAll(slow);
        }
      }
      var stored = relay.readAll(List.of(TOPIC)).get(TOPIC);
      assertThat(stored).extracting(Relay.Stored::number).hasSize(number).endsWith(0);
    }
  }

  @Test
  void connectionsUpToTheLimit_thatSendHalfARequest_areHeldAndFurtherOnesClosed()
      throws IOException {
    int limit = 150;
    Launch launch = small().with("SERVER_MAX_CONNECTIONS", Integer.toString(limit));
    try (var server = new ServerProcess(launch)) {
      Relay relay = server.start();
      List<Socket> sockets = new ArrayList<>();
      try {
        for (int i = 0; i < limit + 30; i++) {
          Socket socket = connect(relay);
          sockets.add(socket);
          writeOrNot(
              socket, "GET /health HTTP/1.1\r\nHost: " + relay.url().getAuthority() + "\r\n");
        }
        int answered = 0;
        for (Socket socket : sockets) {
          writeOrNot(socket, "\r\n");
          answered += firstLine(socket).contains(" 200 ") ? 1 : 0;
        }
        // The connections of the login before them count too while they are open.
        assertThat(answered).isBetween(limit - 5, limit);
      } finally {
        closeAll(sockets);
      }
      Waiting.until("room for others again", SOON, () -> canConnect(relay));
      assertThat(server.isAlive()).as(server.errors()).isTrue();
    }
  }

  private static void writeOrNot(Socket socket, String text) {
    try {
      write(socket, text);
    } catch (IOException _) {
      // Closed by the server: that is seen when it is read.
    }
  }

  private static boolean canConnect(Relay relay) {
    try (Socket socket = connect(relay)) {
      writeOrNot(
          socket, "GET /health HTTP/1.1\r\nHost: " + relay.url().getAuthority() + "\r\n\r\n");
      return firstLine(socket).contains(" 200 ");
    } catch (IOException _) {
      return false;
    }
  }
}
