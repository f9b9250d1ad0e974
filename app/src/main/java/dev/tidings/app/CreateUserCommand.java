// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.app.client.RequestException;
import dev.tidings.app.config.Configuration;
import dev.tidings.app.config.InvalidConfigException;
import dev.tidings.app.config.Secret;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.directory.Permission;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Creates a user: through the running server, or on the store if none runs.
@Command(
    name = "create-user",
    description = "Create a user and print it as JSON; works with and without a running server.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  tidings create-user alice --permission read --permission write",
      "  tidings create-user root --permission admin --password-stdin < password.txt",
      "  tidings create-user bob --data-dir /var/lib/tidings --email bob@example.com"
    })
final class CreateUserCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private StoreOptions options = new StoreOptions();

  @Parameters(paramLabel = "USERNAME", description = "Name of the user, 3 to 50 characters.")
  private String username = "";

  @Option(
      names = "--password",
      arity = "0..1",
      interactive = true,
      description = "Password, at least 8 characters; asked for if it is not given.")
  private @Nullable String password;

  @Option(
      names = "--password-stdin",
      description = "Read the password from the first line of standard input.")
  private boolean passwordFromStdin;

  @Option(names = "--email", description = "E-mail address of the user.")
  private @Nullable String email;

  @Option(
      names = "--permission",
      paramLabel = "admin|read|write",
      description = "What the user may do; may be repeated.")
  private Set<Permission> permissions = EnumSet.noneOf(Permission.class);

  @Override
  public Integer call()
      throws InvalidConfigException, CommandException, IOException, InterruptedException {
    Console console = Console.of(spec);
    TidingsConfig config = options.load(Configuration.Purpose.ADMINISTER).config();
    NewUserRequest user = request(console);
    CreatedUser created = create(config, user);
    console.line(created.json());
    if (permissions.isEmpty()) {
      console.note(username + " has no permissions yet; see --permission");
    }
    return 0;
  }

  private NewUserRequest request(Console console) throws IOException {
    try {
      return new NewUserRequest(
          username, password(console), Optional.ofNullable(email), permissions);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(console.command(), e.getMessage(), e);
    }
  }

  @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal.
  private Secret password(Console console) throws IOException {
    if (password != null && passwordFromStdin) {
      throw new ParameterException(
          console.command(), "--password and --password-stdin are both given (expected: one)");
    }
    if (password != null) {
      return new Secret(password);
    }
    if (passwordFromStdin) {
      String line =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
      return new Secret(line == null ? "" : line);
    }
    java.io.Console terminal = System.console();
    if (terminal == null || !terminal.isTerminal()) {
      throw new ParameterException(
          console.command(),
          "no password and no terminal to ask at (expected: --password-stdin or --password)");
    }
    char[] typed = terminal.readPassword("Password of %s: ", username);
    return new Secret(typed == null ? "" : String.valueOf(typed));
  }

  private static CreatedUser create(TidingsConfig config, NewUserRequest user)
      throws CommandException, IOException, InterruptedException {
    Optional<AdminSocket> running = AdminSocket.connect(config.store().dataDir());
    if (running.isEmpty()) {
      return new OfflineAdmin().createUser(config, user);
    }
    try (AdminSocket server = running.get()) {
      AdminSocket.Answer answer = server.post("/auth/register", body(user));
      if (answer.status() != 201) {
        throw new CommandException(
            "%s was not created: %d %s"
                .formatted(user.username(), answer.status(), answer.detail()));
      }
      return new CreatedUser(answer.body().strip());
    } catch (RequestException e) {
      throw new CommandException(user.username() + " may not exist yet: " + e.getMessage(), e);
    }
  }

  private static String body(NewUserRequest user) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("username", user.username());
    body.put("password", user.password().value());
    user.email().ifPresent(address -> body.put("email", address));
    body.put(
        "permissions",
        user.permissions().stream()
            .map(permission -> permission.name().toLowerCase(Locale.ROOT))
            .sorted()
            .toList());
    return new JsonMapper().writeValueAsString(body);
  }
}
