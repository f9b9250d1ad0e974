// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.TidingsProcess;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// The pubsub API as one caller uses it: requests that are expected to succeed. What is to be
/// refused is sent through the caller itself.
record Pubsub(Caller caller) {
  /// How long anything may take that should happen at once, on a busy machine.
  private static final Duration SOON = Duration.ofSeconds(15);

  /// A message as a consumer or the list of dead letters got it.
  record Delivered(String id, JsonNode payload, int attempts) {
    static Delivered of(JsonNode message) {
      return new Delivered(
          message.get("id").asString(),
          message.get("payload"),
          message.get("delivery_attempts").asInt());
    }

    /// The member `n` of the payload.
    int n() {
      return payload.get("n").asInt();
    }
  }

  /// Without a token, on a server in development mode: everything is allowed.
  static Pubsub on(TidingsProcess dev) {
    return new Pubsub(Caller.nobody(dev));
  }

  /// Creates a topic of a new name.
  String topic() {
    String topic = Caller.unique("topic");
    caller.post("/topics", "{\"id\":\"%s\"}".formatted(topic)).expect(201);
    return topic;
  }

  Answer createSubscription(String id, String topic, String further) {
    return caller.post(
        "/subscriptions",
        "{\"id\":%s,\"topic_id\":%s%s}"
            .formatted(
                Template.quoted(id),
                Template.quoted(topic),
                further.isEmpty() ? "" : "," + further));
  }

  /// Creates a subscription of a new name.
  ///
  /// @param further more members of the request, or nothing
  String subscription(String topic, String further) {
    String id = Caller.unique("sub");
    createSubscription(id, topic, further).expect(201);
    return id;
  }

  /// A topic with one subscription; answers the subscription.
  Pair pair(String further) {
    String topic = topic();
    return new Pair(topic, subscription(topic, further));
  }

  record Pair(String topic, String subscription) {}

  void publish(String topic, String... payloads) {
    caller
        .post("/topics/" + topic + "/messages", "[" + String.join(",", payloads) + "]")
        .expectNoContent();
  }

  /// Publishes `{"n":from}` up to, but not including, `{"n":to}` in one call.
  void publishNumbers(String topic, int from, int to) {
    publish(
        topic, IntStream.range(from, to).mapToObj("{\"n\":%d}"::formatted).toArray(String[]::new));
  }

  static String path(String subscription, String rest) {
    return "/subscriptions/" + URLEncoder.encode(subscription, UTF_8) + rest;
  }

  /// A lease of up to `batch` messages.
  Answer lease(String subscription, int batch, String query) {
    return caller.get(
        path(subscription, "/messages?consumer_id=worker-1&batch_size=" + batch + query));
  }

  /// What is there now.
  List<Delivered> consume(String subscription, int batch) {
    return delivered(lease(subscription, batch, ""));
  }

  static List<Delivered> delivered(Answer answer) {
    JsonNode body = answer.expect(200).json();
    assertThat(body.propertyNames()).containsExactly("data");
    return body.get("data").valueStream().map(Delivered::of).toList();
  }

  /// Consumes until there are this many messages, which must be soon, and asserts that no more
  /// came.
  List<Delivered> await(String subscription, int count) {
    var all = new ArrayList<Delivered>();
    eventually(
        count + " messages in " + subscription,
        () -> {
          all.addAll(consume(subscription, 100));
          return all.size() >= count;
        });
    assertThat(all).hasSize(count);
    return all;
  }

  /// Consumes what must be exactly one message, soon.
  Delivered awaitOne(String subscription) {
    return await(subscription, 1).getFirst();
  }

  void expectNothing(String subscription) {
    lease(subscription, 100, "").expect(200, "{\"data\":[]}");
  }

  static String ids(Collection<String> ids) {
    return ids.stream().map(Template::quoted).collect(joining(",", "[", "]"));
  }

  static String ids(Delivered... messages) {
    return ids(Stream.of(messages).map(Delivered::id).toList());
  }

  /// Posts ids to `acks`, `nacks` or another list of the subscription.
  void post(String subscription, String to, Delivered... messages) {
    caller.post(path(subscription, "/" + to), ids(messages)).expectNoContent();
  }

  void ack(String subscription, Delivered... messages) {
    post(subscription, "acks", messages);
  }

  void nack(String subscription, Delivered... messages) {
    post(subscription, "nacks", messages);
  }

  List<Delivered> deadLetters(String subscription) {
    return delivered(caller.get(path(subscription, "/dlq?limit=100")));
  }

  Answer metrics(String subscription) {
    return caller.get(path(subscription, "/metrics"));
  }

  private static String counts(
      String subscription, int available, int delivered, int acked, int dlq) {
    return "{\"subscription_id\":%s,\"available\":%d,\"delivered\":%d,\"acked\":%d,\"dlq\":%d}"
        .formatted(Template.quoted(subscription), available, delivered, acked, dlq);
  }

  /// Asserts the counts, which may lag a second.
  void awaitMetrics(String subscription, int available, int delivered, int acked, int dlq) {
    String expected = counts(subscription, available, delivered, acked, dlq);
    JsonNode wanted = Template.parse(expected);
    var last = new ArrayList<JsonNode>();
    try {
      eventually(
          "metrics " + expected,
          () -> {
            JsonNode now = metrics(subscription).expect(200).json();
            last.clear();
            last.add(now);
            return now.equals(wanted);
          });
    } catch (AssertionError e) {
      assertThat(last).as("the last metrics").containsExactly(wanted);
      throw e;
    }
  }

  /// Waits for what can only be asked for again and again.
  static void eventually(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + SOON.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("not within " + SOON + ": " + what);
      }
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }
}
