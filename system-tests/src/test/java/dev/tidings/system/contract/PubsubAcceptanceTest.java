// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Pubsub.Delivered;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/// Section 9 of the contract: request and expectation, on servers of their own: the names are those
/// of the contract.
@SystemTest
final class PubsubAcceptanceTest {
  private final TidingsProcess open = TidingsProcess.startDev(Map.of());
  private final Pubsub pubsub = Pubsub.on(open);
  private final Caller nobody = pubsub.caller();

  @AfterAll
  void stop() {
    open.close();
  }

  private static String message(String subscription, String payload, int attempts) {
    return """
    {"id":"<uuid7>","subscription_id":"%s","payload":%s,"delivery_attempts":%d,
     "created_at":"<microseconds>"}
    """
        .formatted(subscription, payload, attempts);
  }

  @Test
  void acceptance_topicSubscriptionPublishConsumeAck() {
    nobody
        .post("/topics", "{\"id\":\"notifications\"}")
        .expect(201, "{\"id\":\"notifications\",\"created_at\":\"<microseconds>\"}");
    nobody
        .post("/topics", "{\"id\":\"notifications\"}")
        .expectDetail(409, "This topic already exists");
    nobody
        .post("/subscriptions", "{\"id\":\"email-sender\",\"topic_id\":\"notifications\"}")
        .expect(
            201,
            """
            {"id":"email-sender","topic_id":"notifications","filter":null,
             "max_delivery_attempts":5,"backoff_min_seconds":5,"backoff_max_seconds":300,
             "created_at":"<microseconds>"}
            """);
    String email = "{\"type\":\"email\",\"to\":\"user@example.com\",\"subject\":\"Welcome!\"}";
    nobody.post("/topics/notifications/messages", "[" + email + "]").expectNoContent();
    String consume = "/subscriptions/email-sender/messages?consumer_id=worker-1&batch_size=10";
    Answer consumed = nobody.get(consume);
    consumed.expect(200, "{\"data\":[" + message("email-sender", email, 1) + "]}");
    String id = consumed.json().at("/data/0/id").asString();
    nobody.post("/subscriptions/email-sender/acks", "[\"" + id + "\"]").expectNoContent();
    nobody.get(consume).expect(200, "{\"data\":[]}");
  }

  @Test
  void acceptance_filterOfCountries() {
    nobody.post("/topics", "{\"id\":\"user-events\"}").expect(201);
    pubsub
        .createSubscription(
            "regional-processor", "user-events", "\"filter\":{\"country\":[\"BR\",\"US\"]}")
        .expect(201);

    pubsub.publish(
        "user-events", "{\"country\":\"BR\"}", "{\"country\":\"JP\"}", "{\"country\":\"US\"}");

    assertThat(pubsub.await("regional-processor", 2))
        .extracting(message -> message.payload().get("country").asString())
        .containsExactly("BR", "US");
    pubsub.expectNothing("regional-processor");
  }

  @Test
  void acceptance_filterOfThreeKeys() {
    nobody.post("/topics", "{\"id\":\"order-events\"}").expect(201);
    pubsub
        .createSubscription(
            "urgent-orders",
            "order-events",
            """
            "filter":{"event_type":["order.created","order.updated"],
                      "priority":["high","critical"],"region":["us-east","us-west"]}
            """)
        .expect(201);
    int n = 0;
    for (String type : new String[] {"order.created", "order.updated", "order.deleted"}) {
      for (String priority : new String[] {"high", "critical", "low"}) {
        for (String region : new String[] {"us-east", "us-west", "eu"}) {
          pubsub.publish(
              "order-events",
              "{\"n\":%d,\"event_type\":\"%s\",\"priority\":\"%s\",\"region\":\"%s\"}"
                  .formatted(n++, type, priority, region));
        }
      }
    }

    assertThat(pubsub.await("urgent-orders", 8))
        .extracting(Delivered::n)
        .containsExactly(0, 1, 3, 4, 9, 10, 12, 13);
  }

