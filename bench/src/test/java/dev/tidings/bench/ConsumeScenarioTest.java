// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// `bench consume` from the command line to its report, against a fake server.
final class ConsumeScenarioTest extends BenchTest {
  private final PubsubFake server;

  ConsumeScenarioTest() throws IOException {
    server = new PubsubFake();
  }

  @AfterEach
  void closeServer() {
    server.close();
  }

  @Test
  @Tag("long")
  void everyMode_ofEveryRow_isCountedAndLeavesNothing() throws Exception {
    assertThat(
            run(
                "--subscriptions=1,3",
                "--filters=none,same,distinct",
                "--messages=600",
                "--consumers=2",
                "--publishers=2",
                "--batch=50"))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    for (String row :
        List.of(
            "1 subscriptions, filters none",
            "3 subscriptions, filters same",
            "3 subscriptions, filters distinct")) {
      assertThat(figure(report, "publish, " + row, "published").path("runs").size()).isEqualTo(2);
      assertThat(figure(report, "consume, " + row, "leased and acked").path("min").asDouble())
          .isPositive();
      assertThat(figure(report, "both, " + row, "published").path("min").asDouble()).isPositive();
      assertThat(figure(report, "both, " + row, "publish to lease p99").path("min").asDouble())
          .isPositive();
    }
    String share = "share of the rate with 1, filters none";
    JsonNode shares = figure(report, "publish, 3 subscriptions, filters distinct", share);
    assertThat(shares.path("target").path("text").asString()).isEqualTo(">= 1/3");
    assertThat(out.toString())
        .contains("| both, 3 subscriptions, filters distinct")
        .contains("Nothing was lost, nothing was delivered twice");
    assertThat(server.filters)
        .contains("{\"half\":[\"0\"]}", "{\"group\":[\"0000\"]}", "{\"group\":[\"0002\"]}");
    // 6 rows, 3 modes, 2 runs, and the warm-up.
    assertThat(server.deletedTopics).hasSize(37);
  }

  @Test
  void backlog_isConsumedWhole_andTimedInTenths() {
    assertThat(
            run(
                "--modes=consume,both",
                "--subscriptions=2",
                "--backlog=999",
                "--messages=300",
                "--threads=2",
                "--fsync-dir=" + dir))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    for (String mode : List.of("consume", "both")) {
      String scenario = mode + ", 2 subscriptions, filters none";
      for (int tenth = 1; tenth <= 10; tenth++) {
        assertThat(figure(report, scenario, "tenth %2d".formatted(tenth)).path("min").asDouble())
            .isPositive();
      }
      assertThat(figure(report, scenario, "last tenth to first").path("runs").size()).isEqualTo(2);
    }
    assertThat(figure(report, "disk", "fdatasync of 8 KiB, p50").path("min").asDouble())
        .isPositive();
    assertThat(report.path("notes").toString()).contains("acknowledged. Nothing was lost");
  }

  @Test
  void lostMessage_endsItWithTheSubscriptionThatMissesIt() {
    server.loseEvery.set(150);

    assertThat(
            run(
                "--warmup=0ms",
                "--patience=1s",
                "--modes=consume",
                "--subscriptions=1",
                "--messages=300"))
        .isEqualTo(1);

    assertThat(errors()).containsPattern("metrics answered .*available=298.*available=300");
    assertThat(server.deletedTopics).isNotEmpty();
  }

  @Test
  void lostMessage_whileConsuming_endsItWithWhatIsMissing() {
    server.loseEvery.set(500);

    assertThat(
            run(
                "--warmup=0ms",
                "--patience=1s",
                "--modes=both",
                "--subscriptions=1",
                "--messages=1000"))
        .isEqualTo(1);

    assertThat(errors())
        .contains("nothing came: bench-")
        .contains("got and acknowledged 998 of 1,000 messages");
  }

  @Test
  void forgottenAck_endsItWithTheMessage() {
    server.forgetAckEvery.set(100);

    assertThat(run("--modes=consume", "--subscriptions=1", "--messages=300")).isEqualTo(1);

    assertThat(errors()).containsPattern("delivered message [0-9]+ again after its ack");
  }

