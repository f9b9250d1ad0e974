// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `bench streams` from the command line to its report, against a fake server.
final class StreamsScenarioTest extends BenchTest {
  private static final String SELF = "--pid=" + ProcessHandle.current().pid();

  private final StreamsFake server;

  StreamsScenarioTest() throws IOException {
    server = new StreamsFake();
  }

  @AfterEach
  void closeServer() {
    server.close();
  }

  @Test
  void pairs_areCounted_besideHealth() {
    assertThat(run("--modes=pairs", "--runs=2", "--senders=4", "--receivers=6", "--pair-streams=3"))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    String scenario = "pairs, 4 senders, 6 receivers, 3 streams";
    JsonNode rate = figure(report, scenario, "sent and received");
    assertThat(rate.path("runs").size()).isEqualTo(2);
    assertThat(rate.path("target").path("text").asString()).isEqualTo(">= 30,000");
    assertThat(figure(report, scenario, "share of GET /health").path("min").asDouble())
        .isPositive();
    assertThat(figure(report, scenario, "send to receive p99").path("min").asDouble()).isPositive();
    assertThat(figure(report, "GET /health, 10 connections", "answers").path("min").asDouble())
        .isPositive();
    assertThat(out.toString()).contains("Nothing was lost, nothing came twice");
    JsonNode sent = new JsonMapper().readTree(server.sendBodies.getLast());
    assertThat(sent.path("blockingSendTimeoutSeconds").asInt()).isEqualTo(30);
    assertThat(sent.path("message").toString()).hasSize(100);
  }

  @Test
  void pairs_ofTwoThreads_keepTheirOrder() {
    assertThat(
            run("--modes=pairs", "--threads=2", "--senders=4", "--receivers=4", "--pair-streams=4"))
        .as(this::errors)
        .isZero();
  }

  @Test
  void lostMessage_endsPairsWithWhatIsMissing() {
    server.loseEvery.set(2);

    assertThat(
            run(
                "--modes=pairs",
                "--warmup=0ms",
                "--patience=1s",
                "--senders=2",
                "--receivers=4",
                "--pair-streams=2"))
        .isEqualTo(1);

    assertThat(errors())
        .containsPattern("nothing came: stream bench-[a-z0-9]+-0-0000000[01]: [0-9,]+ messages");
  }

  @Test
  void doubledMessage_endsPairs() {
    server.doubleEvery.set(2);

    assertThat(run("--modes=pairs", "--senders=2", "--receivers=4", "--pair-streams=2"))
        .isEqualTo(1);

    assertThat(errors()).containsPattern("gave message [0-9]+ of sender [01] twice");
  }

  @Test
  void messageOutOfOrder_endsPairs() {
    server.loseEvery.set(2);

    assertThat(run("--modes=pairs", "--senders=1", "--receivers=1", "--pair-streams=1"))
        .isEqualTo(1);

    assertThat(errors()).containsPattern("gave message [0-9]+ of sender [01] after message [0-9]+");
  }

  @Test
  void otherId_endsPairs() {
    server.otherIdEvery.set(2);

    assertThat(run("--modes=pairs", "--senders=1", "--receivers=1", "--pair-streams=1"))
        .isEqualTo(1);

    assertThat(errors()).contains("was answered with another message than was sent: {\"message\"");
  }

  @Test
  void refusedSend_endsItWithTheAnswer() {
    server.refuseEvery.set(2);

    assertThat(run("--modes=pairs", "--senders=2", "--receivers=2", "--pair-streams=2"))
        .isEqualTo(1);

    assertThat(errors()).contains("POST /api/v1/streams/send was answered 503", "memory is full");
  }

