// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import dev.tidings.system.contract.Clients.Credentials;
import dev.tidings.system.contract.Pubsub.Delivered;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The twelve examples of fastpubsub's README, run by `bash` with the real `curl` and `jq`.
/// Address, credentials and tokens are put in; `while true` of the consumers is given an end;
/// commands of its Docker image are run as those of `tidings`. Nothing else is changed: each server
/// is new, with the names of the document.
@SystemTest
final class PubsubExamplesTest {
  private static final String ADDRESS = "localhost:8000";
  private static final String NOBODYS_ID = "550e8400-e29b-41d4-a716-446655440000";
  private static final String NOBODYS_SECRET = "a1b2c3d4e5f6g7h8";

  @TempDir private Path folder;

  private Optional<TidingsProcess> running = Optional.empty();

  @BeforeEach
  void startInDevelopment() {
    running = Optional.of(TidingsProcess.startDev(Map.of()));
  }

  @AfterEach
  void stop() {
    running.ifPresent(TidingsProcess::close);
  }

  private TidingsProcess server() {
    return running.orElseThrow();
  }

  private Pubsub pubsub() {
    return Pubsub.on(server());
  }

  private static boolean isOnPath(String program) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  /// Skips the test if a program is missing; fails it if `TIDINGS_REQUIRE_EXAMPLES` is 1.
  private static void need(boolean present, String what) {
    if (!present) {
      if ("1".equals(System.getenv("TIDINGS_REQUIRE_EXAMPLES"))) {
        fail(what + " is missing");
      }
      abort(what + " is missing");
    }
  }

  private static String example(String file) {
    return Documents.example("pubsub/" + file);
  }

  private String addressed(String text) {
    return text.replace(ADDRESS, server().url().getAuthority());
  }

  /// What a script printed.
  ///
  /// @param statuses of its calls by curl, in their order
  private record Printed(String output, List<Integer> statuses) {
    Printed expect(Integer... expected) {
      assertThat(statuses).as("statuses; it printed: %s", output).containsExactly(expected);
      return this;
    }

    /// The lines that are JSON objects: the bodies of answers, one a line.
    List<String> bodies() {
      return output.lines().filter(line -> line.startsWith("{")).toList();
    }
  }

  private Printed run(String script) throws Exception {
    return await(start(script));
  }

  private record Script(Process process, Path statuses) {}

  /// Starts a script. By its own settings curl writes its statuses to a file (`%output`), and a
  /// newline after each body, so that the commands stay as they are.
  private Script start(String script) throws IOException {
    for (String program : List.of("bash", "curl", "jq")) {
      need(isOnPath(program), program);
    }
    Path home = Files.createTempDirectory(folder, "curl");
    Path statuses = home.resolve("statuses");
    Files.writeString(
        home.resolve(".curlrc"),
        "silent\nwrite-out = \"\\n%%{stderr}status %%{http_code}\\n\"\n".replace("%%", "%"));
    var builder =
        new ProcessBuilder("bash", "-c", addressed(script)).redirectError(statuses.toFile());
    builder.environment().put("CURL_HOME", home.toString());
    builder.environment().put("no_proxy", "*");
    Process process = builder.start();
    process.getOutputStream().close();
    return new Script(process, statuses);
  }

  private static Printed await(Script script) throws Exception {
    String output = new String(script.process().getInputStream().readAllBytes(), UTF_8);
    assertThat(script.process().waitFor(20, TimeUnit.SECONDS)).as("the script has ended").isTrue();
    String errors = Files.readString(script.statuses(), UTF_8);
    var statuses = new ArrayList<Integer>();
    for (String line : errors.lines().toList()) {
      assertThat(line).as("error output of the script").startsWith("status ");
      statuses.add(Integer.parseInt(line.substring("status ".length())));
    }
    return new Printed(output, statuses);
  }

  /// What follows a heading of an example, up to the next or the end.
  private static String part(String example, String from, String to) {
    int start = example.indexOf(from);
    int end = to.isEmpty() ? example.length() : example.indexOf(to, start);
    assertThat(start).as(from).isNotNegative();
    assertThat(end).as(to).isNotNegative();
    return example.substring(start, end);
  }

