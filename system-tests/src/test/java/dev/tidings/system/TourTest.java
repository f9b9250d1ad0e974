// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// The way of a newcomer: the requests of the documents, byte for byte as curl sends them.
@SystemTest
final class TourTest {

  private final TidingsProcess server;

  TourTest(@On(Setup.DEV) TidingsProcess server) {
    this.server = server;
  }

  private Reply curl(String method, String path, String token, String contentType, String body) {
    try (var connection = RawConnection.open(server)) {
      var headers =
          new ArrayList<>(
              List.of("Host: localhost:" + server.port(), "User-Agent: curl/8.5.0", "Accept: */*"));
      if (!token.isEmpty()) {
        headers.add("Authorization: Bearer " + token);
      }
      if (!body.isEmpty()) {
        headers.add("Content-Type: " + contentType);
        headers.add("Content-Length: " + body.getBytes(UTF_8).length);
      }
      connection.writeHead(method + " " + path + " HTTP/1.1", headers.toArray(String[]::new));
      connection.write(body);
      return connection.readReply();
    }
  }

  private Reply curlJson(String path, String token, String body) {
    return curl("POST", path, token, "application/json", body);
  }

  private String login(String username, String password) {
    JsonNode login =
        curl(
                "POST",
                "/auth/login",
                "",
                "application/x-www-form-urlencoded",
                "username=" + username + "&password=" + password)
            .expect(200)
            .json();
    assertThat(login.get("token_type").asString()).isEqualTo("bearer");
    assertThat(login.get("expires_in").asInt()).isEqualTo(3600);
    return login.get("access_token").asString();
  }

  @Test
  void tour_fromLoginToDelivery_worksAsPrinted() {
    String topic = RelayClient.unique("notifications");
    String producer = RelayClient.unique("producer1");
    String consumer = RelayClient.unique("consumer1");
    String admin = login(TidingsProcess.ADMIN, TidingsProcess.DEV_PASSWORD);

    // Users.
    curlJson(
            "/auth/register",
            admin,
            """
            {
              "username": "%s",
              "email": "producer@example.com",
              "password": "secure-password",
              "permissions": ["write"]
            }\
            """
                .formatted(producer))
        .expect(201);
    curlJson(
            "/auth/register",
            admin,
            "{\"username\": \"%s\", \"password\": \"secure-password\", \"permissions\": [\"read\"]}"
                .formatted(consumer))
        .expect(201);
    String producerToken = login(producer, "secure-password");
    String consumerToken = login(consumer, "secure-password");

    // A private topic, granted to the consumer.
    curlJson(
            "/api/v1/topics",
            producerToken,
            """
            {
              "topic_name": "%s",
              "is_public": false,
              "description": "User notification messages"
            }\
            """
                .formatted(topic))
        .expect(201);
    curlJson(
            "/api/v1/topics/" + topic + "/permissions",
            producerToken,
            "{ \"username\": \"%s\" }".formatted(consumer))
        .expect(201);

    RelayClient consumerClient = server.anonymous().withToken(consumerToken);
    try (RelaySocket socket = consumerClient.open()) {
      socket.send(Json.object("type", "subscribe", "topics", List.of(topic)));
      assertThat(Json.texts(socket.expect("subscribed").get("topics"))).containsExactly(topic);

      // A message, as the README publishes it.
      String first =
          curlJson(
                  "/api/v1/messages",
                  producerToken,
                  """
                  {
                    "topic": "%s",
                    "payload": {
                      "user_id": 123,
                      "message": "Hello, World!"
                    },
                    "ttl": 3600
                  }\
                  """
                      .formatted(topic))
              .expect(201)
              .messageId();

      JsonNode message = socket.expect("message");
      assertThat(message.get("message_id").asString()).isEqualTo(first);
      assertThat(message.get("payload").get("message").asString()).isEqualTo("Hello, World!");
      socket.send(Json.object("type", "ack", "message_id", first));

      // Two more in bulk; the poll starts after the first.
      curlJson(
              "/api/v1/messages/bulk",
              producerToken,
              "{\"messages\":[{\"topic\":\"%1$s\",\"payload\":{\"n\":1}},{\"topic\":\"%1$s\",\"payload\":{\"n\":2}}]}"
                  .formatted(topic))
          .expect(207);
      Reply poll =
          curlJson(
              "/messages/poll",
              consumerToken,
              "{\"topics\": [\"%1$s\"], \"since\": {\"%1$s\": \"%2$s\"}, \"timeout\": 30}"
                  .formatted(topic, first));
      assertThat(Poll.of(poll).numbers()).containsExactly(1, 2);
      assertThat(socket.numbers(2)).containsExactly(1, 2);
    }

    // And what goes wrong.
    curlJson("/api/v1/messages", producerToken, "{\"topic\":\"invalid@topic!\",\"payload\":{}}")
        .expect(422);
    curlJson("/api/v1/messages", consumerToken, "{\"topic\":\"x\",\"payload\":{}}")
        .expectDetail(403, "Permission 'write' required");
  }
}
