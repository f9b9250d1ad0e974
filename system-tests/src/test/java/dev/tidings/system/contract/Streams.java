// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.TidingsProcess;
import java.net.URLEncoder;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// The streams API as one caller uses it.
record Streams(Caller caller) {
  static final String ROOT = "/api/v1/streams";
  static final String SEND = ROOT + "/send";
  static final String SENT = "{\"errorType\":0}";
  static final String TIMED_OUT = "{\"error\":\"long poll waiting timeout\"}";
  static final String NOW = "timeoutSeconds=0";
  static final String REPLAY_NOW = "readFromDB=true&timeoutSeconds=0";

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Pattern WAITING_RECEIVERS =
      Pattern.compile("(?m)^tidings_stream_receivers_waiting (\\d+)");

  /// A message as a receiver got it.
  record Message(String uuid, JsonNode value, Instant timestamp) {
    static Message of(JsonNode message) {
      assertThat(message.propertyNames()).startsWith("message", "messageUuid", "timestamp");
      return new Message(
          message.get("messageUuid").asString(),
          message.get("message"),
          Instant.parse(message.get("timestamp").asString()));
    }

    /// The member `n` of its value.
    int n() {
      return value.get("n").asInt();
    }
  }

  /// What one step of a replay gave, and the token to go on with.
  record Step(List<Message> messages, String token) {}

  /// An answer and how long it took.
  record Timed(Answer answer, Duration took) {}

  /// On a server in development mode: everything is allowed without a token.
  static Streams on(TidingsProcess dev) {
    return new Streams(Caller.nobody(dev));
  }

  static String unique() {
    return Caller.unique("stream");
  }