  @Test
  void example1_settingUpAuthentication() throws Exception {
    String document = example("example-01.sh");

    // docker run … generate_secret_key
    String printed = TidingsProcess.command("generate_secret_key");
    assertThat(printed).matches("(?s)new_secret=[0-9a-f]{32}\\R.*");
    String secret = printed.substring("new_secret=".length(), "new_secret=".length() + 32);
    // docker run -e FASTPUBSUB_AUTH_ENABLED='true' -e FASTPUBSUB_AUTH_SECRET_KEY=… server
    server().close();
    running = Optional.of(TidingsProcess.startSecured(Map.of("TIDINGS_AUTH_SECRET_KEY", secret)));
    // docker run … create_client "Admin Client" "*" true
    Credentials client =
        Credentials.printed(
            TidingsProcess.command(
                "create_client",
                "Admin Client",
                "*",
                "true",
                "--data-dir",
                server().dataDir().toString()));

    Printed token =
        run(part(document, "# 4. Get", "# 5. Use")
                .replace(NOBODYS_ID, client.id())
                .replace(NOBODYS_SECRET, client.secret()))
            .expect(201);
    Template.assertMatches(
        token.bodies().getFirst(),
        "{\"access_token\":\"<jwt>\",\"token_type\":\"Bearer\",\"expires_in\":1800,\"scope\":\"*\"}");
    String jwt = Template.parse(token.bodies().getFirst()).get("access_token").asString();
    Printed topics = run(part(document, "# 5. Use", "").replace("eyJhbGc...", jwt)).expect(200);
    assertThat(topics.bodies()).containsExactly("{\"data\":[]}");
  }

  @Test
  void example2_simplePubSub() throws Exception {
    Printed printed = run(example("example-02.sh")).expect(201, 201, 204, 200, 204);

    assertThat(printed.bodies()).hasSize(3);
    Template.assertMatches(
        printed.bodies().get(2),
        """
        {"data":[{"id":"<uuid7>","subscription_id":"email-sender",
          "payload":{"type":"email","to":"user@example.com","subject":"Welcome!"},
          "delivery_attempts":1,"created_at":"<microseconds>"}]}
        """);
    // The document acks an id of its own; with the one that came, the message is done.
    String id = Template.parse(printed.bodies().get(2)).at("/data/0/id").asString();
    pubsub().awaitMetrics("email-sender", 0, 1, 0, 0);
    run(part(example("example-02.sh"), "# 5.", "").replace(NOBODYS_ID, id)).expect(204);
    pubsub().awaitMetrics("email-sender", 0, 0, 1, 0);
  }

  @Test
  void example3_clientsWithDifferentScopes() throws Exception {
    Caller all = Clients.with(Caller.nobody(server()), "*");

    Printed printed =
        run(example("example-03.sh").replace("eyJhbGc...", all.token())).expect(201, 201, 201);

    assertThat(printed.bodies())
        .hasSize(3)
        .allSatisfy(
            body -> Template.assertMatches(body, "{\"id\":\"<uuid7>\",\"secret\":\"<hex32>\"}"));
    var made = Template.parse(printed.bodies().getFirst());
    Caller publisher =
        Clients.authorized(
            Caller.nobody(server()),
            new Credentials(made.get("id").asString(), made.get("secret").asString()));
    all.post("/topics", "{\"id\":\"notifications\"}").expect(201);
    publisher.post("/topics/notifications/messages", "[{}]").expectNoContent();
    publisher.get("/topics").expectDetail(403, "Insufficient scope");
  }

  @Test
  void example4_filteredSubscription() throws Exception {
    pubsub().caller().post("/topics", "{\"id\":\"user-events\"}").expect(201);

    run(example("example-04.sh")).expect(201, 204);

    assertThat(pubsub().await("regional-processor", 2))
        .extracting(message -> message.payload().get("user_id").asString())
        .containsExactly("1", "3");
  }

  @Test
  void example5_complexFilter() {
    String document = example("example-05.json").strip();
    pubsub().caller().post("/topics", "{\"id\":\"orders\"}").expect(201);

    pubsub()
        .createSubscription("complex", "orders", document.substring(1, document.length() - 1))
        .expect(201);

    pubsub()
        .publish(
            "orders",
            "{\"n\":1,\"event_type\":\"order.created\",\"priority\":\"high\",\"region\":\"us-west\"}",
            "{\"n\":2,\"event_type\":\"order.created\",\"priority\":\"high\",\"region\":\"eu\"}",
            "{\"n\":3,\"event_type\":\"order.updated\",\"priority\":\"critical\",\"region\":\"us-east\"}");
    assertThat(pubsub().await("complex", 2)).extracting(Delivered::n).containsExactly(1, 3);
  }

