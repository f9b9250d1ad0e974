// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// What one caller publishes to be delivered later, or in the order of a key: the object form of
/// the pubsub API, and the list of what waits.
record Scheduling(Caller caller) {
  /// A UUID of version 8: what a message has until it is due.
  static final Pattern SCHEDULED =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

  /// A UUID of version 7: what a message has from then on.
  static final Pattern DELIVERED =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

  /// A message that waits, as the list shows it.
  record Waiting(String id, Instant deliverAt, JsonNode json) {
    static Waiting of(JsonNode json) {
      return new Waiting(
          json.get("id").asString(), Instant.parse(json.get("deliver_at").asString()), json);
    }

    int n() {
      return json.get("payload").get("n").asInt();
    }
  }

  static String messagesPath(String topic) {
    return "/topics/" + topic + "/messages";
  }

  static String path(String topic, String rest) {
    return "/topics/" + topic + "/scheduled" + rest;
  }

  // Messages

  /// A message with the payload `{"n":n}`.
  ///
  /// @param further more members, or nothing
  static String message(int n, String further) {
    return "{\"payload\":{\"n\":%d}%s}".formatted(n, further.isEmpty() ? "" : "," + further);
  }

  static String delay(double seconds) {
    return "\"delay_seconds\":" + seconds;
  }

  static String at(Instant time) {
    return "\"deliver_at\":\"" + time + "\"";
  }

  static String key(String key) {
    return "\"ordering_key\":" + Template.quoted(key);
  }

  /// `{"n":n}` with this key, or with none if it is empty.
  static String keyed(String key, int n) {
    return message(n, key.isEmpty() ? "" : key(key));
  }

  static String body(List<String> messages) {
    return "{\"messages\":[" + String.join(",", messages) + "]}";
  }

  Answer publish(String topic, String... messages) {
    return caller.post(messagesPath(topic), body(List.of(messages)));
  }

  /// Publishes what must be accepted; answers the ids.
  List<String> put(String topic, String... messages) {
    return put(topic, List.of(messages));
  }

  List<String> put(String topic, List<String> messages) {
    return ids(caller.post(messagesPath(topic), body(messages)).expect(200));
  }

  static List<String> ids(Answer answer) {
    JsonNode json = answer.expect(200).json();
    assertThat(json.propertyNames()).containsExactly("ids");
    return json.get("ids").valueStream().map(JsonNode::asString).toList();
  }

  /// Publishes what must be accepted and wait; answers its id.
  String schedule(String topic, String message) {
    List<String> ids = put(topic, message);
    assertThat(ids).hasSize(1);
    assertThat(ids.getFirst()).matches(SCHEDULED);
    return ids.getFirst();
  }

  // What waits

  /// @param query begins with `?`, or is empty
  List<Waiting> list(String topic, String query) {
    JsonNode json = caller.get(path(topic, query)).expect(200).json();
    assertThat(json.propertyNames()).containsExactly("data");
    return json.get("data").valueStream().map(Waiting::of).toList();
  }

  /// Everything that waits, page by page.
  List<Waiting> all(String topic) {
    List<Waiting> all = new ArrayList<>();
    List<Waiting> page = list(topic, "?limit=100");
    while (!page.isEmpty()) {
      all.addAll(page);
      page = list(topic, "?limit=100&after=" + page.getLast().id());
    }
    return all;
  }

  void awaitNoneWaits(String topic) {
    Pubsub.eventually("nothing waits for " + topic, () -> list(topic, "").isEmpty());
  }

  Answer cancel(String topic, String id) {
    return caller.delete(path(topic, "/" + id));
  }

  Answer cancelAll(String topic, String body) {
    return caller.send("DELETE", path(topic, ""), "application/json", body);
  }

  static void expectNotFound(Answer answer) {
    assertThat(answer.expect(404).text("detail")).startsWith("Scheduled message not found");
  }

  // What subscriptions tell

  /// Asserts what a subscription counts, which may lag.
  void awaitCounts(String subscription, int available, int delivered, int acked, int dlq) {
    awaitMetrics(
        subscription,
        List.of("available", "delivered", "acked", "dlq"),
        List.of(available, delivered, acked, dlq).toString());
  }

  /// Asserts how many messages wait behind others of their key, and whether that has stopped the
  /// delivery of further ones. That is told only where some wait, so that the original's answer is
  /// the same without them.
  void awaitParked(String subscription, int parked, boolean paused) {
    List<Object> wanted = parked == 0 ? List.of("", "") : List.of(parked, paused);
    awaitMetrics(subscription, List.of("parked", "paused"), wanted.toString());
  }

  private void awaitMetrics(String subscription, List<String> members, String wanted) {
    var last = new ArrayList<String>();
    try {
      Pubsub.eventually(
          members + " of " + subscription,
          () -> {
            JsonNode json = caller.get(Pubsub.path(subscription, "/metrics")).expect(200).json();
            last.clear();
            last.add(members.stream().map(json::path).map(JsonNode::asString).toList().toString());
            return last.getFirst().equals(wanted);
          });
    } catch (AssertionError e) {
      assertThat(last).as("%s of %s", members, subscription).containsExactly(wanted);
      throw e;
    }
  }

  // What it becomes

  static String relayId(String uuid) {
    return "msg_" + uuid.replace("-", "");
  }

  /// The UUID that a relay's id stands for.
  static String uuid(String relayId) {
    return relayId.replaceFirst(
        "msg_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})", "$1-$2-$3-$4-$5");
  }
}
