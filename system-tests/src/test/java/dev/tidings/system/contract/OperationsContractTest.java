// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Sections 7 and 8 of the contract: health, metrics, errors, and the settings of the relay. The
/// names begin with the row.
@SystemTest
final class OperationsContractTest {
  private final TidingsProcess server;
  private final Caller nobody;
  private final Caller user;

  OperationsContractTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.nobody = Caller.nobody(server);
    this.user = Caller.user(server, "read", "write");
  }

  // Monitoring

  @Test
  void health_is200WithoutToken() {
    nobody
        .get("/health")
        .expect(200, "{\"status\":\"healthy\",\"timestamp\":\"<time>\",\"version\":\"0.1.0\"}");
  }

  @Test
  void ready_is200WithoutToken() {
    nobody.get("/ready").expect(200, "{\"ready\":true,\"checks\":{\"storage\":\"ok\"}}");
  }

  private double metric(String series) {
    Matcher line =
        Pattern.compile("(?m)^" + Pattern.quote(series) + " (\\S+)$")
            .matcher(nobody.get("/metrics").expect(200).body());
    return line.find() ? Double.parseDouble(line.group(1)) : 0;
  }

  @Test
  void metrics_areTextWithoutToken() {
    Answer answer = nobody.get("/metrics").expect(200);

    assertThat(answer.headers().firstValue("content-type").orElse("none")).startsWith("text/plain");
  }

  @ParameterizedTest
  @CsvSource({
    "relay_messages_received_total,counter",
    "relay_message_latency_seconds,histogram",
    "relay_websocket_connections_active,gauge",
    "relay_websocket_connections_total,counter",
    "relay_websocket_disconnections_total,counter",
    "relay_messages_delivered_total,counter",
    "relay_storage_operations_total,counter",
    "relay_topic_message_count,gauge",
    "relay_errors_total,counter"
  })
  void metrics_haveTheNamesOfTheRelay(String name, String type) {
    String topic = Caller.unique("metrics");
    try (Socket socket = Socket.subscribed(user, topic)) {
      user.publish(topic, "{}").expect(201);
      socket.next();
    }
    nobody.get("/auth/me").expect(401);

    assertThat(nobody.get("/metrics").expect(200).body())
        .contains("# TYPE " + name + " " + type + "\n")
        .containsPattern("(?m)^" + name + "(_count)?(\\{| )");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http_requests_total",
        "http_request_size_bytes",
        "http_response_size_bytes",
        "http_request_duration_seconds",
        "http_request_duration_highr_seconds"
      })
  void metrics_haveTheNamesOfTheInstrumentator(String name) {
    nobody.get("/health").expect(200);

    assertThat(nobody.get("/metrics").expect(200).body())
        .containsPattern("(?m)^" + name + "(_count)?(\\{| )");
  }

  @Test
  void metrics_countMessagesReceivedOfATopic() {
    String topic = Caller.unique("counted");
    user.publish(topic, "{}").expect(201);
    user.publish(topic, "{}").expect(201);

    assertThat(metric("relay_messages_received_total{topic=\"" + topic + "\"}")).isEqualTo(2);
  }

  /// The relay counted single publishes only (compatibility.md).
  @Test
  void metrics_countMessagesOfBulksToo() {
    String topic = Caller.unique("counted");
    user.post(
            "/api/v1/messages/bulk",
            "{\"messages\":[{\"topic\":\"%1$s\",\"payload\":{}},{\"topic\":\"%1$s\",\"payload\":{}}]}"
                .formatted(topic))
        .expect(207);

    assertThat(metric("relay_messages_received_total{topic=\"" + topic + "\"}")).isEqualTo(2);
  }

  @Test
  void metrics_countConnections() {
    double connections = metric("relay_websocket_connections_total");
    try (Socket _ = Socket.subscribed(user, Caller.unique("counted"))) {
      assertThat(metric("relay_websocket_connections_total")).isEqualTo(connections + 1);
      assertThat(metric("relay_websocket_connections_active")).isGreaterThanOrEqualTo(1);
    }
  }

  // Errors

  @Test
  void unknownPath_is404() {
    nobody.get("/no/such/path").expectDetail(404, "Not Found");
  }

  @ParameterizedTest
  @CsvSource({
    "PUT,/health",
    "DELETE,/auth/me",
    "GET,/auth/login",
    "GET,/auth/register",
    "GET,/api/v1/messages",
    "GET,/messages/poll",
    "PATCH,/api/v1/topics"
  })
  void otherMethod_is405(String method, String path) {
    nobody.send(method, path, "", "").expectDetail(405, "Method Not Allowed");
  }

  /// The `Location` is a path, not a whole address (compatibility.md).
  @ParameterizedTest
  @CsvSource({"GET,/health/", "GET,/auth/me/", "POST,/api/v1/messages/"})
  void trailingSlash_is307(String method, String path) {
    Answer answer = nobody.send(method, path, "", "").expect(307);

    assertThat(answer.headers().firstValue("location"))
        .hasValue(path.substring(0, path.length() - 1));
  }

  /// The documents of pulsar-relay name `http://localhost:8080/docs` (Swagger UI).
  @Test
  void docs_isAPage() {
    Answer answer = nobody.get("/docs").expect(200);

    assertThat(answer.headers().firstValue("content-type").orElse("none")).startsWith("text/html");
  }

  // Settings

  /// Its keys are others here; the page of settings says for each what takes its place.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "PULSAR_CONFIG_FILE",
        "app_name",
        "storage_backend",
        "valkey_host",
        "valkey_port",
        "valkey_use_tls",
        "persistent_tier_retention",
        "max_messages_per_topic",
        "log_level",
        "jwt_secret_key",
        "bootstrap_admin_username",
        "bootstrap_admin_password",
        "bootstrap_admin_email"
      })
  void setting_ofTheRelay_isInTheTable(String name) throws IOException {
    String page = Files.readString(Path.of("../docs/configuration.md"));

    assertThat(page.substring(page.indexOf("## Settings of pulsar-relay")))
        .contains("`" + name + "`");
  }

  @Test
  void bootstrapAdmin_hasAllPermissions_andTheDefaultAddress() {
    JsonNode admin = Caller.admin(server).get("/auth/me").expect(200).json();

    assertThat(admin.get("permissions").valueStream().map(JsonNode::asString))
        .containsExactlyInAnyOrder("admin", "read", "write");
    assertThat(admin.get("email").asString()).isEqualTo("admin@example.com");
  }

  @Test
  void bootstrapAdminEmail_isTaken() {
    try (TidingsProcess other =
        TidingsProcess.startSecured(
            Map.of("TIDINGS_AUTH_BOOTSTRAP_ADMIN_EMAIL", "root@example.org"))) {
      assertThat(Caller.admin(other).get("/auth/me").expect(200).text("email"))
          .isEqualTo("root@example.org");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "rocksdb"})
  void maxMessagesPerTopic_isAnExactTrim_inEveryStore(String store) {
    try (TidingsProcess other =
        TidingsProcess.startSecured(
            Map.of(
                "TIDINGS_STORE_TYPE", store,
                "TIDINGS_RETENTION_MAX_MESSAGES", "3",
                "TIDINGS_RETENTION_SWEEP_INTERVAL", "100ms"))) {
      Caller admin = Caller.admin(other);
      for (int number = 1; number <= 5; number++) {
        admin.publish("trimmed", "{\"n\":" + number + "}").expect(201);
      }

      long deadline = System.nanoTime() + 10_000_000_000L;
      JsonNode messages;
      do {
        messages =
            admin
                .poll("{\"topics\":[\"trimmed\"],\"since\":{\"trimmed\":\"none\"},\"timeout\":1}")
                .expect(200)
                .json()
                .get("messages");
      } while (messages.size() > 3 && System.nanoTime() < deadline);

      assertThat(messages.valueStream().map(message -> message.get("payload").get("n").asInt()))
          .containsExactly(3, 4, 5);
    }
  }
}