  @Test
  void ignoredFilter_endsItWithTheMessage() {
    server.filtering = false;

    assertThat(run("--modes=both", "--subscriptions=2", "--filters=distinct", "--messages=300"))
        .isEqualTo(1);

    assertThat(errors()).containsPattern("delivered message [0-9]+, which its filter excludes");
  }

  @Test
  void refusedLease_endsItWithTheAnswer() {
    server.refuseEvery.set(3);

    assertThat(run("--modes=both", "--subscriptions=1", "--messages=300")).isEqualTo(1);

    assertThat(errors())
        .containsPattern("GET /subscriptions/bench-[^ ]+/messages was answered 503")
        .contains("The store takes no writes");
  }

  @Test
  void client_getsItsTokenAnew_andItsSecretIsNotWritten() throws Exception {
    assertThat(
            run(
                "--modes=both",
                "--subscriptions=1",
                "--messages=100",
                "--client-id=" + PubsubFake.CLIENT_ID,
                "--client-secret=" + PubsubFake.CLIENT_SECRET))
        .as(this::errors)
        .isZero();

    assertThat(server.tokensGiven).hasValue(3); // Of the warm-up and two runs.
    assertThat(Files.readString(dir.resolve("figures.json")))
        .contains(PubsubFake.CLIENT_ID)
        .doesNotContain(PubsubFake.CLIENT_SECRET);
  }

  @Test
  void token_isSentAsItIs_andNotWritten() throws Exception {
    assertThat(run("--modes=both", "--subscriptions=1", "--messages=100", "--token=fake-token"))
        .as(this::errors)
        .isZero();
    assertThat(Files.readString(dir.resolve("figures.json"))).doesNotContain("fake-token");

    assertThat(run("--modes=both", "--token=another")).isEqualTo(1);
    assertThat(errors())
        .contains("POST /topics answered 401", "Invalid jwt token", "see --token, --client-id");
  }

  @Test
  void anonymous_sendsNoToken() {
    assertThat(run("--modes=both", "--anonymous")).isEqualTo(1);
    assertThat(errors()).contains("POST /topics answered 401");

    server.asksForToken = false;
    assertThat(run("--modes=both", "--subscriptions=1", "--messages=100", "--anonymous"))
        .as(this::errors)
        .isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--subscriptions=0; subscriptions: 0 (expected: 1 to 9999)",
        "--subscriptions=10000; subscriptions: 10000 (expected: 1 to 9999)",
        "--consumers=0; consumers: 0 (expected: 1 to 10000)",
        "--publishers=0; publishers: 0 (expected: 1 to 10000)",
        "--batch=0; batch: 0 (expected: 1 to 10000)",
        "--batch=10001; batch: 10001 (expected: 1 to 10000)",
        "--lease-size=0; lease-size: 0 (expected: 1 to 100)",
        "--lease-size=101; lease-size: 101 (expected: 1 to 100)",
        "--messages=0; messages: 0 (expected: 1 to 1000000000)",
        "--backlog=0; backlog: 0 (expected: 1 to 1000000000)",
        "--payload-bytes=95; payload-bytes: 95 (expected: 96 to 9973 with a lease-size of 100)",
        "--payload-size=9974; payload-bytes: 9974 (expected: 96 to 9973 with a lease-size of 100)",
        "--client-id=x; client-id, client-secret: one of them (expected: both or neither)",
        "--token=x --anonymous; token, client-id, anonymous: 2 of them (expected: at most one)",
      })
  void wrongOption_isToldWithWhatIsExpected(String options, String told) {
    assertThat(run(options.split(" ", -1))).isEqualTo(1);
    assertThat(errors()).contains(told);
  }

  @ParameterizedTest
  @ValueSource(ints = {96, 9973})
  void payloads_ofTheSmallestAndLargestSize_areRead(int bytes) {
    assertThat(
            run(
                "--modes=consume",
                "--subscriptions=1",
                "--messages=200",
                "--payload-size=" + bytes,
                "--warmup=0ms"))
        .as(this::errors)
        .isZero();
  }

  private int run(String... arguments) {
    return execute(
        List.of(
            "consume",
            "--url=" + server.endpoint().url(),
            "--runs=2",
            "--duration=200ms",
            "--warmup=50ms",
            jsonOption()),
        arguments);
  }
}
