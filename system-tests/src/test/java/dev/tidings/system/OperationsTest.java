// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What those who run the server look at, and the answers that belong to no endpoint.
@SystemTest
final class OperationsTest {

  private final TidingsProcess server;
  private final RelayClient admin;
  private final RelayClient nobody;

  OperationsTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.admin = server.admin();
    this.nobody = server.anonymous();
  }

  /// The sum of a metric over its labels; 0 if it is not there.
  static double metric(RelayClient client, String nameAndLabels) {
    return client
        .get("/metrics")
        .expect(200)
        .body()
        .lines()
        .filter(
            line -> line.startsWith(nameAndLabels + "{") || line.startsWith(nameAndLabels + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void health_needsNoToken() {
    JsonNode json = nobody.get("/health").expect(200).json();

    assertThat(Json.names(json)).containsExactlyInAnyOrder("status", "timestamp", "version");
    assertThat(json.get("status").asString()).isEqualTo("healthy");
    assertThat(json.get("timestamp").asString()).matches(Shape.TIMESTAMP);
    assertThat(json.get("version").asString()).isEqualTo("0.1.0");
  }

  @Test
  void ready_namesItsChecks() {
    JsonNode json = nobody.get("/ready").expect(200).json();

    assertThat(json.get("ready").asBoolean()).isTrue();
    assertThat(json.get("checks").get("storage").asString()).isEqualTo("ok");
  }

  @Test
  void metrics_countPublishedMessagesByTopic() {
    String topic = RelayClient.unique("metered");
    for (int n = 0; n < 3; n++) {
      admin.publishNumber(topic, n);
    }

    assertThat(metric(nobody, "relay_messages_received_total{topic=\"" + topic + "\"}"))
        .isEqualTo(3);
  }

  @Test
  void metrics_countSockets() {
    double before = metric(nobody, "relay_websocket_connections_total");
    double endedBefore = metric(nobody, "relay_websocket_disconnections_total");
    try (RelaySocket _ = admin.subscribe(RelayClient.unique("counted"))) {
      assertThat(metric(nobody, "relay_websocket_connections_active")).isPositive();
      assertThat(metric(nobody, "relay_websocket_connections_total")).isGreaterThan(before);
    }
    Await.until(
        "the end of the socket is counted",
        () -> metric(nobody, "relay_websocket_disconnections_total") > endedBefore);
  }

  @Test
  void metrics_haveAllNamesInThePrometheusFormat() {
    String topic = RelayClient.unique("names");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publishNumber(topic, 1);
      socket.expect("message");
    }
    Reply reply = nobody.get("/metrics").expect(200);

    assertThat(reply.header("content-type").orElseThrow()).startsWith("text/plain");
    assertThat(reply.body())
        .contains(
            "relay_messages_received_total",
            "relay_message_latency_seconds",
            "relay_websocket_connections_active",
            "relay_websocket_connections_total",
            "relay_websocket_disconnections_total",
            "relay_messages_delivered_total",
            "relay_storage_operations_total",
            "relay_topic_message_count",
            "relay_errors_total",
            "http_request");
    assertThat(reply.body().lines().filter(line -> !line.isEmpty() && !line.startsWith("#")))
        .allSatisfy(
            line -> assertThat(line).matches("[a-zA-Z_:][a-zA-Z0-9_:]*(\\{.*})? \\S+( .*)?"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/nope", "/api", "/api/v1", "/api/v1/nope", "/health/x"})
  void unknownPath_is404(String path) {
    admin.get(path).expectDetail(404, "Not Found");
    nobody.get(path).expectDetail(404, "Not Found");
  }

  @ParameterizedTest
  @CsvSource({
    "POST,/health",
    "POST,/ready",
    "DELETE,/metrics",
    "GET,/auth/login",
    "PUT,/auth/register",
    "POST,/auth/me",
    "GET,/api/v1/messages",
    "GET,/api/v1/messages/bulk",
    "GET,/messages/poll",
    "DELETE,/messages/poll",
    "PATCH,/api/v1/topics/some-topic",
    "PATCH,/api/v1/topics/some-topic/permissions"
  })
  void wrongMethod_is405(String method, String path) {
    Reply reply = admin.request(method, path).expectDetail(405, "Method Not Allowed");

    assertThat(reply.header("allow").orElseThrow().split(", "))
        .isNotEmpty()
        .doesNotContain(method)
        .allSatisfy(allowed -> assertThat(admin.request(allowed, path).status()).isNotEqualTo(405));
  }

  @ParameterizedTest
  @CsvSource({
    "GET,/health/,/health",
    "GET,/ready/,/ready",
    "GET,/auth/me/,/auth/me",
    "POST,/api/v1/messages/,/api/v1/messages",
    "POST,/messages/poll/?a=1,/messages/poll?a=1"
  })
  void trailingSlash_isRedirectedWith307(String method, String path, String target) {
    Reply reply = nobody.request(method, path).expect(307);

    assertThat(URI.create(server.url() + path).resolve(reply.header("location").orElseThrow()))
        .isEqualTo(URI.create(server.url() + target));
  }

  @Test
  void errors_areJson() {
    assertThat(nobody.get("/nope").header("content-type").orElseThrow())
        .startsWith("application/json");
    assertThat(nobody.me().header("content-type").orElseThrow()).startsWith("application/json");
    assertThat(admin.postRaw("/api/v1/messages", "{").header("content-type").orElseThrow())
        .startsWith("application/json");
  }

  private static void expectTooLarge(Reply reply) {
    reply.expect(413);
    assertThat(reply.json().get("error").asString()).isEqualTo("PAYLOAD_TOO_LARGE");
    assertThat(reply.json().get("message").asString()).isNotBlank();
  }

  /// A publish whose body has exactly so many bytes.
  private static byte[] bodyOfSize(String topic, int size) {
    String head = "{\"topic\":\"" + topic + "\",\"payload\":{\"a\":\"";
    String tail = "\"}}";
    return (head + "x".repeat(size - head.length() - tail.length()) + tail).getBytes(UTF_8);
  }

  @Test
  void body_ofTheLargestSize_isAccepted(@On(Setup.TIGHT) TidingsProcess tight) {
    tight
        .admin()
        .postRaw("/api/v1/messages", bodyOfSize(RelayClient.unique("largest"), 64 * 1024))
        .expect(201);
  }

  @Test
  void body_ofOneByteMore_is413AndStoresNothing(@On(Setup.TIGHT) TidingsProcess tight) {
    RelayClient client = tight.admin();
    String topic = RelayClient.unique("larger");

    expectTooLarge(client.postRaw("/api/v1/messages", bodyOfSize(topic, 64 * 1024 + 1)));

    client.createTopic("topic_name", topic).expect(201);
  }

  @Test
  void body_ofMoreThanEightMebibytes_is413ByDefault() {
    String topic = RelayClient.unique("mebibyte");
    admin.postRaw("/api/v1/messages", bodyOfSize(topic, 8 * 1024 * 1024)).expect(201);
    byte[] body = bodyOfSize(topic, 10 * 1024 * 1024);
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Authorization: Bearer " + admin.token(),
          "Content-Type: application/json",
          "Content-Length: " + body.length);
      connection.writeUntilRefused(body);

      expectTooLarge(connection.readReply());
    }
    assertThat(admin.readAll(topic).messages()).hasSize(1);
  }

  @Test
  void body_announcedAsHuge_isRefusedBeforeItIsSent() {
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Authorization: Bearer " + admin.token(),
          "Content-Type: application/json",
          "Content-Length: 5000000000");

      expectTooLarge(connection.readReply());
    }
  }

  @Test
  void body_thatGrowsChunkByChunk_is413() {
    String chunk = "10000\r\n" + "x".repeat(0x10000) + "\r\n";
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "POST /api/v1/messages HTTP/1.1",
          "Authorization: Bearer " + admin.token(),
          "Content-Type: application/json",
          "Transfer-Encoding: chunked");
      connection.writeUntilRefused(chunk.repeat(160).getBytes(UTF_8));

      expectTooLarge(connection.readReply());
    }
  }
}