  static String encoded(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  // Sending

  Answer send(Outgoing message) {
    return caller.post(SEND, message.json());
  }

  CompletableFuture<Answer> sendLater(Outgoing message) {
    return caller.postLater(SEND, message.json());
  }

  /// Sends what must be accepted.
  void put(Outgoing message) {
    expectSent(send(message));
  }

  /// Sends `{"n":from}` up to, but not including, `{"n":to}`.
  void putNumbers(String stream, int from, int to) {
    for (int n = from; n < to; n++) {
      put(Outgoing.to(stream, n));
    }
  }

  /// The same, durably, and not into memory.
  void storeNumbers(String stream, int from, int to) {
    for (int n = from; n < to; n++) {
      put(Outgoing.to(stream, n).size(0).durable());
    }
  }

  // Receiving

  static String receivePath(String stream, String query) {
    return ROOT + "/receive?streamId=" + encoded(stream) + (query.isEmpty() ? "" : "&" + query);
  }

  Answer receive(String stream, String query) {
    return caller.get(receivePath(stream, query));
  }

  CompletableFuture<Answer> receiveLater(String stream, int seconds) {
    return caller.getLater(receivePath(stream, "timeoutSeconds=" + seconds));
  }

  /// What is there now, which must be something.
  Message take(String stream) {
    return message(receive(stream, NOW));
  }

  static Message message(Answer answer) {
    return Message.of(answer.expect(200).json());
  }

  static List<Message> messages(Answer answer) {
    return answer.expect(200).json().get("messages").valueStream().map(Message::of).toList();
  }

  static List<Integer> numbers(List<Message> messages) {
    return messages.stream().map(Message::n).toList();
  }

  /// Takes everything that is there now.
  List<Integer> drain(String stream) {
    var all = new ArrayList<Integer>();
    while (true) {
      Answer answer = receive(stream, NOW + "&maxMessages=1000");
      if (answer.status() == 424) {
        return all;
      }
      all.addAll(numbers(messages(answer)));
    }
  }

  void expectNothing(String stream) {
    expectTimeout(receive(stream, NOW));
  }

  // Replay

  static String resume(String token) {
    return token.isEmpty() ? "" : "&dbResumeToken=" + encoded(token);
  }

  Answer replay(String stream, String token, String query) {
    return receive(stream, REPLAY_NOW + resume(token) + (query.isEmpty() ? "" : "&" + query));
  }

  CompletableFuture<Answer> replayLater(String stream, String token, int seconds) {
    return caller.getLater(
        receivePath(stream, "readFromDB=true&timeoutSeconds=" + seconds + resume(token)));
  }

  /// The next message of a replay, in the shape of a single one.
  static Step step(Answer answer) {
    JsonNode json = answer.expect(200).json();
    assertThat(json.propertyNames())
        .containsExactly("message", "messageUuid", "timestamp", "dbResumeToken");
    return new Step(List.of(Message.of(json)), json.get("dbResumeToken").asString());
  }

  static Step steps(Answer answer) {
    JsonNode json = answer.expect(200).json();
    assertThat(json.propertyNames()).containsExactly("messages", "dbResumeToken");
    return new Step(messages(answer), json.get("dbResumeToken").asString());
  }

  /// Everything stored after the token, or from the beginning if it is empty.
  List<Message> replayAll(String stream, String token) {
    var all = new ArrayList<Message>();
    String next = token;
    while (true) {
      Answer answer = replay(stream, next, "maxMessages=1000");
      if (answer.status() == 424) {
        return all;
      }
      Step step = steps(answer);
      all.addAll(step.messages());
      next = step.token();
    }
  }

  List<Integer> stored(String stream) {
    return numbers(replayAll(stream, ""));
  }

  // What an operator sees

  /// The stream's row in the list of streams, if it is listed.
  Optional<JsonNode> listed(String stream) {
    return caller
        .get(ROOT + "?limit=1&prefix=" + encoded(stream))
        .expect(200)
        .json()
        .get("streams")
        .valueStream()
        .filter(row -> row.get("streamId").asString().equals(stream))
        .findFirst();
  }

  int count(String stream, String member) {
    return listed(stream).map(row -> row.get(member).asInt()).orElse(-1);
  }

  void awaitReceivers(String stream, int count) {
    Pubsub.eventually(count + " receivers", () -> count(stream, "receivers") == count);
  }

  void awaitBlocked(String stream, int count) {
    Pubsub.eventually(count + " blocked senders", () -> count(stream, "blockedSenders") == count);
  }

  /// Sends, and waits until the stream has so many blocked senders.
  CompletableFuture<Answer> block(Outgoing message, int count) {
    CompletableFuture<Answer> sender = sendLater(message);
    Pubsub.eventually(
        count + " blocked senders",
        () -> sender.isDone() || count(message.stream(), "blockedSenders") == count);
    assertThat(sender).isNotDone();
    return sender;
  }

  /// How many receivers wait on the whole server: those of missing streams are in no list.
  int waitingReceivers() {
    String metrics = caller.get("/metrics").expect(200).body();
    Matcher matcher = WAITING_RECEIVERS.matcher(metrics);
    assertThat(matcher.find()).as("a gauge of waiting receivers").isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  void awaitWaitingReceivers(int count) {
    Pubsub.eventually(count + " waiting receivers", () -> waitingReceivers() == count);
  }

  Answer peek(String stream, String query) {
    return caller.get(
        ROOT + "/peek?streamId=" + encoded(stream) + (query.isEmpty() ? "" : "&" + query));
  }

  Answer purge(String stream) {
    return caller.post(ROOT + "/purge?streamId=" + encoded(stream), "");
  }

  Answer delete(String stream) {
    return caller.delete(ROOT + "?streamId=" + encoded(stream));
  }

  // What is expected

  static void expectSent(Answer answer) {
    answer.expect(200);
    assertThat(answer.body()).isEqualTo(SENT);
  }

  static void expectTimeout(Answer answer) {
    answer.expect(424);
    assertThat(answer.body()).isEqualTo(TIMED_OUT);
  }

  /// Asserts the shape of every error of this API; answers its short text.
  static String error(Answer answer, int status) {
    JsonNode json = answer.expect(status).json();
    assertThat(answer.headers().firstValue("content-type").orElse(""))
        .startsWith("application/json");
    assertThat(Set.of("error", "detail", "dbResumeToken")).containsAll(json.propertyNames());
    if (json.has("detail")) {
      assertThat(json.get("detail").asString()).isNotBlank();
    }
    assertThat(json.get("error").asString()).isNotBlank();
    return json.get("error").asString();
  }

  static void expectError(Answer answer, int status, String error) {
    assertThat(error(answer, status)).isEqualTo(error);
  }

  /// Asserts that the detail names this.
  static void expectError(Answer answer, int status, String error, String named) {
    expectError(answer, status, error);
    assertThat(answer.text("detail")).contains(named);
  }

  static <T> T result(CompletableFuture<T> future) {
    try {
      return future.get(SOON.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("nothing within " + SOON, e);
    } catch (ExecutionException e) {
      throw new AssertionError("failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  static CompletableFuture<Timed> timed(Supplier<CompletableFuture<Answer>> call) {
    long start = System.nanoTime();
    return call.get()
        .thenApply(answer -> new Timed(answer, Duration.ofNanos(System.nanoTime() - start)));
  }
}
