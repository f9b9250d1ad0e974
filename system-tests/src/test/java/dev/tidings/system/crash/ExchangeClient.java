// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.system.crash.Relay.Answer;
import java.net.URLEncoder;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// The exchange API of the server at one address.
record ExchangeClient(Relay relay) {

  Answer tryExchange(String name, String type) {
    return relay.post("/exchanges", Map.of("name", name, "type", type));
  }

  void exchange(String name, String type) {
    tryExchange(name, type).expect(200);
  }

  Answer tryQueue(String name, Map<String, ?> further) {
    var body = new HashMap<String, Object>(further);
    body.put("name", name);
    return relay.post("/queues", body);
  }

  void queue(String name, Map<String, ?> further) {
    tryQueue(name, further).expect(200);
  }

  Answer tryBind(String exchange, String queue, String key) {
    return relay.post(
        "/bindings", Map.of("exchange_name", exchange, "queue_name", queue, "key", key));
  }

  void bind(String exchange, String queue, String key) {
    tryBind(exchange, queue, key).expect(200);
  }

  Answer publish(String exchange, String key, Object payload) {
    return relay.post(
        "/publish", Map.of("exchange_name", exchange, "key", key, "payload", payload));
  }

  /// Publishes `{"p":0,"n":number}`, which must be accepted.
  void put(String exchange, String key, int number) {
    publish(exchange, key, Map.of("p", 0, "n", number)).expect(200);
  }

  Answer get(String collection, String name) {
    return relay.get(path(collection, name));
  }

  Answer delete(String collection, String name) {
    return relay.delete(path(collection, name));
  }

  private static String path(String collection, String name) {
    return "/" + collection + "/" + URLEncoder.encode(name, UTF_8);
  }

  int count(String queue, String member) {
    JsonNode json = get("queues", queue).expect(200).json();
    return json.get(member).asInt();
  }

  /// A whole list as text, as long as it fits on one page.
  String list(String collection) {
    return relay.get("/" + collection + "?limit=1000").expect(200).text();
  }
}
