// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static dev.tidings.system.OperationsTest.metric;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// That metrics are true, and that `docs/metrics.md` lists all of them and no others.
@SystemTest
final class MetricsTest {
  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)})? \\S+");
  private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  private TidingsProcess server;
  private RelayClient admin;

  @BeforeAll
  void start() {
    var folder = TidingsProcess.newDataDir();
    TestCertificate.ofName("metrics").write(folder);
    server =
        TidingsProcess.startSecured(
            Map.of(
                "TIDINGS_METRICS_MAX_TOPIC_LABELS",
                "3",
                "TIDINGS_TLS_PORT",
                "0",
                "TIDINGS_TLS_CERTIFICATE",
                folder.resolve("cert.pem").toString(),
                "TIDINGS_TLS_PRIVATE_KEY",
                folder.resolve("key.pem").toString()));
    admin = server.admin();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  /// @param type as the `# TYPE` line says it
  /// @param labels in order of their names
  private record Metric(String type, Set<String> labels) {}

  /// What a running server shows.
  private Map<String, Metric> shown() {
    var types = new TreeMap<String, String>();
    var labels = new TreeMap<String, Set<String>>();
    for (String line : admin.get("/metrics").expect(200).body().lines().toList()) {
      if (line.startsWith("# TYPE ")) {
        String[] parts = line.split(" ", -1);
        types.put(parts[2], parts[3]);
        labels.put(parts[2], new TreeSet<>());
      } else if (!line.startsWith("#")) {
        Matcher sample = SAMPLE.matcher(line);
        assertThat(sample.matches()).as(line).isTrue();
        String name = sample.group(1);
        String family =
            types.containsKey(name) ? name : name.replaceFirst("_(bucket|count|sum)$", "");
        if (sample.group(2) != null) {
          LABEL
              .matcher(sample.group(2))
              .results()
              .map(label -> label.group(1))
              .filter(label -> !label.equals("le"))
              .forEach(labels.get(family)::add);
        }
      }
    }
    var shown = new TreeMap<String, Metric>();
    types.forEach((name, type) -> shown.put(name, new Metric(type, labels.get(name))));
    return shown;
  }

  /// Of those that only one store has, this one's.
  private static Map<String, Metric> documented() {
    var documented = new TreeMap<String, Metric>();
    for (List<List<String>> table : Markdown.page("docs/metrics.md").tables()) {
      assertThat(table.getFirst()).containsExactly("Metric", "Type", "Labels", "Meaning");
      for (List<String> row : table.subList(1, table.size())) {
        if (row.get(3).endsWith(" only)")
            && !row.get(3).contains("(`" + TestStore.NAME + "` only)")) {
          continue;
        }
        Set<String> labels =
            Stream.of(row.get(2).split(",", -1))
                .map(label -> label.replace("`", "").strip())
                .filter(label -> !label.isEmpty())
                .collect(Collectors.toCollection(TreeSet::new));
        documented.put(row.get(0).replace("`", ""), new Metric(row.get(1), labels));
      }
    }
    return documented;
  }

  @Test
  void page_listsEveryMetricAndNoOther() {
    String topic = RelayClient.unique("page");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publishNumber(topic, 0);
      socket.expect("message");
      socket.sendText("no json");
      socket.expect("error");
    }
    admin.get("/nowhere").expect(404);

    Map<String, Metric> shown = shown();
    Map<String, Metric> documented = documented();

    // What Java tells depends on the machine.
    var required = new TreeMap<>(documented);
    required.keySet().removeIf(name -> name.startsWith("process_") && !shown.containsKey(name));
    assertThat(shown).isEqualTo(required);
  }

  @Test
  void topics_beyondTheBound_areCountedTogether() {
    // Whatever other tests have used: three in all have names of their own.
    var topics = Stream.generate(() -> RelayClient.unique("bound")).limit(6).toList();
    topics.forEach(topic -> admin.publishNumber(topic, 0));

    Set<String> labels = new HashSet<>();
    admin
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith("relay_messages_received_total{"))
        .forEach(line -> labels.add(line.replaceFirst(".*topic=\"([^\"]*)\".*", "$1")));
    assertThat(labels).hasSize(4).contains("_other");
    assertThat(metric(admin, "relay_messages_received_total{topic=\"_other\"}"))
        .isGreaterThanOrEqualTo(3);
  }

  @Test
  void deliveries_areCountedByWay(@On(Setup.SECURED) TidingsProcess shared) {
    RelayClient client = shared.admin();
    String topic = RelayClient.unique("ways");
    try (RelaySocket one = client.subscribe(topic);
        RelaySocket other = client.subscribe(topic)) {
      client.publishNumbers(topic, 0, 150);
      assertThat(one.numbers(150)).hasSize(150);
      assertThat(other.numbers(150)).hasSize(150);
    }
    assertThat(client.readAll(topic).messages()).hasSize(150);

    assertThat(delivered(client, topic, "websocket")).isEqualTo(300);
    assertThat(delivered(client, topic, "long_poll")).isEqualTo(150);
    assertThat(metric(client, "relay_topic_message_count{topic=\"" + topic + "\"}")).isEqualTo(150);
  }

  private static double delivered(RelayClient client, String topic, String way) {
    return metric(
        client,
        "relay_messages_delivered_total{delivery_type=\"" + way + "\",topic=\"" + topic + "\"}");
  }

  @Test
  void errors_areCountedByCode(@On(Setup.SECURED) TidingsProcess shared) {
    RelayClient client = shared.admin();
    double notFound = metric(client, "relay_errors_total{code=\"404\",type=\"http\"}");
    String frames = "relay_errors_total{code=\"UNKNOWN_MESSAGE_TYPE\",type=\"websocket\"}";
    double unknown = metric(client, frames);

    client.get("/nowhere").expect(404);
    try (RelaySocket socket = client.subscribe(RelayClient.unique("errors"))) {
      socket.send(Json.object("type", "dance"));
      socket.expect("error");
    }

    assertThat(metric(client, "relay_errors_total{code=\"404\",type=\"http\"}"))
        .isGreaterThan(notFound);
    assertThat(metric(client, frames)).isEqualTo(unknown + 1);
  }

  @Test
  void requests_haveTheirSizesAndDurations() {
    String of = "{handler=\"/api/v1/messages\"";
    double sizes = metric(admin, "http_request_size_bytes_sum" + of + "}");
    double answers = metric(admin, "http_response_size_bytes_sum" + of + "}");
    double count = metric(admin, "http_request_duration_seconds_count" + of + ",method=\"POST\"}");
    double all = metric(admin, "http_request_duration_highr_seconds_count");
    byte[] body = "{\"topic\":\"sized\",\"payload\":{}}".getBytes(UTF_8);

    Reply reply = admin.postRaw("/api/v1/messages", body).expect(201);

    assertThat(metric(admin, "http_request_size_bytes_sum" + of + "}") - sizes)
        .isEqualTo(body.length);
    assertThat(metric(admin, "http_response_size_bytes_sum" + of + "}") - answers)
        .isEqualTo(reply.body().length());
    assertThat(metric(admin, "http_request_duration_seconds_count" + of + ",method=\"POST\"}"))
        .isEqualTo(count + 1);
    assertThat(metric(admin, "http_request_duration_highr_seconds_count")).isGreaterThan(all + 1);
  }

  @Test
  void methods_thatClientsMakeUp_areNoLabels() {
    admin.request("DANCE", "/nowhere");
    admin.request("DANCE", "/health");

    assertThat(
            metric(admin, "http_requests_total{handler=\"none\",method=\"other\",status=\"4xx\"}"))
        .isGreaterThanOrEqualTo(2);
    assertThat(admin.get("/metrics").body()).doesNotContain("DANCE");
  }

  @Test
  void readersAndConnections_areCountedUpAndDown() {
    String topic = RelayClient.unique("readers");
    Await.until("no cursor", () -> metric(admin, "tidings_cursors") == 0);
    try (RelaySocket _ = admin.subscribe(topic, RelayClient.unique("readers"))) {
      assertThat(metric(admin, "tidings_cursors")).isEqualTo(2);
      assertThat(metric(admin, "tidings_connections")).isPositive();
      var poll = admin.pollAsync("topics", List.of(topic), "timeout", 30);
      Await.until("a poll waits", () -> metric(admin, "tidings_polls_waiting") == 1);
      assertThat(metric(admin, "tidings_cursors")).isEqualTo(3);
      admin.publishNumber(topic, 0);
      Await.result(poll).expect(200);
      assertThat(metric(admin, "tidings_polls_waiting")).isZero();
    }
    Await.until("no cursor again", () -> metric(admin, "tidings_cursors") == 0);
  }

  @Test
  void version_isTheSameEverywhere() {
    String health = admin.get("/health").json().get("version").asString();

    assertThat(admin.get("/metrics").body())
        .containsPattern(
            "tidings_build_info\\{version=\"" + Pattern.quote(health) + "(-SNAPSHOT)?\"}");
  }
}
