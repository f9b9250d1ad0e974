// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.ApiClient;
import dev.tidings.app.client.Authorities;
import dev.tidings.app.client.Credentials;
import dev.tidings.app.client.RequestException;
import dev.tidings.app.config.Loopback;
import dev.tidings.app.config.Secret;
import dev.tidings.server.Server;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/// The options that say which server a command talks to, and as whom.
final class ServerOptions {
  private static final Credentials DEV =
      new Credentials.Login(Server.DEV_USERNAME, new Secret(Server.DEV_PASSWORD));

  @Option(
      names = "--url",
      defaultValue = "http://localhost:8080",
      description = "Address of the server (default: ${DEFAULT-VALUE}).")
  private URI url = URI.create("http://localhost:8080");

  @Option(
      names = "--ca-file",
      paramLabel = "FILE",
      description =
          "PEM file with the authorities that may have signed the server's certificate, for an"
              + " https address (default: those Java knows).")
  private @Nullable Path caFile;

  @Option(
      names = "--user",
      description = "User to log in as (on a loopback address by default the admin of --dev).")
  private @Nullable String user;

  @Option(
      names = "--password",
      arity = "0..1",
      interactive = true,
      description = "Password of that user; without a value it is asked for.")
  private @Nullable String password;

  @Option(
      names = "--token",
      description = "Access token instead of a login (default: the variable TIDINGS_TOKEN).")
  private @Nullable String token;

  /// A client of the server these options name.
  ///
  /// @throws RequestException if the file of authorities cannot be used
  ApiClient connect(CommandLine command) throws RequestException {
    String scheme = url.getScheme();
    if (url.getHost() == null || !("http".equals(scheme) || "https".equals(scheme))) {
      throw new ParameterException(
          command, "--url: " + url + " (expected: an address such as http://localhost:8080)");
    }
    Credentials credentials = credentials(command);
    if (caFile == null) {
      return new ApiClient(url, credentials);
    }
    if (!"https".equals(scheme)) {
      throw new ParameterException(
          command, "--ca-file with " + url + " (expected: an https address)");
    }
    return new ApiClient(url, credentials, Authorities.in(caFile));
  }

  private Credentials credentials(CommandLine command) {
    if (token != null && user != null) {
      throw new ParameterException(command, "--token and --user are both given (expected: one)");
    }
    if (token != null) {
      return new Credentials.Token(new Secret(token));
    }
    if (user != null) {
      String secret =
          Optional.ofNullable(password)
              .orElseThrow(() ->
                  new ParameterException(
                      command, "--user needs --password (alone, it asks for the password)"));
      return new Credentials.Login(user, new Secret(secret));
    }
    Optional<String> environment =
        Optional.ofNullable(System.getenv("TIDINGS_TOKEN")).filter(value -> !value.isBlank());
    if (environment.isPresent()) {
      return new Credentials.Token(new Secret(environment.get()));
    }
    if (Loopback.isNamedBy(url.getHost())) {
      return DEV;
    }
    throw new ParameterException(
        command, "nobody to log in as (expected: --user and --password, --token or TIDINGS_TOKEN)");
  }
}