  @Test
  void many_areFilledEmptiedAndFreed_withTheirMemory() {
    assertThat(run("--modes=many", "--streams=700", "--senders=4", "--receivers=3", SELF))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    String scenario = "many, 700 streams";
    JsonNode heap = figure(report, scenario, "heap each");
    assertThat(heap.path("runs").size()).isEqualTo(1);
    assertThat(heap.path("target").path("text").asString()).isEqualTo("<= 500");
    assertThat(figure(report, scenario, "heap each when freed").path("runs").size()).isEqualTo(1);
    assertThat(figure(report, scenario, "freed after").path("max").asDouble()).isBetween(0.0, 10.0);
    assertThat(figure(report, scenario, "sent").path("min").asDouble()).isPositive();
    assertThat(figure(report, scenario, "received").path("min").asDouble()).isPositive();
  }

  @Test
  void many_ofWhichOneHasAnothersMessage_endsIt() {
    server.otherIdEvery.set(100);

    assertThat(run("--modes=many", "--streams=300", "--warmup=0ms", "--senders=4", SELF))
        .isEqualTo(1);

    assertThat(errors())
        .containsPattern("stream bench-.*-0-00000[0-9]+ answered with another message than number");
  }

  @Test
  void many_ofWhichOneIsEmpty_endsIt() {
    server.loseEvery.set(100);

    assertThat(run("--modes=many", "--streams=300", "--warmup=0ms", "--senders=4", SELF))
        .isEqualTo(1);

    assertThat(errors()).contains("GET /api/v1/streams/receive was answered 424");
  }

  @Test
  void waiters_areServed_andOneAfterTheOtherToo() {
    assertThat(
            run(
                "--modes=waiters",
                "--waiters=40",
                "--waiter-streams=7",
                "--senders=3",
                "--rounds=20",
                SELF))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    String scenario = "waiters, 40 at 7 streams";
    assertThat(figure(report, scenario, "heap each, for waiting besides").path("runs").size())
        .isEqualTo(1);
    assertThat(figure(report, scenario, "resident memory each, connected").path("runs").size())
        .isEqualTo(1);
    assertThat(figure(report, scenario, "served").path("min").asDouble()).isPositive();
    JsonNode p50 = figure(report, "one waiter, idle server", "send to its waiter p50");
    assertThat(p50.path("min").asDouble()).isPositive();
    assertThat(p50.path("target").path("text").asString()).isEqualTo("<= 1");
  }

  @Test
  void waiter_thatGetsNothing_endsIt() {
    server.loseEvery.set(30);

    assertThat(run("--modes=waiters", "--waiters=40", "--patience=1s", SELF)).isEqualTo(1);

    assertThat(errors()).contains("nothing came: 39 of 40 waiting receivers got their message");
  }

  @Test
  void stored_areReplayedWhole_andDeleted() {
    assertThat(
            run(
                "--modes=stored",
                "--runs=2",
                "--warmup=0ms",
                "--senders=4",
                "--receivers=3",
                "--pair-streams=3",
                "--messages=500",
                "--replay-batch=7",
                "--fsync-dir=" + dir))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    assertThat(
            figure(report, "stored, 4 senders, 3 streams of 166 messages", "sent")
                .path("runs")
                .size())
        .isEqualTo(2);
    assertThat(figure(report, "replay of 7, 3 streams", "read").path("min").asDouble())
        .isPositive();
    assertThat(figure(report, "disk", "fdatasync of 8 KiB, p50").path("min").asDouble())
        .isPositive();
    assertThat(server.deletedStreams).hasSize(6);
    assertThat(server.sendBodies.getFirst())
        .contains("\"inMemoryStreamSize\":0,\"writeToDB\":true,\"dbTTLSeconds\":3600");
    assertThat(server.queries)
        .anyMatch(it -> it.endsWith("&dbResumeToken=t_161-"))
        .anyMatch(it -> it.startsWith("readFromDB=true&timeoutSeconds=0&maxMessages=7&"));
  }

