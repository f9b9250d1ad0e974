// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tidings.system.crash.Relay.Answer;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/// One stream on the server as it runs now.
record StreamClient(Relay relay, String stream) {
  private static final String ROOT = "/api/v1/streams";

  /// A message as it was read; `publisher` and `number` are from its value.
  record Stored(String uuid, int publisher, int number) {
    static Stored of(JsonNode message) {
      JsonNode value = message.get("message");
      return new Stored(
          message.get("messageUuid").asString(), value.get("p").asInt(), value.get("n").asInt());
    }
  }

  /// What one step of a replay gave; the token is empty at the end.
  record Step(List<Stored> messages, String token) {}

  /// A message to send, again and again if need be.
  record Outgoing(String uuid, int publisher, int number) {
    static Outgoing of(int publisher, int number) {
      return new Outgoing(UUID.randomUUID().toString(), publisher, number);
    }
  }

  Answer send(Outgoing message, Map<String, ?> further) {
    var body = new HashMap<String, Object>(further);
    body.put("streamId", stream);
    body.put("messageUuid", message.uuid());
    body.put("message", Map.of("p", message.publisher(), "n", message.number()));
    return relay.post(ROOT + "/send", body);
  }

  Answer receive(String query) {
    return relay.get(ROOT + "/receive?streamId=" + encoded(stream) + "&" + query);
  }

  Answer replay(String token, int seconds) {
    return receive(
        "readFromDB=true&maxMessages=100&timeoutSeconds="
            + seconds
            + (token.isEmpty() ? "" : "&dbResumeToken=" + encoded(token)));
  }

  /// The next messages after a token, or the same token if there is none for so long.
  Step step(String token, int seconds) {
    Answer answer = replay(token, seconds);
    if (answer.status() == 424) {
      return new Step(List.of(), token);
    }
    JsonNode json = answer.expect(200).json();
    return new Step(
        json.get("messages").valueStream().map(Stored::of).toList(),
        json.get("dbResumeToken").asString());
  }

  /// Everything stored after a token.
  List<Stored> replayAll(String token) {
    var all = new ArrayList<Stored>();
    for (Step step = step(token, 0); !step.messages().isEmpty(); step = step(step.token(), 0)) {
      all.addAll(step.messages());
    }
    return all;
  }

  /// Takes what is in memory now, which must be something.
  List<Stored> takeAll() {
    JsonNode json = receive("timeoutSeconds=0&maxMessages=1000").expect(200).json();
    return json.get("messages").valueStream().map(Stored::of).toList();
  }

  Answer delete() {
    return relay.delete(ROOT + "?streamId=" + encoded(stream));
  }

  Answer purge() {
    return relay.post(ROOT + "/purge?streamId=" + encoded(stream), Map.of());
  }

  Optional<JsonNode> listed() {
    return relay
        .get(ROOT + "?prefix=" + encoded(stream))
        .expect(200)
        .json()
        .get("streams")
        .valueStream()
        .filter(row -> row.get("streamId").asString().equals(stream))
        .findFirst();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, UTF_8);
  }
}