  @Test
  void acceptance_threeSubscriptionsOnOrders() {
    nobody.post("/topics", "{\"id\":\"orders\"}").expect(201);
    pubsub.createSubscription("order-emails", "orders", "").expect(201);
    pubsub.createSubscription("order-inventory", "orders", "").expect(201);
    pubsub
        .createSubscription("order-analytics", "orders", "\"filter\":{\"status\":[\"completed\"]}")
        .expect(201);

    pubsub.publish("orders", "{\"order_id\":\"12345\",\"status\":\"completed\",\"total\":99.99}");

    for (String subscription :
        new String[] {"order-emails", "order-inventory", "order-analytics"}) {
      assertThat(pubsub.awaitOne(subscription).payload().get("order_id").asString())
          .isEqualTo("12345");
    }
  }

  @Test
  void acceptance_deadLetterAndReprocess() {
    nobody.post("/topics", "{\"id\":\"fragile\"}").expect(201);
    pubsub.createSubscription("once", "fragile", "\"max_delivery_attempts\":1").expect(201);
    pubsub.publish("fragile", "{\"a\":1}", "{\"a\":2}");
    Delivered message = pubsub.consume("once", 1).getFirst();
    pubsub.nack("once", message);

    nobody
        .get("/subscriptions/once/dlq")
        .expect(200, "{\"data\":[" + message("once", "{\"a\":1}", 1) + "]}");
    pubsub.post("once", "dlq/reprocess", message);
    nobody.get("/subscriptions/once/dlq").expect(200, "{\"data\":[]}");
    assertThat(pubsub.await("once", 2)).extracting(Delivered::attempts).containsOnly(1);
    pubsub.ack("once", message);
    pubsub.awaitMetrics("once", 0, 1, 1, 0);
  }

  @Test
  void acceptance_authentication() {
    try (TidingsProcess secured = TidingsProcess.startSecured(Map.of())) {
      Caller stranger = Caller.nobody(secured);
      stranger.get("/topics").expectDetail(401, "Invalid jwt token");

      Caller admin = Caller.admin(secured);
      admin.post("/topics", "{\"id\":\"notifications\"}").expect(201);
      admin.post("/topics", "{\"id\":\"other\"}").expect(201);
      Clients.Credentials client = Clients.created(admin, "topics:publish:notifications");
      Caller publisher = Clients.authorized(stranger, client);
      publisher.post("/topics/notifications/messages", "[{}]").expectNoContent();
      publisher.post("/topics/other/messages", "[{}]").expectDetail(403, "Insufficient scope");

      Clients.update(admin, client.id(), "n", "topics:publish:notifications", "").expect(200);
      publisher.post("/topics/notifications/messages", "[{}]").expectDetail(401, "Token revoked");
    }
  }

  @Test
  void acceptance_livenessAndReadiness() {
    nobody.get("/liveness").expect(200, "{\"status\":\"alive\"}");
    nobody.get("/readiness").expect(200, "{\"status\":\"ready\"}");
  }

  /// Section 8: the names of its instrumentation, beside the relay's (section 10).
  @Test
  void acceptance_metricsHaveTheNamesOfBoth() {
    nobody.get("/topics").expect(200);
    nobody.get("/topics/missing").expect(404);
    Answer answer = nobody.get("/metrics").expect(200);

    assertThat(answer.headers().firstValue("content-type").orElse("")).startsWith("text/plain");
    assertThat(answer.body())
        .contains("http_requests_total{handler=\"/topics\",method=\"GET\",status=\"2xx\"}")
        .contains("http_requests_total{handler=\"/topics/{id}\",method=\"GET\",status=\"4xx\"}")
        .contains("http_request_duration_seconds_bucket{handler=\"/topics\",")
        .contains("http_request_duration_highr_seconds_bucket{")
        .contains("http_request_size_bytes_sum{")
        .contains("http_response_size_bytes_sum{")
        .contains("relay_websocket_connections_active");
  }
}
