// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// What a successful poll answered.
record Poll(List<JsonNode> messages, boolean hasMore, Map<String, String> cursors) {

  static Poll of(Reply reply) {
    JsonNode json = reply.expect(200).json();
    var cursors = new LinkedHashMap<String, String>();
    JsonNode given = json.get("cursors");
    if (given == null || !given.isObject()) {
      throw new AssertionError("no object 'cursors' in " + Json.abbreviate(reply.body()));
    }
    given.properties().forEach(entry -> cursors.put(entry.getKey(), entry.getValue().asString()));
    return new Poll(
        json.get("messages").valueStream().toList(), json.get("has_more").asBoolean(), cursors);
  }

  List<String> ids() {
    return messages.stream().map(message -> message.get("message_id").asString()).toList();
  }

  /// The member `n` of each payload.
  List<Integer> numbers() {
    return messages.stream().map(message -> message.get("payload").get("n").asInt()).toList();
  }
}
