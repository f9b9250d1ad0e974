// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TailTest {
  private final Output output = new Output();

  /// Collects what a tail writes.
  private static final class Output implements LineOutput {
    final List<String> lines = new CopyOnWriteArrayList<>();
    final List<String> notes = new CopyOnWriteArrayList<>();
    volatile boolean closed;

    @Override
    public boolean line(String text) {
      lines.add(text);
      return !closed;
    }

    @Override
    public void note(String text) {
      notes.add(text);
    }
  }

  @Test
  void messages_arePrintedOneALine_untilTheCount() throws Exception {
    try (RelayDouble relay =
            new RelayDouble((socket, _) -> {
              socket.writeTextMessage(
                  "{\"type\":\"message\",\n\"message_id\":\"msg_1\",\"payload\":{\"n\":1.50}}");
              socket.writeTextMessage("{\"type\":\"message\",\"message_id\":\"msg_2\"}");
            });
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      new Tail(api, output, 2).follow(List.of("news"), "earliest");
      assertThat(output.lines)
          .containsExactly(
              "{\"type\":\"message\", \"message_id\":\"msg_1\",\"payload\":{\"n\":1.50}}",
              "{\"type\":\"message\",\"message_id\":\"msg_2\"}");
      JsonObject subscribe = relay.subscribes.getFirst();
      assertThat(subscribe.getString("type")).isEqualTo("subscribe");
      assertThat(subscribe.getJsonArray("topics").encode()).isEqualTo("[\"news\"]");
      assertThat(subscribe.getString("offset")).isEqualTo("earliest");
      assertThat(subscribe.getString("client_id")).isNotBlank();
    }
  }

  @Test
  void brokenConnection_goesOnFromTheLastIdOfEachTopic() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    try (RelayDouble relay =
            new RelayDouble((socket, frame) -> {
              String topic = frame.getJsonArray("topics").getString(0);
              sent.incrementAndGet();
              socket
                  .writeTextMessage(
                      "{\"type\":\"message\",\"message_id\":\"msg_%s_%s\"}"
                          .formatted(topic, frame.getString("offset")))
                  .onComplete(_ -> socket.close((short) 1001, "bye"));
            });
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      new Tail(api, output, 4).follow(List.of("a", "b"), "last");
      assertThat(output.lines)
          .contains(
              "{\"type\":\"message\",\"message_id\":\"msg_a_last\"}",
              "{\"type\":\"message\",\"message_id\":\"msg_b_last\"}");
      assertThat(output.lines)
          .anyMatch(line -> line.contains("msg_a_msg_a_last") || line.contains("msg_b_msg_b_last"));
      assertThat(output.notes).anyMatch(note -> note.contains("closed by the server (1001 bye)"));
      assertThat(relay.logins()).isGreaterThan(1);
    }
  }

  @Test
  void refusedSubscription_ends() throws Exception {
    try (RelayDouble relay =
            new RelayDouble((socket, _) ->
                socket.writeTextMessage(
                    "{\"type\":\"error\",\"code\":\"SUBSCRIPTION_ERROR\",\"message\":\"no such right\"}"));
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      assertThatThrownBy(() -> new Tail(api, output, 1).follow(List.of("a"), "last"))
          .isInstanceOf(RequestException.class)
          .hasMessage("following a was refused: no such right");
    }
  }

  /// Any error frame ended the tail, also one about a single frame, after which the server goes on.
  @Test
  void errorAboutOneFrame_isToldAndEndsNothing() throws Exception {
    try (RelayDouble relay =
            new RelayDouble((socket, _) -> {
              socket.writeTextMessage(
                  "{\"type\":\"error\",\"code\":\"PROCESSING_ERROR\",\"message\":\"what?\"}");
              socket.writeTextMessage("{\"type\":\"message\",\"message_id\":\"msg_1\"}");
            });
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      new Tail(api, output, 1).follow(List.of("a"), "last");
      assertThat(output.lines).hasSize(1);
      assertThat(output.notes).anyMatch(note -> note.contains("what?"));
    }
  }

  /// A handshake answered with 503 while a server started again ended the tail for good.
  @Test
  void refusedReconnect_isTriedAgain_unlessTheTokenIsWrong() throws Exception {
    try (RelayDouble relay =
            new RelayDouble((socket, _) ->
                socket
                    .writeTextMessage("{\"type\":\"message\",\"message_id\":\"msg_1\"}")
                    .onComplete(_ -> socket.close()));
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      relay.refusals.add(503);
      assertThatThrownBy(() -> new Tail(api, output, 1).follow(List.of("a"), "last"))
          .as("the first time it is told")
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("503");
      LineOutput refusing =
          new LineOutput() {
            @Override
            public boolean line(String text) {
              relay.refusals.add(output.lines.isEmpty() ? 503 : 403);
              return output.line(text);
            }

            @Override
            public void note(String text) {
              output.note(text);
            }
          };
      assertThatThrownBy(() -> new Tail(api, refusing, 9).follow(List.of("a"), "last"))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("403");
      assertThat(output.lines).hasSize(2);
      assertThat(output.notes).anyMatch(note -> note.contains("503"));
    }
  }

  @Test
  void closedOutput_ends() throws Exception {
    output.closed = true;
    try (RelayDouble relay =
            new RelayDouble((socket, _) ->
                socket.writeTextMessage("{\"type\":\"message\",\"message_id\":\"msg_1\"}"));
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      new Tail(api, output, Long.MAX_VALUE).follow(List.of("a"), "last");
      assertThat(output.lines).hasSize(1);
    }
  }

  @Test
  void gap_isToldBeside() throws Exception {
    try (RelayDouble relay =
            new RelayDouble((socket, _) -> {
              socket.writeTextMessage("{\"type\":\"gap\",\"topic\":\"a\",\"from\":1,\"to\":9}");
              socket.writeTextMessage("{\"type\":\"message\",\"message_id\":\"msg_1\"}");
            });
        ApiClient api = new ApiClient(relay.url(), ApiClientTest.ALICE)) {
      new Tail(api, output, 1).follow(List.of("a"), "last");
      assertThat(output.notes).anyMatch(note -> note.contains("\"type\":\"gap\""));
      assertThat(output.lines).hasSize(1);
    }
  }
}
