// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `bench exchange` from the command line to its report, against a stand-in server.
final class ExchangeScenarioTest extends BenchTest {
  private final RelayStandIn server = new RelayStandIn();

  @AfterEach
  void closeServer() {
    server.close();
  }

  @Test
  void routing_isTheDefault_andTellsTheShareOfTheRateWithOneBinding() {
    assertThat(run("--runs=2", "--bindings=20,1,4", "--connections=4", "--fsync-dir=" + dir))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    for (String kind :
        List.of(
            "direct, durable queue", "topic, durable queue",
            "direct, transient queue", "topic, transient queue")) {
      assertThat(figure(report, kind + ", 1 bindings", "published").path("runs").size())
          .isEqualTo(2);
      assertThat(figure(report, kind + ", 4 bindings", "latency p99").path("min").asDouble())
          .isPositive();
      JsonNode share = figure(report, kind + ", 20 bindings", "share of the rate with 1");
      assertThat(share.path("min").asDouble()).isPositive();
      assertThat(share.path("target").path("text").asString()).isEqualTo(">= 1/1.2");
    }
    assertThat(figure(report, "disk", "fdatasync of 8 KiB, p50").path("runs").size()).isEqualTo(8);
    assertThat(server.exchanges.created)
        .anyMatch(it -> it.contains("\"type\":\"topic\""))
        .anyMatch(it -> it.contains("\"durable\":true"))
        .anyMatch(it -> it.contains("\"durable\":false"));
    // 3 exchanges and their queues, of 2 types, durable and transient.
    assertThat(server.exchanges.deleted).hasSize(24);
    assertThat(out.toString()).contains("| topic, transient queue, 20 bindings");
  }

  @Test
  void routing_ofOneTypeAndQueue_measuresNoOther() {
    assertThat(run("--bindings=3", "--types=topic", "--queues=transient", "--threads=2"))
        .as(this::errors)
        .isZero();

    assertThat(out.toString()).contains("topic, transient queue, 3 bindings");
    assertThat(out.toString()).doesNotContain("direct").doesNotContain("durable queue");
    assertThat(server.exchanges.keys)
        .containsExactlyInAnyOrder("#.w000000.*.*", "*.w000001.#", "shop.#.w000002.order.#");
  }

  @Test
  void lostMessage_whileKeysAreChecked_endsRouting() {
    server.exchanges.loseEvery.set(100);

    assertThat(run("--bindings=1", "--types=direct", "--queues=durable")).isEqualTo(1);

    assertThat(errors()).contains("of 256 messages published for it the queue had 254 (expected");
    assertThat(server.exchanges.deleted).hasSize(2);
  }

  @Test
  void lostMessage_inARun_endsRoutingOfADurableQueue() {
    server.exchanges.loseEvery.set(300);

    assertThat(run("--bindings=1", "--types=direct", "--queues=durable")).isEqualTo(1);

    assertThat(errors())
        .containsPattern("of [0-9,]+ messages published for it the queue had [0-9,]+ \\(expected");
  }

  @Test
  void lostMessage_ofATransientQueue_isNoted() {
    server.exchanges.loseEvery.set(300);

    assertThat(run("--bindings=1", "--types=direct", "--queues=transient"))
        .as(this::errors)
        .isZero();

    assertThat(out.toString())
        .contains("A transient queue had fewer messages than were published to it in a run");
  }

  @Test
  void messageForAnUnboundKey_endsRouting() {
    server.exchanges.ignoresKeys = true;

    assertThat(run("--bindings=2", "--types=topic")).isEqualTo(1);

    assertThat(errors()).contains("of 256 messages published for it the queue had 257");
  }

  @Test
  void refusedPublish_endsItWithTheAnswer() {
    server.exchanges.refuseEvery.set(500);

    assertThat(run("--bindings=1", "--types=direct")).isEqualTo(1);

    assertThat(errors())
        .contains("POST /publish was answered 503")
        .contains("the store takes no writes");
  }

  @ParameterizedTest
  @EnumSource(RoutingKeys.class)
  void everyKey_isRoutedByItsBindingAlone(RoutingKeys keys) {
    var fake = new ExchangeFake();
    fake.handle("POST", "/exchanges", "{\"name\":\"e\",\"type\":\"" + keys + "\"}");
    for (int i = 0; i < 8; i++) {
      fake.handle("POST", "/queues", "{\"name\":\"q%d\",\"mode\":\"work\"}".formatted(i));
      fake.handle(
          "POST",
          "/bindings",
          "{\"exchange_name\":\"e\",\"queue_name\":\"q%d\",\"key\":\"%s\"}"
              .formatted(i, keys.ofBinding(i)));
    }
    for (int i = 0; i < 8; i++) {
      fake.handle(
          "POST",
          "/publish",
          "{\"exchange_name\":\"e\",\"key\":\"%s\",\"payload\":{}}".formatted(keys.ofMessage(i)));
    }

    for (int i = 0; i < 8; i++) {
      assertThat(fake.handle("GET", "/queues/q" + i, "").json()).contains("\"messages\":1,");
    }
  }

