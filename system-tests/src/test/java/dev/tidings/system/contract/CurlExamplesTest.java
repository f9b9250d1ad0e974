// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The commands of pulsar-relay's documents, run by a shell with the real `curl`. Address and token
/// are put in, nothing else is changed: each server is new, with the user the documents name.
@SystemTest
final class CurlExamplesTest {
  private static final String PASSWORD = "your-secure-password";
  private static final Pattern CALL = Pattern.compile("^(GET|POST|PUT|PATCH|DELETE) (/\\S+) - .*");

  @TempDir private Path folder;

  private final TidingsProcess server =
      TidingsProcess.startSecured(Map.of("TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD));

  @BeforeAll
  static void needCurl() {
    assumeTrue(isOnPath("sh") && isOnPath("curl"), "sh or curl is not on PATH");
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private static boolean isOnPath(String program) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  /// What a command printed: the body, and the status that curl is asked for by its own settings,
  /// so that the command stays as it is.
  private record Printed(int status, String body) {
    void expect(int expected, String template) {
      assertThat(status).as("status; the body was: %s", body).isEqualTo(expected);
      Template.assertMatches(body, template);
    }
  }

  private Printed run(String example, String token) throws Exception {
    return run(server, example, token);
  }

  private Printed run(TidingsProcess on, String example, String token) throws Exception {
    String command =
        Documents.example(example)
            .replace("localhost:8080", on.url().getAuthority())
            .replace("YOUR_ADMIN_TOKEN", token)
            .replace("YOUR_ACCESS_TOKEN", token);
    Files.writeString(folder.resolve(".curlrc"), "silent\nwrite-out = \"\\n%{http_code}\"\n");
    var builder = new ProcessBuilder("sh", "-c", command).redirectErrorStream(true);
    builder.environment().put("CURL_HOME", folder.toString());
    builder.environment().put("no_proxy", "*");
    Process process = builder.start();
    process.getOutputStream().close();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("curl has ended").isTrue();
    int newline = printed.lastIndexOf('\n');
    assertThat(newline).as("curl printed: %s", printed).isNotNegative();
    return new Printed(
        Integer.parseInt(printed.substring(newline + 1)), printed.substring(0, newline));
  }

  private Caller admin() {
    return Caller.nobody(server).loggedIn("admin", PASSWORD);
  }

  private Caller user(String name, String... permissions) {
    admin().register(name, Caller.PASSWORD, permissions).expect(201);
    return Caller.nobody(server).loggedIn(name, Caller.PASSWORD);
  }

  private static JsonNode header(String token) {
    byte[] header = Base64.getUrlDecoder().decode(token.substring(0, token.indexOf('.')));
    return Template.parse(new String(header, UTF_8));
  }

  @Test
  void login_printsTheTokenAsShown() throws Exception {
    Printed printed = run("login.sh", "");

    printed.expect(
        200,
        "{\"access_token\":\"<jwt>\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"<jwt>\"}");
    assertThat(header(Template.parse(printed.body()).get("access_token").asString()))
        .isEqualTo(header("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."));
  }

  @Test
  void register_createsAUserWhoMayWrite() throws Exception {
    run("register.sh", admin().token())
        .expect(
            201,
            """
            {"user_id":"<uuid>","username":"producer1","email":"producer@example.com",
             "is_active":true,"created_at":"<time>","permissions":["write"],"owned_topics":[]}
            """);
    Caller.nobody(server)
        .loggedIn("producer1", "secure-password")
        .publish("of-producer1", "{}")
        .expect(201);
  }

  @Test
  void topics_areCreatedGrantedListedAndMadePublic() throws Exception {
    Caller owner = user("owner", "write");
    Caller consumer = user("consumer1", "read");
    Caller reader = user("reader", "read");
    String topic =
        """
        {"topic_id":"<text>","topic_name":"notifications","owner_id":"%s","is_public":%s,
         "created_at":"<time>","description":"User notification messages",
         "allowed_user_ids":[%s],
         "retention":{"max_age_seconds":null,"max_messages":null,"max_bytes":null}}
        """;
    String consumerId = Template.quoted(consumer.id());

    run("create-topic.sh", owner.token()).expect(201, topic.formatted(owner.id(), false, ""));
    run("publish.sh", owner.token())
        .expect(
            201,
            "{\"message_id\":\"<message-id>\",\"topic\":\"notifications\",\"timestamp\":\"<time>\"}");
    consumer.mayPoll("notifications").expect(403);
    run("grant.sh", owner.token())
        .expect(
            201,
            """
            {"topic_name":"notifications","user_id":"%s","username":"consumer1",
             "granted_at":"<time>"}
            """
                .formatted(consumer.id()));
    consumer.mayPoll("notifications").expect(200);
    run("list-topics.sh", owner.token())
        .expect(200, "[" + topic.formatted(owner.id(), false, consumerId) + "]");
    reader.mayPoll("notifications").expect(403);
    run("make-public.sh", owner.token()).expect(200, topic.formatted(owner.id(), true, consumerId));
    reader.mayPoll("notifications").expect(200);
  }

  /// The summary publishes without a token: with `--dev`, for trying out, that works.
  @Test
  void summary_publishesWithoutToken_inDevelopment() throws Exception {
    String accepted =
        "{\"message_id\":\"<message-id>\",\"topic\":\"test\",\"timestamp\":\"<time>\"}";
    try (TidingsProcess dev = TidingsProcess.startDev(Map.of())) {
      run(dev, "summary-publish.sh", "").expect(201, accepted);
      run(dev, "summary-persistence.sh", "").expect(201, accepted);

      JsonNode messages =
          Caller.nobody(dev)
              .poll("{\"topics\":[\"test\"],\"since\":{\"test\":\"none\"},\"timeout\":1}")
              .expect(200)
              .json()
              .get("messages");
      assertThat(messages.valueStream().map(message -> message.get("payload").toString()))
          .containsExactly("{\"msg\":\"Hello\"}", "{\"id\":1}");
    }
  }

  @Test
  void summary_publishesWithoutToken_is401Otherwise() throws Exception {
    run("summary-publish.sh", "").expect(401, "{\"detail\":\"Not authenticated\"}");
  }

  @Test
  void summary_metrics_arePrinted() throws Exception {
    Printed printed = run("summary-metrics.sh", "");

    assertThat(printed.status()).isEqualTo(200);
    assertThat(printed.body()).contains("# TYPE relay_websocket_connections_active gauge");
  }

  /// Every call that the README lists is there.
  @Test
  void apiReference_everyCallIsThere() {
    List<String> lines = Documents.example("api-reference.txt").lines().toList();
    Caller admin = admin();

    assertThat(lines).hasSize(23);
    assertThat(lines)
        .allSatisfy(line -> {
          var call = CALL.matcher(line);
          assertThat(call.matches()).isTrue();
          String path =
              call.group(2).replace("{user_id}", "nobody").replace("{topic_name}", "missing");
          Answer answer = admin.send(call.group(1), path, "application/json", "");
          assertThat(answer.status()).as("status of %s", line).isNotEqualTo(405);
          assertThat(answer.body()).doesNotContain("\"Not Found\"");
        });
  }
}
