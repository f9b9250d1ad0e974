// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.directory.Client;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.Timestamps;
import java.util.List;

/// Clients as the pubsub API shows them (API of fastpubsub).
final class ClientJson {
  private ClientJson() {}

  static JsonOut write(Client client) {
    return new JsonOut(384)
        .raw("{\"id\":")
        .string(client.id())
        .raw(",\"name\":")
        .string(client.name())
        .raw(",\"scopes\":")
        .string(client.scopes().text())
        .raw(",\"is_active\":")
        .bool(client.active())
        .raw(",\"token_version\":")
        .number(client.tokenVersion())
        .raw(",\"created_at\":\"")
        .raw(micros(client.createdAt()))
        .raw("\",\"updated_at\":\"")
        .raw(micros(client.updatedAt()))
        .raw("\"}");
  }

  static JsonOut write(List<Client> clients) {
    JsonOut out = new JsonOut(64 + 384 * clients.size()).raw("{\"data\":[");
    String separator = "";
    for (Client client : clients) {
      out.raw(separator).raw(write(client));
      separator = ",";
    }
    return out.raw("]}");
  }

  /// With microseconds, which are 0 beyond the milliseconds that are kept.
  private static String micros(long epochMs) {
    return new Timestamps().format(epochMs) + "000Z";
  }
}
