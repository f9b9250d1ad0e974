// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.app.client.RequestException;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.directory.Scopes;
import dev.tidings.server.auth.NewClient;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Creates a client: through the running server, or on the store if none runs.
@Command(
    name = "create-client",
    aliases = "create_client",
    description =
        "Create a client and print its id and secret, which are shown this once; works with and"
            + " without a running server.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings create-client billing",
      "  tidings create-client billing 'topics:publish:invoices subscriptions:consume'",
      "  tidings create-client sensor 'streams:send:readings'",
      "  tidings create-client billing '*' false --data-dir /var/lib/tidings"
    })
final class CreateClientCommand implements Callable<Integer> {
  // As in the API.
  private static final int MAX_NAME = 255;

  @Spec private @Nullable CommandSpec spec;
  @Mixin private StoreOptions options = new StoreOptions();

  @Parameters(index = "0", paramLabel = "NAME", description = "Name of the client, for people.")
  private String name = "";

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "SCOPES",
      defaultValue = "*",
      description = "What it may do, with spaces between them; ${DEFAULT-VALUE} is everything.")
  private String scopes = "*";

  @Parameters(
      index = "2",
      arity = "0..1",
      paramLabel = "IS_ACTIVE",
      defaultValue = "true",
      description = "Whether it may get tokens (default: ${DEFAULT-VALUE}).")
  private boolean active = true;

  /// What a client gets its tokens for.
  record Credentials(String id, String secret) {
    @Override
    public String toString() {
      // Secrets stay out of logs.
      return "Credentials[" + id + "]";
    }
  }

  @Override
  public Integer call()
      throws InvalidConfigException, CommandException, IOException, InterruptedException {
    Console console = Console.of(spec);
    TidingsConfig config = options.load(Configuration.Purpose.ADMINISTER).config();
    Credentials created = create(config, wanted(console));
    console.line("client_id=" + created.id());
    console.line("client_secret=" + created.secret());
    return 0;
  }

  private NewClient wanted(Console console) {
    int length = name.strip().codePointCount(0, name.strip().length());
    if (length < 1 || length > MAX_NAME) {
      throw new ParameterException(
          console.command(),
          "NAME has " + length + " characters (expected: 1 to " + MAX_NAME + ")");
    }
    if (scopes.isBlank()) {
      throw new ParameterException(
          console.command(), "SCOPES are empty (expected: '*', or such as 'topics:read')");
    }
    try {
      return NewClient.of(name.strip(), Scopes.of(scopes.strip()), active, new SecureRandom());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          console.command(),
          e.getMessage() + " (expected: '*', or such as 'topics:read topics:publish:news')",
          e);
    }
  }

  private static Credentials create(TidingsConfig config, NewClient client)
      throws CommandException, IOException, InterruptedException {
    Optional<AdminSocket> running = AdminSocket.connect(config.store().dataDir());
    if (running.isEmpty()) {
      return new OfflineAdmin().createClient(config, client);
    }
    JsonMapper mapper = new JsonMapper();
    try (AdminSocket server = running.get()) {
      AdminSocket.Answer answer =
          server.post(
              "/clients",
              mapper.writeValueAsString(
                  Map.of(
                      "name",
                      client.name(),
                      "scopes",
                      client.scopes().text(),
                      "is_active",
                      client.active())));
      if (answer.status() != 201) {
        throw new CommandException(
            "%s was not created: %d %s".formatted(client.name(), answer.status(), answer.detail()));
      }
      JsonNode created = mapper.readTree(answer.body());
      return new Credentials(created.get("id").asString(), created.get("secret").asString());
    } catch (RequestException e) {
      throw new CommandException(client.name() + " may not exist yet: " + e.getMessage(), e);
    }
  }
}