  @Test
  void example6_handlingFailedMessages() throws Exception {
    Pubsub pubsub = pubsub();
    pubsub.caller().post("/topics", "{\"id\":\"notifications\"}").expect(201);
    pubsub
        .createSubscription("email-sender", "notifications", "\"max_delivery_attempts\":1")
        .expect(201);
    pubsub.publish("notifications", "{\"n\":1}");
    Delivered message = pubsub.awaitOne("email-sender");
    pubsub.nack("email-sender", message);
    pubsub.awaitMetrics("email-sender", 0, 0, 0, 1);

    Printed printed =
        run(example("example-06.sh").replace(NOBODYS_ID, message.id())).expect(200, 200, 204);

    Template.assertMatches(
        printed.bodies().get(0),
        "{\"subscription_id\":\"email-sender\",\"available\":0,\"delivered\":0,\"acked\":0,\"dlq\":1}");
    Template.assertMatches(
        printed.bodies().get(1),
        """
        {"data":[{"id":"<uuid7>","subscription_id":"email-sender","payload":{"n":1},
          "delivery_attempts":1,"created_at":"<microseconds>"}]}
        """);
    assertThat(pubsub.awaitOne("email-sender")).isEqualTo(message);
  }

  @Test
  void example7_healthChecks() throws Exception {
    assertThat(run(example("example-07.sh")).expect(200, 200).bodies())
        .containsExactly("{\"status\":\"alive\"}", "{\"status\":\"ready\"}");
  }

  @Test
  void example8_prometheus() throws Exception {
    assertThat(run(example("example-08.sh")).expect(200).output())
        .contains("# TYPE http_requests_total counter");
  }

  /// The loops of the two terminals end when the subscription has nothing more that is not acked.
  @Test
  void example9_twoConsumers() throws Exception {
    Pubsub pubsub = pubsub();
    pubsub.caller().post("/topics", "{\"id\":\"notifications\"}").expect(201);
    pubsub.createSubscription("email-sender", "notifications", "").expect(201);
    pubsub.publishNumbers("notifications", 0, 35);
    String document = example("example-09.sh").replace("while true; do", "for round in 1 2 3; do");

    Script first = start(part(document, "# Terminal 1", "# Terminal 2"));
    Script second = start(part(document, "# Terminal 2", ""));
    List<String> lines =
        Stream.of(await(first), await(second))
            .flatMap(printed -> printed.output().lines())
            .filter(line -> !line.isEmpty())
            .toList();

    assertThat(lines)
        .hasSize(35)
        .allMatch(line -> line.matches("Worker [12] processing: [0-9a-f-]{36}"))
        .extracting(line -> line.substring("Worker 1".length()))
        .doesNotHaveDuplicates();
    pubsub.awaitMetrics("email-sender", 0, 0, 35, 0);
  }

  private static Optional<String> pythonWithHttpx() {
    return Stream.of("python3", "/usr/bin/python3")
        .filter(program ->
            program.startsWith("/") ? Files.isExecutable(Path.of(program)) : isOnPath(program))
        .filter(PubsubExamplesTest::hasHttpx)
        .findFirst();
  }

