// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/// `bench scheduled` from the command line to its report, against a stand-in server.
final class ScheduledScenarioTest extends BenchTest {
  private static final String STORING = "scheduled, storing 1,050";
  private static final String DUE = "scheduled, coming due over 0.3 s";

  private final RelayStandIn server = new RelayStandIn();

  @AfterEach
  void closeServer() {
    server.close();
  }

  @Test
  void everyMessage_isStoredAndTimed_andTheTopicsAreDeleted() {
    assertThat(run("--runs=2", "--fsync-dir=" + dir)).as(this::errors).isZero();

    JsonNode report = json();
    assertThat(figure(report, STORING, "stored").path("runs").size()).isEqualTo(2);
    assertThat(min(STORING, "publish of 50 p99")).isPositive();
    assertThat(min(DUE, "due")).isEqualTo(3500);
    assertThat(min(DUE, "received")).isBetween(100.0, 3600.0);
    for (String late : List.of("late p50", "late p99", "late max")) {
      assertThat(min(DUE, late)).isPositive();
    }
    assertThat(figure(report, DUE, "late p99").path("target").path("text").asString())
        .isEqualTo("<= 50");
    assertThat(min(DUE, "came once")).isEqualTo(1050);
    for (String none :
        List.of(
            "came more than once",
            "never came",
            "came before they were due",
            "came after one that is due later")) {
      assertThat(min(DUE, none)).isZero();
    }
    assertThat(figure(report, "disk", "fdatasync of 8 KiB, p50").path("runs").size()).isEqualTo(2);
    assertThat(out.toString()).contains("| " + DUE);
    assertThat(server.scheduled.createdTopics).hasSize(2).doesNotHaveDuplicates();
    assertThat(server.deletedTopics).hasValue(2);
  }

  @Test
  void lateServer_isTold_alsoWithoutAToken() {
    server.scheduled.lateMs.set(200);
    server.asksForToken = false;

    assertThat(run("--anonymous")).as(this::errors).isZero();

    assertThat(min(DUE, "late p50")).isGreaterThanOrEqualTo(200);
    assertThat(min(DUE, "late p99")).isGreaterThanOrEqualTo(min(DUE, "late p50"));
    assertThat(min(DUE, "came once")).isEqualTo(1050);
  }

  @Test
  void messagesThatComeTooEarlyTwiceOrNever_areCounted() {
    server.scheduled.lateMs.set(-100);
    server.scheduled.loseEvery.set(100);
    server.scheduled.repeatEvery.set(50);

    assertThat(run("--patience=300ms")).as(this::errors).isZero();

    assertThat(min(DUE, "never came")).isEqualTo(10);
    // Every other 50th is lost.
    assertThat(min(DUE, "came more than once")).isEqualTo(11);
    assertThat(min(DUE, "came once")).isEqualTo(1029);
    assertThat(min(DUE, "came before they were due")).isPositive();
  }

  @Test
  void warmUp_hasATopicOfItsOwn_andTellsTheLead() {
    assertThat(run("--warmup=1ms", "--messages=100", "--over=50ms")).as(this::errors).isZero();

    assertThat(server.scheduled.createdTopics).hasSize(2);
    assertThat(min("scheduled, coming due over 0.05 s", "came once")).isEqualTo(100);
    assertThat(ScheduledMeasurement.lead(1_000_000, 100_000)).hasSeconds(30);
    assertThat(ScheduledMeasurement.lead(100_000_000, 10_000)).hasSeconds(20_010);
  }

  @Test
  void leadThatIsTooShort_endsItWithWhatToDo() {
    assertThat(run("--lead=0ms")).isEqualTo(1);

    assertThat(errors()).contains("lead: the first messages were due", "expected: a longer --lead");
    assertThat(server.deletedTopics).hasValue(1);
  }

  @Test
  void refusedPublish_endsItWithTheAnswer() {
    server.refuseEvery.set(3);

    assertThat(run()).isEqualTo(1);

    assertThat(errors())
        .containsPattern("POST /topics/bench-[^ ]+/messages was answered 429")
        .contains("too many scheduled messages");
  }

  @Test
  void anonymous_sendsNoToken() {
    assertThat(run("--anonymous")).isEqualTo(1);
    assertThat(errors()).contains("POST /topics answered 401");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--messages=0; messages: 0 (expected: 1 to 99990000)",
        "--messages=99990001; messages: 99990001 (expected: 1 to 99990000)",
        "--batch=0; batch: 0 (expected: 1 to 10000)",
        "--batch=10001; batch: 10001 (expected: 1 to 10000)",
        "--publishers=0; publishers: 0 (expected: 1 to 10000)",
        "--over=0ms; over: 0 ms (expected: 1 ms to 24 h)",
        "--over=1441m; over: 86460000 ms (expected: 1 ms to 24 h)",
        "--payload-bytes=95; payload-bytes: 95 (expected: 96 to 167672 with a batch of 50)",
        "--payload-size=167673; payload-bytes: 167673 (expected: 96 to 167672 with a batch of 50)",
        "--client-id=x; client-id, client-secret: one of them (expected: both or neither)",
      })
  void wrongOption_isToldWithWhatIsExpected(String option, String told) {
    assertThat(run(option)).isEqualTo(1);
    assertThat(errors()).contains(told);
  }

  private double min(String scenario, String name) {
    return figure(json(), scenario, name).path("min").asDouble();
  }

  private int run(String... arguments) {
    return execute(
        List.of(
            "scheduled",
            "--url=" + server.endpoint().url(),
            "--runs=1",
            "--warmup=0ms",
            "--messages=1001",
            "--batch=50",
            "--publishers=2",
            "--lead=2500ms",
            "--over=300ms",
            jsonOption()),
        arguments);
  }
}
