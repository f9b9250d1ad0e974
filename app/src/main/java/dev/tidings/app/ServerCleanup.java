// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.app.client.RequestException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/// The cleanup of a running server, asked for over its admin socket: `POST /admin/cleanup` with
/// `{"what":"acked_messages"}` or `{"what":"stuck_messages"}`, answered 200 or 204 when it is done.
final class ServerCleanup implements Cleanup {
  private static final String PATH = "/admin/cleanup";

  private final AdminSocket server;

  private ServerCleanup(AdminSocket server) {
    this.server = server;
  }

  /// That of the server on a data directory, if one runs.
  static Optional<Cleanup> of(Path dataDir) {
    return AdminSocket.connect(dataDir).map(ServerCleanup::new);
  }

  @Override
  public void now(What what) throws CommandException, InterruptedException {
    String name = what.name().toLowerCase(Locale.ROOT);
    try {
      AdminSocket.Answer answer =
          server.post(PATH, new JsonMapper().writeValueAsString(Map.of("what", name)));
      if (answer.status() != 200 && answer.status() != 204) {
        throw new CommandException(
            "%s were not cleaned up: %d %s"
                .formatted(name.replace('_', ' '), answer.status(), answer.detail()));
      }
    } catch (RequestException e) {
      throw new CommandException(
          name.replace('_', ' ') + " may not be cleaned up: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
