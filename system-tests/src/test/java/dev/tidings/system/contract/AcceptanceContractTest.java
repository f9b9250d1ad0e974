// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Section 11 of the contract: request and expectation, on a server of their own: the names are
/// those of the contract.
@SystemTest
final class AcceptanceContractTest {
  private static final String PUBLISH =
      """
      {"topic":"notifications","payload":{"user_id":123,"message":"Hello, World!"},"ttl":3600}
      """;

  private final TidingsProcess server = TidingsProcess.startSecured(Map.of());

  @AfterAll
  void stop() {
    server.close();
  }

  private Caller registered(String name, String... permissions) {
    Caller.admin(server).register(name, Caller.PASSWORD, permissions).expect(201);
    return Caller.nobody(server).loggedIn(name, Caller.PASSWORD);
  }

  @Test
  void acceptance_loginRegisterPublishBulkErrorsSubscribe() {
    Answer login =
        Caller.nobody(server).login(TidingsProcess.ADMIN, TidingsProcess.BOOTSTRAP_PASSWORD);
    login.expect(
        200,
        "{\"access_token\":\"<jwt>\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"<jwt>\"}");

    Caller producer = registered("producer1", "write");
    producer
        .post("/api/v1/messages", PUBLISH)
        .expect(
            201,
            """
            {"message_id":"<message-id>","topic":"notifications","timestamp":"<time>"}
            """);
    Caller.nobody(server).post("/api/v1/messages", PUBLISH).expectUnauthorized("Not authenticated");
    producer.publish("invalid@topic!", "{}").expect(422);
    JsonNode bulk =
        producer
            .post(
                "/api/v1/messages/bulk",
                """
                {"messages":[{"topic":"notifications","payload":{"n":1}},
                             {"topic":"notifications","payload":{"n":2}},
                             {"topic":"alerts","payload":{"n":3}}]}
                """)
            .expect(207)
            .json();
    Template.assertMatches(bulk.get("summary"), "{\"total\":3,\"accepted\":3,\"rejected\":0}");

    try (Socket socket = Socket.open(Caller.admin(server))) {
      socket.send("{\"type\":\"subscribe\",\"topics\":[\"notifications\",\"alerts\"]}");
      socket.expect(
          """
          {"type":"subscribed","topics":["notifications","alerts"],
           "session_id":"<session-id>","timestamp":"<time>"}
          """);

      producer.post("/api/v1/messages", PUBLISH).expect(201);

      socket.expect(
          """
          {"type":"message","message_id":"<message-id>","topic":"notifications",
           "payload":{"user_id":123,"message":"Hello, World!"},"timestamp":"<time>",
           "metadata":null}
          """);
    }
  }

  @Test
  void acceptance_pollSinceFirstId_answersLaterOnesAtOnce() {
    Caller user = registered("both", "read", "write");
    String first = user.publish("walked", "{\"n\":1}").expect(201).text("message_id");
    user.publish("walked", "{\"n\":2}").expect(201);
    user.publish("walked", "{\"n\":3}").expect(201);

    JsonNode messages =
        user.poll(
                "{\"topics\":[\"walked\"],\"since\":{\"walked\":\"%s\"},\"timeout\":60}"
                    .formatted(first))
            .expect(200)
            .json()
            .get("messages");

    assertThat(messages.valueStream().map(message -> message.get("payload").get("n").asInt()))
        .containsExactly(2, 3);
  }

  @Test
  void acceptance_privateTopicGrantedPublic() {
    Caller owner = registered("owner", "write");
    Caller consumer = registered("consumer1", "read");
    Caller reader = registered("reader", "read");

    owner
        .post(
            "/api/v1/topics",
            """
            {"topic_name":"private","is_public":false,
             "description":"User notification messages"}
            """)
        .expect(201);
    owner.post("/api/v1/topics/private/permissions", "{\"username\":\"consumer1\"}").expect(201);
    consumer.mayPoll("private").expect(200);
    reader.mayPoll("private").expectDetail(403, "Access denied to topics: ['private']");

    owner.put("/api/v1/topics/private", "{\"is_public\":true}").expect(200);
    reader.mayPoll("private").expect(200);
  }
}
