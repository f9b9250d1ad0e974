// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.Endpoint;
import java.net.http.HttpResponse;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/// The operators' calls of the streams API that are no load.
final class StreamsApi implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final ApiCalls calls;

  StreamsApi(Endpoint endpoint) {
    calls = new ApiCalls(endpoint);
  }

  /// Sends this token from now on, or none.
  void use(Optional<String> given) {
    calls.use(given);
  }

  /// Whether there is a stream whose name begins so.
  boolean hasStreams(String prefix) throws InterruptedException {
    String path = "/api/v1/streams?limit=1&prefix=" + prefix;
    HttpResponse<String> answer = calls.send("GET", path, Optional.empty());
    if (answer.statusCode() != 200) {
      throw ApiCalls.refused(
          answer,
          "GET " + path,
          "200; a user with admin or a client with *, see --user, --token and --client-id");
    }
    return !JSON.readTree(answer.body()).path("streams").isEmpty();
  }

  /// Deletes a stream with its messages; true if that was done.
  boolean delete(String stream) throws InterruptedException {
    String path = "/api/v1/streams?streamId=" + stream;
    return calls.send("DELETE", path, Optional.empty()).statusCode() == 204;
  }

  @Override
  public void close() {
    calls.close();
  }
}
