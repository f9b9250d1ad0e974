// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import dev.tidings.bench.load.Endpoint;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/// Who calls: a user as everywhere, a client, a token, or nobody.
final class CallerOptions {
  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      description = "Access token to send, instead of logging in as --user.")
  private Optional<String> token = Optional.empty();

  @Option(
      names = "--client-id",
      paramLabel = "ID",
      description = "Client to get a token for (POST /oauth/token), instead of --user.")
  private Optional<String> clientId = Optional.empty();

  @Option(names = "--client-secret", paramLabel = "SECRET", description = "The client's secret.")
  private Optional<String> clientSecret = Optional.empty();

  @Option(names = "--anonymous", description = "Send no token, to a server that asks for none.")
  private boolean anonymous;

  /// Refuses combinations that contradict each other.
  void check() {
    if (clientId.isPresent() != clientSecret.isPresent()) {
      throw new BenchException("client-id, client-secret: one of them (expected: both or neither)");
    }
    long ways =
        Stream.of(token.isPresent(), clientId.isPresent(), anonymous).filter(it -> it).count();
    if (ways > 1) {
      throw new BenchException(
          "token, client-id, anonymous: " + ways + " of them (expected: at most one)");
    }
  }

  /// The token to send from now on. One of a user or client is new, so it lasts for a while.
  Optional<String> token(Endpoint endpoint, CommonOptions options) throws InterruptedException {
    if (anonymous) {
      return Optional.empty();
    }
    if (token.isPresent()) {
      return token;
    }
    if (clientId.isPresent()) {
      try (PubsubApi api = new PubsubApi(endpoint)) {
        return Optional.of(api.clientToken(clientId.get(), clientSecret.orElseThrow()));
      }
    }
    return Optional.of(new RelayApi(endpoint).login(options.user(), options.password()));
  }
}
