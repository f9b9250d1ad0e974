// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import java.util.UUID;

/// The body of one send, written as JSON.
///
/// @param further more members, each with a comma before it
record Outgoing(String stream, String uuid, String message, String further) {
  /// With a new uuid and nothing but what is required.
  static Outgoing to(String stream, String message) {
    return new Outgoing(stream, UUID.randomUUID().toString(), message, "");
  }

  static Outgoing to(String stream, int number) {
    return to(stream, "{\"n\":" + number + "}");
  }

  Outgoing as(String otherUuid) {
    return new Outgoing(stream, otherUuid, message, further);
  }

  Outgoing size(int size) {
    return with("inMemoryStreamSize", Integer.toString(size));
  }

  Outgoing blocking(int seconds) {
    return with("blockingSendTimeoutSeconds", Integer.toString(seconds));
  }

  Outgoing durable() {
    return with("writeToDB", "true");
  }

  Outgoing ttl(int seconds) {
    return durable().with("dbTTLSeconds", Integer.toString(seconds));
  }

  Outgoing with(String member, String json) {
    return new Outgoing(stream, uuid, message, further + ",\"" + member + "\":" + json);
  }

  String json() {
    return "{\"streamId\":%s,\"messageUuid\":%s,\"message\":%s%s}"
        .formatted(Template.quoted(stream), Template.quoted(uuid), message, further);
  }
}
