// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Each scenario from the command line to its report, against a stand-in server.
final class BenchCommandTest extends BenchTest {
  private final RelayStandIn server = new RelayStandIn();

  @AfterEach
  void closeServer() {
    server.close();
  }

  @Test
  void publish_reportsRateAndShareOfHealth() {
    assertThat(
            run("publish", "--connections", "4,8", "--topics", "3", "--fsync-dir", dir.toString()))
        .isZero();

    JsonNode report = json();
    assertThat(figure(report, "GET /health, 8 connections", "answers").path("median").asDouble())
        .isPositive();
    JsonNode share = figure(report, "publish, 8 connections, 3 topics", "share of GET /health");
    assertThat(share.path("runs").size()).isEqualTo(2);
    assertThat(share.path("target").path("limits").size()).isEqualTo(2);
    assertThat(figure(report, "disk", "fdatasync of 8 KiB, p99").path("max").asDouble())
        .isPositive();
    assertThat(report.path("machine").path("cores").asInt()).isPositive();
    assertThat(out.toString())
        .contains("| publish, 4 connections, 3 topics")
        .contains("messages/s");
    assertThat(server.deletedTopics).hasValue(6);
  }

  @Test
  void publish_withoutFolderOfTheServersDisk_saysThatFdatasyncIsMissing() {
    assertThat(run("publish", "--connections", "2", "--topics", "1")).as(this::errors).isZero();

    assertThat(out.toString()).contains("fdatasync was not measured: give --fsync-dir");
  }

  @Test
  void publish_answeredOtherwise_failsAndShowsTheFirstAnswer() {
    server.refuseEvery.set(100);

    assertThat(run("publish", "--connections", "2", "--topics", "1")).isEqualTo(1);

    assertThat(err.toString())
        .contains(
            "POST /api/v1/messages was answered 503 {\"detail\":\"The store takes no writes\"}");
  }

  @Test
  void bulk_countsMessages() {
    assertThat(run("bulk", "--connections", "2", "--topics", "2", "--batch", "10"))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    String scenario = "bulk of 10, 2 connections, 2 topics";
    double messages = figure(report, scenario, "published").path("runs").path(0).asDouble();
    double requests = figure(report, scenario, "requests").path("runs").path(0).asDouble();
    assertThat(messages).isEqualTo(10 * requests);
  }

  @Test
  void bulk_withARejectedMessage_fails() {
    server.refuseEvery.set(50);

    assertThat(run("bulk", "--connections", "2", "--topics", "1", "--batch", "5")).isEqualTo(1);

    assertThat(err.toString())
        .contains("POST /api/v1/messages/bulk rejected messages")
        .contains("\"rejected\":1");
  }

  @Test
  void fanout_countsEveryDeliveryOfEveryMode() {
    assertThat(run("fanout", "--sockets", "20", "--sample-every", "5", "--connections", "3"))
        .isZero();

    JsonNode report = json();
    for (String mode : List.of("full", "pipelined", "single")) {
      String scenario = "fanout " + mode + ", 20 sockets";
      assertThat(figure(report, scenario, "delivered").path("min").asDouble()).isPositive();
      assertThat(figure(report, scenario, "frames per read").path("min").asDouble())
          .isGreaterThanOrEqualTo(1);
      assertThat(figure(report, scenario, "latency p50").path("min").asDouble()).isPositive();
    }
  }

  @Test
  void fanout_withTwoThreads_countsTheSame() {
    assertThat(run("fanout", "--sockets", "9", "--threads", "2", "--modes", "full"))
        .as(this::errors)
        .isZero();
  }

  @Test
  void fanout_whenASampledSocketMissesAMessage_fails() {
    server.skipEvery.set(50);

    assertThat(run("fanout", "--sockets", "3", "--sample-every", "1", "--modes", "pipelined"))
        .isEqualTo(1);

    assertThat(err.toString()).contains("received a message out of order or twice");
  }

  @Test
  void latency_measuresEveryMessageThatWasDue() {
    assertThat(run("latency", "--rate", "500", "--fsync-dir", dir.toString()))
        .as(this::errors)
        .isZero();

    String scenario = "latency, 500 messages/s, 1 sockets";
    JsonNode report = json();
    assertThat(figure(report, scenario, "messages measured").path("runs").path(1).asDouble())
        .isBetween(149.0, 151.0);
    assertThat(figure(report, scenario, "publish to WebSocket p99.9").path("max").asDouble())
        .isPositive();
  }

  @Test
  void connections_ofAServerWithoutProcessId_saysWhatIsMissing() {
    assertThat(run("connections")).isEqualTo(1);

    assertThat(err.toString()).contains("give --pid");
  }

  @Test
  void connections_ofAProcess_measuresItsMemory() {
    String self = Long.toString(ProcessHandle.current().pid());

    assertThat(
            run(
                "connections",
                "--sockets",
                "50",
                "--first",
                "5",
                "--settle",
                "50ms",
                "--pid",
                self))
        .isZero();

    assertThat(
            figure(json(), "connections, 50 sockets", "resident memory with none")
                .path("median")
                .asDouble())
        .isPositive();
  }