  @Test
  void stored_messageThatIsMissing_endsIt() {
    server.loseEvery.set(150);

    assertThat(
            run(
                "--modes=stored",
                "--warmup=0ms",
                "--senders=4",
                "--pair-streams=2",
                "--messages=200"))
        .isEqualTo(1);

    assertThat(errors()).containsPattern("stream bench-.* ended after 99 of 100 messages");
  }

  @Test
  void stored_messageThatIsThereTwice_endsIt() {
    server.doubleEvery.set(150);

    assertThat(
            run(
                "--modes=stored",
                "--warmup=0ms",
                "--senders=4",
                "--pair-streams=2",
                "--messages=200"))
        .isEqualTo(1);

    assertThat(errors()).containsPattern("gave message [0-9]+, which it has not or gave before");
  }

  @Test
  void token_isSentAsItIs_andNotWritten() throws Exception {
    assertThat(run("--modes=pairs", "--token=fake-token")).as(this::errors).isZero();
    assertThat(Files.readString(dir.resolve("figures.json"))).doesNotContain("fake-token");

    assertThat(run("--modes=many", "--token=another", SELF)).isEqualTo(1);
    assertThat(errors())
        .contains("GET /api/v1/streams?limit=1&prefix=bench-", "answered 401", "a user with admin");
  }

  @Test
  void anonymous_sendsNoToken() {
    assertThat(run("--modes=pairs", "--anonymous")).isEqualTo(1);
    assertThat(errors()).contains("was answered 401");

    server.asksForToken = false;
    assertThat(run("--modes=pairs", "--anonymous")).as(this::errors).isZero();
  }

  @Test
  void ownServer_isMadeToHoldTheStreams_andToFreeThem() {
    assertThat(ManyStreamsMeasurement.config(1_000_000, 100, Duration.ofSeconds(1)))
        .containsOnly(
            entry("memory.streams-size", "1100000000"), entry("streams.idle-time", "1000ms"));
    assertThat(ManyStreamsMeasurement.config(2_000_000, 100, Duration.ofSeconds(1)))
        .containsEntry("streams.limit", "2001000")
        .containsEntry("streams.limit-per-user", "2001000");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--senders=0; senders: 0 (expected: 1 to 9999)",
        "--senders=10000; senders: 10000 (expected: 1 to 9999)",
        "--receivers=0; receivers: 0 (expected: 1 to 9999)",
        "--senders=8 --pair-streams=9; pair-streams: 9 (expected: 1 to 2)",
        "--streams=0; streams: 0 (expected: 1 to 50000000)",
        "--waiters=0; waiters: 0 (expected: 1 to 19000)",
        "--waiters=19001; waiters: 19001 (expected: 1 to 19000)",
        "--waiters=5 --waiter-streams=6; waiter-streams: 6 (expected: 0 to 5, the waiters)",
        "--rounds=0; rounds: 0 (expected: 1 to 1000000000)",
        "--messages=0; messages: 0 (expected: 1 to 1000000000)",
        "--replay-batch=1001; replay-batch: 1001 (expected: 1 to 1000)",
        "--payload-bytes=63; payload-bytes: 63 (expected: 64 to 10229 with a replay-batch of 100)",
        "--payload-size=10230; payload-bytes: 10230 (expected: 64 to 10229 with a replay-batch of 100)",
        "--client-id=x; client-id, client-secret: one of them (expected: both or neither)",
        "--modes=many; cannot be measured, which many and waiters do (expected: --pid",
      })
  void wrongOption_isToldWithWhatIsExpected(String options, String told) {
    assertThat(run(options.split(" ", -1))).isEqualTo(1);
    assertThat(errors()).contains(told);
  }

  private int run(String... arguments) {
    return execute(
        List.of(
            "streams",
            "--url=" + server.endpoint().url(),
            "--runs=1",
            "--duration=200ms",
            "--warmup=50ms",
            "--settle=20ms",
            "--senders=2",
            "--receivers=2",
            "--pair-streams=2",
            jsonOption()),
        arguments);
  }
}
