// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static dev.tidings.system.OperationsTest.metric;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URLEncoder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/// What becomes of calls at streams that wait: their bounds, and the end of the server.
@SystemTest
final class StreamCallsTest {
  private static final String SEND = "/api/v1/streams/send";

  private static Map<String, Object> message(String stream, int size, int timeoutS) {
    var body = new HashMap<String, Object>();
    body.put("streamId", stream);
    body.put("messageUuid", UUID.randomUUID().toString());
    body.put("message", "text");
    body.put("inMemoryStreamSize", size);
    body.put("blockingSendTimeoutSeconds", timeoutS);
    return body;
  }

  private static CompletableFuture<Reply> receive(RelayClient caller, String stream) {
    return CompletableFuture.supplyAsync(
        () -> caller.get("/api/v1/streams/receive?timeoutSeconds=60&streamId=" + stream));
  }

  private static CompletableFuture<Reply> replay(RelayClient caller, String stream) {
    return CompletableFuture.supplyAsync(() ->
        caller.get("/api/v1/streams/receive?timeoutSeconds=60&readFromDB=true&streamId=" + stream));
  }

  private static CompletableFuture<Reply> send(RelayClient caller, String stream) {
    return CompletableFuture.supplyAsync(() -> caller.postJson(SEND, message(stream, 0, 60)));
  }

  @Test
  void callsThatWait_areCounted_bounded_andAnsweredWhenTheServerStops() {
    try (TidingsProcess server =
        TidingsProcess.startSecured(Map.of("TIDINGS_STREAMS_MAX_WAITERS_PER_USER", "3"))) {
      RelayClient admin = server.admin();
      var receiving = receive(admin, "empty");
      var replaying = replay(admin, "empty");
      var sending = send(admin, "handed");
      Await.until(
          "three wait",
          () ->
              metric(admin, "tidings_stream_receivers_waiting")
                      + metric(admin, "tidings_stream_replays_waiting")
                      + metric(admin, "tidings_stream_senders_waiting")
                  == 3);

      Reply refused = receive(admin, "other").join().expect(429);
      assertThat(refused.json().get("error").asString()).isEqualTo("too many requests");
      assertThat(refused.json().get("detail").asString()).contains("3 of one user");
      // Who does not wait is not bounded.
      admin.postJson(SEND, message("other", 1, 0)).expect(200);
      admin.get("/api/v1/streams/receive?timeoutSeconds=0&streamId=nothing").expect(424);

      server.terminate();

      for (var waiting : List.of(receiving, replaying, sending)) {
        assertThat(Await.result(waiting).expect(424).body())
            .isEqualTo("{\"error\":\"long poll waiting timeout\"}");
      }
    }
  }

  @Test
  void receiver_whoseSenderComes_isAnsweredBeforeIt(@On(Setup.SECURED) TidingsProcess server) {
    RelayClient admin = server.admin();
    String stream = RelayClient.unique("handed");
    var sending = send(admin, stream);
    Reply received = Await.result(receive(admin, stream)).expect(200);
    assertThat(received.json().get("message").asString()).isEqualTo("text");
    Await.result(sending).expect(200);
  }

  @Test
  void names_inAQuery_mayHaveAnyCharacter(@On(Setup.SECURED) TidingsProcess server) {
    RelayClient admin = server.admin();
    String stream = RelayClient.unique("a;b&c+d é😀/");
    admin.postJson(SEND, message(stream, 1, 0)).expect(200);
    String encoded = URLEncoder.encode(stream, UTF_8).replace("%3B", ";");
    admin.get("/api/v1/streams/receive?timeoutSeconds=0&streamId=" + encoded).expect(200);
  }
}