  @Test
  void withoutUrl_startsAServerAndLeavesNothing() {
    String[] arguments = {
      "connections",
      "--sockets",
      "50",
      "--first",
      "5",
      "--settle",
      "50ms",
      "--runs",
      "1",
      "--server-heap",
      "128m",
      "--dir",
      dir.toString(),
      "--server-class",
      RelayStandIn.class.getName(),
      "--json",
      dir.resolve("figures.json").toString()
    };

    assertThat(commandLine().execute(arguments)).as(this::errors).isZero();

    JsonNode report = json();
    assertThat(figure(report, "connections, 50 sockets", "heap each").path("runs").size())
        .isEqualTo(1);
    assertThat(figure(report, "start", "empty data folder to ready").path("runs").size())
        .isEqualTo(1);
    assertThat(report.path("options").path("--sockets").asInt()).isEqualTo(50);
    assertThat(report.path("options").has("--password")).isFalse();
    assertThat(dir).isDirectoryNotContaining("glob:**tidings-bench*");
  }

  @Test
  void severalStores_areMeasuredInTurn_andTheirRatesCompared() throws Exception {
    try (var database = new FakeDatabase()) {
      assertThat(
              onOwnServers(
                  "publish",
                  "--connections=2",
                  "--topics=1",
                  "--store=rocksdb,postgresql",
                  "--store-url=postgresql://127.0.0.1:1/test",
                  "--store-user=ada",
                  "--store-password=let-me-in"))
          .as(this::errors)
          .isZero();
      assertThat(database.said()).hasSize(2).last().asString().startsWith("drop schema");
    }
    JsonNode report = json();
    String scenario = "publish, 2 connections, 1 topics, ";
    double share =
        figure(report, scenario + "postgresql", "published, share of rocksdb")
            .path("runs")
            .path(1)
            .asDouble();
    double embedded = run(report, scenario + "rocksdb", "published");
    double onDatabase = run(report, scenario + "postgresql", "published");
    assertThat(share).isEqualTo(onDatabase / embedded);
    assertThat(target(report, scenario + "postgresql", "published")).isEqualTo(">= 15,000");
    assertThat(target(report, scenario + "rocksdb", "published")).isEqualTo(">= 38,000");
    assertThat(target(report, scenario + "postgresql", "published, share of rocksdb"))
        .isEqualTo(">= 1/3");
    assertThat(figure(report, "start, postgresql", "empty schema to ready").path("runs").size())
        .isEqualTo(1);
    assertThat(report.path("options").path("--store").size()).isEqualTo(2);
    assertThat(report.toString()).doesNotContain("let-me-in");
    assertThat(out.toString())
        .contains("own server, store rocksdb and postgresql")
        .contains("| publish, 2 connections, 1 topics, postgresql | published, share of rocksdb")
        .doesNotContain("let-me-in");
    assertThat(dir).isDirectoryNotContaining("glob:**tidings-bench*");
  }

  private static double run(JsonNode report, String scenario, String name) {
    return figure(report, scenario, name).path("runs").path(1).asDouble();
  }

  private static String target(JsonNode report, String scenario, String name) {
    return figure(report, scenario, name).path("target").path("text").asString();
  }

  private int onOwnServers(String what, String... options) {
    return execute(
        List.of(
            what,
            "--runs=2",
            "--duration=300ms",
            "--warmup=100ms",
            "--server-heap=128m",
            "--dir=" + dir,
            "--server-class=" + RelayStandIn.class.getName(),
            jsonOption()),
        options);
  }

  @Test
  void storesThatDoNotFit_areRefused() {
    String url = "--store-url=postgresql://127.0.0.1:1/test";
    assertThat(onOwnServers("publish", "--store=rocksdb,rocksdb")).isEqualTo(1);
    assertThat(onOwnServers("publish", "--store=postgresql", url)).isEqualTo(1);
    assertThat(onOwnServers("publish", url)).isEqualTo(1);
    assertThat(
            onOwnServers(
                "publish", "--store=postgresql", url + "?currentSchema=x", "--store-user=ada"))
        .isEqualTo(1);
    assertThat(
            onOwnServers(
                "publish", "--store=postgresql", url, "--store-user=ada", "--durability=memory"))
        .isEqualTo(1);
    assertThat(run("publish", "--store=rocksdb,memory")).isEqualTo(1);
    assertThat(errors().lines())
        .containsExactly(
            "tidings bench publish: store: rocksdb,rocksdb (expected: one or more, each once)",
            "tidings bench publish: store-url, store-user: missing (expected: both with the store"
                + " postgresql)",
            "tidings bench publish: store-url, store-user, store-password: given (expected: only"
                + " with --store postgresql)",
            "tidings bench publish: store-url: names a schema (expected: none; a new one is made"
                + " and dropped)",
            "tidings bench publish: durability: memory (expected: fsync with the store postgresql,"
                + " whose database decides)",
            "tidings bench publish: store: rocksdb,memory (expected: none with --url, whose server"
                + " has a store already)");
  }

  @Test
  void wrongPassword_saysWhatToGive() {
    assertThat(run("bulk", "--password", "wrong")).isEqualTo(1);

    assertThat(err.toString())
        .contains("POST /auth/login answered 401")
        .contains("give --user and --password");
  }

  @Test
  void everySubcommand_explainsItsOptions() {
    for (String what :
        List.of(
            "publish",
            "bulk",
            "fanout",
            "connections",
            "latency",
            "consume",
            "streams",
            "exchange",
            "scheduled")) {
      out.getBuffer().setLength(0);
      assertThat(commandLine().execute(what, "--help")).isZero();
      assertThat(out.toString())
          .contains("--url")
          .contains("--json")
          .contains("Default: 5s")
          .doesNotContain("${");
    }
  }

  private int run(String what, String... options) {
    return execute(
        List.of(
            what,
            "--url=" + server.endpoint().url(),
            "--runs=2",
            "--duration=300ms",
            "--warmup=100ms",
            jsonOption()),
        options);
  }
}