  @Test
  void fanout_isCounted_besideTheRelays() {
    assertThat(run("--modes=fanout", "--runs=2", "--sockets=20", "--sample-every=5"))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    String queue = "fanout, broadcast queue, 20 sockets";
    for (String scenario : List.of(queue, "fanout, relay's topic, 20 sockets")) {
      assertThat(figure(report, scenario, "delivered").path("runs").size()).isEqualTo(2);
      assertThat(figure(report, scenario, "published").path("min").asDouble()).isPositive();
      assertThat(figure(report, scenario, "frames per read").path("min").asDouble())
          .isGreaterThanOrEqualTo(1);
      assertThat(figure(report, scenario, "latency p50").path("min").asDouble()).isPositive();
    }
    assertThat(figure(report, queue, "share of the relay's").path("target").path("text").asString())
        .isEqualTo(">= 1/1.1");
    JsonNode subscribe = new JsonMapper().readTree(server.exchanges.subscribes.getFirst());
    assertThat(subscribe.path("payload").path("confirm").asBoolean()).isTrue();
    assertThat(subscribe.path("payload").has("ack")).isFalse();
    assertThat(server.deletedTopics).hasValue(1);
    assertThat(server.exchanges.deleted).hasSize(2);
  }

  @Test
  void fanout_whenTheQueueLosesAMessage_fails() {
    // Few: it is the next one that tells, and a slow machine publishes no more than some dozens.
    server.exchanges.loseEvery.set(5);

    assertThat(run("--modes=fanout", "--sockets=3", "--sample-every=1")).isEqualTo(1);

    assertThat(errors()).contains("received a message out of order or twice");
  }

  @Test
  void work_isCounted_withEitherAck() {
    assertThat(run("--modes=work", "--runs=2", "--workers=3", "--prefetch=7", "--threads=2"))
        .as(this::errors)
        .isZero();

    JsonNode report = json();
    for (String ack : List.of("auto", "manual")) {
      String scenario = "work, " + ack + " ack, 3 sockets";
      JsonNode delivered = figure(report, scenario, "delivered");
      assertThat(delivered.path("runs").size()).isEqualTo(2);
      assertThat(delivered.path("min").asDouble())
          .isEqualTo(figure(report, scenario, "published").path("min").asDouble());
      assertThat(figure(report, scenario, "latency p99").path("min").asDouble()).isPositive();
    }
    assertThat(server.exchanges.created).anyMatch(it -> it.contains("\"mode\":\"work\""));
    JsonNode manual = new JsonMapper().readTree(server.exchanges.subscribes.getLast());
    assertThat(manual.path("payload").path("ack").asString()).isEqualTo("manual");
    assertThat(manual.path("payload").path("prefetch").asInt()).isEqualTo(7);
  }

  @Test
  void work_ofOneSocket_isCounted() {
    assertThat(run("--modes=work", "--workers=1", "--acks=manual", "--work-publishers=2"))
        .as(this::errors)
        .isZero();

    assertThat(out.toString()).contains("work, manual ack, 1 sockets").doesNotContain("auto ack");
  }

  @Test
  void work_messageThatComesTwice_endsIt() {
    server.exchanges.doubleEvery.set(100);

    assertThat(run("--modes=work", "--acks=auto")).isEqualTo(1);

    assertThat(errors())
        .containsPattern("received message [0-9]+ of publisher [0-9]+, which some socket had");
  }

  @Test
  void work_forgottenAck_endsItWithTheCounts() {
    server.exchanges.forgetAckEvery.set(200);

    assertThat(run("--modes=work", "--acks=manual", "--patience=500ms", "--prefetch=1000"))
        .isEqualTo(1);

    assertThat(errors())
        .containsPattern("GET /queues/bench-[^ ]+ answered Counts\\[messages=0, delivered=[1-9]")
        .contains("expected, within 500 ms: Counts[messages=0, delivered=0, deadLetters=0]");
  }

  @Test
  void token_isSentAsItIs_andNotWritten() throws Exception {
    assertThat(
            run(
                "--modes=routing,fanout,work",
                "--bindings=1",
                "--types=direct",
                "--sockets=2",
                "--token=" + RelayStandIn.TOKEN))
        .as(this::errors)
        .isZero();
    assertThat(Files.readString(dir.resolve("figures.json"))).doesNotContain(RelayStandIn.TOKEN);

    assertThat(run("--token=another")).isEqualTo(1);
    assertThat(errors())
        .contains("POST /exchanges answered 401")
        .contains("a caller who may create exchanges and queues");
  }

  @Test
  void anonymous_sendsNoToken() {
    assertThat(run("--bindings=1", "--types=direct", "--anonymous")).isEqualTo(1);

    server.asksForToken = false;
    assertThat(run("--modes=work,fanout", "--sockets=2", "--anonymous")).as(this::errors).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--bindings=0; bindings: 0 (expected: 1 to 1000000)",
        "--bindings=1000001; bindings: 1000001 (expected: 1 to 1000000)",
        "--connections=0; connections: 0 (expected: 1 to 1000)",
        "--sockets=0; sockets: 0 (expected: 1 to 100000)",
        "--publishers=0; publishers: 0 (expected: 1 to 1000)",
        "--sample-every=0; sample-every: 0 (expected: 1 to 100000)",
        "--workers=0; workers: 0 (expected: 1 to 100000)",
        "--prefetch=0; prefetch: 0 (expected: 1 to 1000)",
        "--prefetch=1001; prefetch: 1001 (expected: 1 to 1000)",
        "--work-publishers=0; work-publishers: 0 (expected: 1 to 1000)",
        "--window=0; window: 0 (expected: 1 to 1000000)",
        "--payload-bytes=63; payload-bytes: 63 (expected: >= 64)",
        "--client-id=x; client-id, client-secret: one of them (expected: both or neither)",
      })
  void wrongOption_isToldWithWhatIsExpected(String option, String told) {
    assertThat(run(option)).isEqualTo(1);
    assertThat(errors()).contains(told);
  }

  private int run(String... arguments) {
    return execute(
        List.of(
            "exchange",
            "--url=" + server.endpoint().url(),
            "--runs=1",
            "--duration=200ms",
            "--warmup=50ms",
            jsonOption()),
        arguments);
  }
}