  private static boolean hasHttpx(String python) {
    try {
      Process process =
          new ProcessBuilder(python, "-c", "import httpx").redirectErrorStream(true).start();
      boolean _ = process.getInputStream().readAllBytes().length > 0;
      return process.waitFor() == 0;
    } catch (IOException _) {
      return false; // No such program.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private void prepareForExample10() {
    pubsub().caller().post("/topics", "{\"id\":\"notifications\"}").expect(201);
    pubsub()
        .createSubscription(
            "email-sender", "notifications", "\"backoff_min_seconds\":1,\"backoff_max_seconds\":1")
        .expect(201);
    pubsub()
        .publish("notifications", "{\"email\":\"a@example.com\"}", "{\"n\":2}", "{\"email\":\"\"}");
  }

  /// The program runs until it is ended: by then it has acked all three messages, two of them as
  /// permanent errors.
  @Test
  void example10_errorHandling_inPython() throws Exception {
    Optional<String> python = pythonWithHttpx();
    need(python.isPresent(), "a python3 with httpx");
    prepareForExample10();
    Path program = folder.resolve("consumer.py");
    Files.writeString(program, addressed(example("example-10.py")));
    Process process =
        new ProcessBuilder(python.orElseThrow(), program.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("consumer.out").toFile())
            .start();
    try {
      pubsub().awaitMetrics("email-sender", 0, 0, 3, 0);
      assertThat(process.isAlive()).isTrue();
      assertThat(Files.readString(folder.resolve("consumer.out")))
          .contains("Permanent error for ")
          .doesNotContain("HTTP error")
          .doesNotContain("Unexpected error");
    } finally {
      process.destroy();
      process.waitFor();
    }
  }

  /// The Python program line by line, for where there is no Python with httpx; here its processing
  /// also fails for a while, as its comments describe.
  @Test
  void example10_errorHandling_translated() {
    prepareForExample10();
    pubsub().publish("notifications", "{\"email\":\"later@example.com\"}");
    Caller client = Caller.nobody(server());
    Pubsub.eventually(
        "everything acked",
        () -> {
          // response = await client.get(…, params={"consumer_id": consumer_id, "batch_size": 10})
          Answer response =
              client.get("/subscriptions/email-sender/messages?consumer_id=worker-1&batch_size=10");
          // response.raise_for_status(); messages = response.json()["data"]
          var messages = response.expect(200).json().get("data");
          var ackIds = new ArrayList<String>();
          var nackIds = new ArrayList<String>();
          for (var message : messages) {
            String email = message.get("payload").path("email").asString("");
            boolean retriable =
                email.startsWith("later") && message.get("delivery_attempts").asInt() < 2;
            (retriable ? nackIds : ackIds).add(message.get("id").asString());
          }
          if (!ackIds.isEmpty()) {
            client.post("/subscriptions/email-sender/acks", Pubsub.ids(ackIds)).expectNoContent();
          }
          if (!nackIds.isEmpty()) {
            client.post("/subscriptions/email-sender/nacks", Pubsub.ids(nackIds)).expectNoContent();
          }
          return pubsub().metrics("email-sender").json().get("acked").asInt() == 4;
        });
    pubsub().awaitMetrics("email-sender", 0, 0, 4, 0);
  }

  @Test
  void example11_monitoring() throws Exception {
    Pubsub pubsub = pubsub();
    pubsub.caller().post("/topics", "{\"id\":\"notifications\"}").expect(201);
    pubsub
        .createSubscription("email-sender", "notifications", "\"max_delivery_attempts\":1")
        .expect(201);
    pubsub.publishNumbers("notifications", 0, 1_200);
    pubsub.nack("email-sender", pubsub.consume("email-sender", 2).toArray(Delivered[]::new));
    assertThat(pubsub.consume("email-sender", 100)).hasSize(100);
    assertThat(pubsub.consume("email-sender", 1)).hasSize(1);
    pubsub.awaitMetrics("email-sender", 1_097, 101, 0, 2);

    // In a file of its own, as the document says.
    Path monitor = folder.resolve("monitor.sh");
    Files.writeString(monitor, addressed(example("example-11.sh")));
    Printed printed = run("bash " + monitor).expect(200);

    assertThat(printed.output().lines().toList())
        .startsWith(
            "Subscription: email-sender",
            "Available messages: 1097",
            "Delivered messages: 101",
            "DLQ messages: 2")
        .anyMatch(line -> line.endsWith("WARNING: 2 messages in dead letter queue!"))
        .anyMatch(line -> line.endsWith("WARNING: 1097 messages waiting (consumer may be slow)"))
        .anyMatch(line ->
            line.endsWith("WARNING: 101 messages in delivered state (possible consumer crash)"));
  }

  @Test
  void example12_fanOut() throws Exception {
    run(example("example-12.sh")).expect(201, 201, 201, 201, 204);

    for (String subscription : List.of("order-emails", "order-inventory", "order-analytics")) {
      assertThat(pubsub().awaitOne(subscription).payload())
          .isEqualTo(
              Template.parse(
                  """
                  {"order_id":"12345","customer_email":"customer@example.com",
                   "status":"completed","total":99.99}
                  """));
    }
  }
}
