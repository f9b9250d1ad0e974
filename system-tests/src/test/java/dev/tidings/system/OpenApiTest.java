// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.tidings.system.OpenApi.Operation;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/// Holds `/openapi.json` against the running server, in both directions: which routes there are,
/// and that refusals, successes and frames look as it says.
@Tag("embedded")
@SystemTest
final class OpenApiTest {
  private static final Pattern COUNTED =
      Pattern.compile("http_requests_total\\{handler=\"(/[^\"]*)\",method=\"([A-Z]+)\"");

  /// Routes that only the administrator's socket has are not part of the public API.
  private static final String SOCKET_ONLY = "/admin/";

  private static final List<String> METHODS = List.of("GET", "POST", "PUT", "PATCH", "DELETE");
  private static final String FORM = "application/x-www-form-urlencoded";

  private final TidingsProcess server;
  private final TidingsProcess tight;
  private final RelayClient nobody;
  private final RelayClient admin;
  private final OpenApi api;
  private final User owner;
  private final User stranger;
  private final User powerless;
  private final String topic;
  // A client that may do nothing here.
  private final RelayClient scopeless;
  private Optional<User> inactive = Optional.empty();

  OpenApiTest(@On(Setup.SECURED) TidingsProcess server, @On(Setup.TIGHT) TidingsProcess tight) {
    this.server = server;
    this.tight = tight;
    nobody = server.anonymous();
    admin = server.admin();
    api = new OpenApi(nobody.get("/openapi.json").expect(200).body());
    owner = admin.newUser("read", "write");
    stranger = admin.newUser("read", "write");
    powerless = admin.newUser();
    topic = newTopic();
    newSubscription(topic, topic, 5);
    scopeless = OAuthClient.create(admin, "clients:read:nobody").caller();
  }

  private void newSubscription(String id, String ofTopic, int attempts) {
    admin
        .postJson(
            "/subscriptions",
            Json.object("id", id, "topic_id", ofTopic, "max_delivery_attempts", attempts))
        .expect(201);
  }

  /// Whether an operation is one of the pubsub API on topics or subscriptions.
  private static boolean isPubsub(Operation operation) {
    return operation.path().startsWith("/topics") || operation.path().startsWith("/subscriptions");
  }

  /// Whether an operation is one of the streams API, whose errors have a shape of their own.
  private static boolean isOfStreams(Operation operation) {
    return operation.path().equals("/") || operation.path().startsWith("/api/v1/streams");
  }

  private static final List<String> EXCHANGE_PATHS =
      List.of("/ping", "/exchanges", "/queues", "/bindings", "/publish");

  /// Whether a path is one of the exchange API, whose errors have a shape of their own.
  private static boolean isOfExchanges(String path) {
    return EXCHANGE_PATHS.stream().anyMatch(path::startsWith);
  }

  private String newExchange() {
    String name = RelayClient.unique("documented");
    admin.postJson("/exchanges", Json.object("name", name, "type", "fanout")).expect(200);
    return name;
  }

  private String newQueue() {
    String name = RelayClient.unique("documented");
    admin.postJson("/queues", Json.object("name", name)).expect(200);
    return name;
  }

  private Object newBinding() {
    Object binding =
        Json.object("exchange_name", newExchange(), "queue_name", newQueue(), "key", "k");
    admin.postJson("/bindings", binding).expect(200);
    return binding;
  }

  private void exchangesTour(Map<String, Callable<Reply>> tour) {
    tour.put("ping", () -> nobody.get("/ping"));
    tour.put(
        "createExchange",
        () ->
            admin.postJson(
                "/exchanges", Json.object("name", RelayClient.unique("toured"), "type", "topic")));
    tour.put(
        "listExchanges",
        () -> {
          newExchange();
          return admin.get("/exchanges?limit=1000");
        });
    tour.put("getExchange", () -> admin.get("/exchanges/" + newExchange()));
    tour.put("deleteExchange", () -> admin.request("DELETE", "/exchanges/" + newExchange()));
    tour.put(
        "createQueue",
        () ->
            admin.postJson(
                "/queues",
                Json.object(
                    "name", RelayClient.unique("toured"), "max_length", 5, "mode", "work")));
    tour.put(
        "listQueues",
        () -> {
          newQueue();
          return admin.get("/queues?limit=1000");
        });
    tour.put("getQueue", () -> admin.get("/queues/" + newQueue()));
    tour.put("deleteQueue", () -> admin.request("DELETE", "/queues/" + newQueue()));
    tour.put("purgeQueue", () -> admin.request("POST", "/queues/" + newQueue() + "/purge"));
    tour.put(
        "bind",
        () ->
            admin.postJson(
                "/bindings",
                Json.object("exchange_name", newExchange(), "queue_name", newQueue())));
    tour.put("unbind", () -> admin.send("DELETE", "/bindings", body(Json.write(newBinding()))));
    tour.put(
        "listBindings",
        () -> {
          newBinding();
          return admin.get("/bindings?limit=1000");
        });
    tour.put(
        "publishToExchange",
        () ->
            admin.postJson("/publish", Json.object("exchange_name", newExchange(), "payload", 1)));
  }

  /// A stream that holds a message, which is on disk too.
  private String newStream() {
    String id = RelayClient.unique("documented");
    sendToStream(id).expect(200);
    return id;
  }

  private Reply sendToStream(String id) {
    return admin.postJson(
        "/api/v1/streams/send",
        Json.object(
            "streamId",
            id,
            "messageUuid",
            UUID.randomUUID().toString(),
            "message",
            Map.of("n", 1),
            "writeToDB",
            true));
  }

  private void streamsTour(Map<String, Callable<Reply>> tour) {
    tour.put("hello", () -> nobody.get("/"));
    tour.put("sendToStream", () -> sendToStream(RelayClient.unique("toured")));
    tour.put(
        "receiveFromStream", () -> admin.get("/api/v1/streams/receive?streamId=" + newStream()));
    tour.put(
        "listStreams",
        () -> {
          newStream();
          return admin.get("/api/v1/streams?limit=1000");
        });
    tour.put("peekStream", () -> admin.get("/api/v1/streams/peek?streamId=" + newStream()));
    tour.put(
        "purgeStream",
        () -> admin.request("POST", "/api/v1/streams/purge?streamId=" + newStream()));
    tour.put(
        "deleteStream", () -> admin.request("DELETE", "/api/v1/streams?streamId=" + newStream()));
  }

  @TestFactory
  Stream<DynamicTest> answersOfReceive_areAsDocumented() {
    return Stream.of("&maxMessages=2", "&readFromDB=true", "&readFromDB=true&maxMessages=2")
        .map(query ->
            dynamicTest(
                query,
                () -> {
                  String path = "/api/v1/streams/receive?streamId=" + newStream() + query;
                  Reply reply = admin.get(path).expect(200);
                  assertThat(api.faults(api.operation("receiveFromStream"), reply)).isEmpty();
                }));
  }

  /// The token of a stream that was deleted, made anew and kept on.
  private Reply receiveAfterDeleted() {
    String id = newStream();
    String replay = "/api/v1/streams/receive?readFromDB=true&streamId=" + id;
    String token = admin.get(replay).expect(200).json().get("dbResumeToken").asString();
    admin.request("DELETE", "/api/v1/streams?streamId=" + id).expect(204);
    sendToStream(id).expect(200);
    return admin.get(replay + "&dbResumeToken=" + token);
  }

  private String newTopic() {
    String name = RelayClient.unique("documented");
    owner.client().createTopic("topic_name", name).expect(201);
    return name;
  }

  // ---- routes ----

  /// Each route counts its answers from the start, under its path and method.
  private Set<String> routesOfTheServer() {
    return COUNTED
        .matcher(nobody.get("/metrics").expect(200).body())
        .results()
        .filter(match -> !match.group(1).startsWith(SOCKET_ONLY))
        .map((MatchResult match) -> match.group(2) + " " + match.group(1))
        .collect(toCollection(TreeSet::new));
  }

  @Test
  void routesOfTheServer_areAllDocumented() {
    assertThat(routesOfTheServer())
        .isNotEmpty()
        .isSubsetOf(api.operations().stream().map(Operation::route).toList());
  }

  @Test
  void documentedOperations_areAllRoutesOfTheServer() {
    assertThat(api.operations().stream().map(Operation::route)).isSubsetOf(routesOfTheServer());
  }

  /// The table of who may do what names the same operations.
  @Test
  void documentedOperations_areTheRowsOfTheSecurityTable() {
    var rows = new TreeSet<String>();
    for (List<List<String>> table :
        Markdown.page("docs/security.md").section("Who may do what").tables()) {
      table.stream()
          .skip(1)
          .map(row -> row.getFirst().replace("`", "").replaceFirst(" and .*", ""))
          .filter(route -> !route.contains(SOCKET_ONLY))
          .forEach(rows::add);
    }
    assertThat(rows)
        .containsExactlyInAnyOrderElementsOf(
            api.operations().stream().map(Operation::route).toList());
  }

  @TestFactory
  Stream<DynamicTest> undocumentedMethods_areRefused() {
    var methods = new LinkedHashMap<String, Set<String>>();
    for (Operation operation : api.operations()) {
      methods.computeIfAbsent(operation.path(), _ -> new TreeSet<>()).add(operation.method());
    }
    var tests = new ArrayList<DynamicTest>();
    methods.forEach((path, known) -> {
      for (String method : METHODS) {
        // These lie where a topic, or a dead letter, of that name would.
        boolean hidesAnother =
            path.equals("/api/v1/topics/stats")
                || path.endsWith("/dlq/reprocess")
                || path.endsWith("/dlq/purge");
        if (!known.contains(method) && !hidesAnother) {
          tests.add(
              dynamicTest(
                  method + " " + path,
                  () -> {
                    Reply reply = admin.request(method, path.replaceAll("[{}]", ""));
                    reply.expect(405);
                    assertThat(reply.json())
                        .isEqualTo(
                            Json.parse(
                                isOfExchanges(path)
                                    ? "{\"code\":\"METHOD_NOT_ALLOWED\","
                                        + "\"message\":\"Method Not Allowed\"}"
                                    : path.equals("/") || path.startsWith("/api/v1/streams")
                                        ? "{\"error\":\"method not allowed\"}"
                                        : "{\"detail\":\"Method Not Allowed\"}"));
                    assertThat(Set.of(reply.header("allow").orElse("none").split(", *", -1)))
                        .as("Allow")
                        .isEqualTo(known);
                  }));
        }
      }
    });
    return tests.stream();
  }

  @Test
  void version_isThatOfTheServer() {
    assertThat(api.document().at("/info/version").asString())
        .isEqualTo(nobody.get("/health").json().get("version").asString());
  }

  @TestFactory
  Stream<DynamicTest> examplesOfBodies_fitTheirSchemas() {
    return api.operations().stream()
        .filter(operation -> operation.bodyType().equals("application/json"))
        .map(operation ->
            dynamicTest(
                operation.id(),
                () ->
                    assertThat(
                            api.faults(
                                operation
                                    .node()
                                    .at("/requestBody/content/application~1json/schema"),
                                operation.example()))
                        .isEmpty()));
  }

  @Test
  void whatIsNotDocumented_isAFault() {
    assertThat(api.faults("Error", Json.parse("{\"detail\": \"x\"}"))).isEmpty();
    assertThat(api.faults("Error", Json.parse("{\"detail\": \"x\", \"more\": 1}"))).hasSize(1);
    assertThat(api.faults("Error", Json.parse("{}"))).hasSize(1);
    assertThat(api.faults("PongFrame", Json.parse("{\"type\":\"pong\",\"timestamp\":\"now\"}")))
        .hasSize(1);
    assertThat(api.faults(api.operation("me"), new Reply(418, Map.of(), ""))).hasSize(1);
    assertThat(api.missingHeaders(api.operation("me"), new Reply(401, Map.of(), "")))
        .contains("WWW-Authenticate");
  }

  // ---- refusals ----

  @TestFactory
  Stream<DynamicTest> refusals_areAsDocumented() {
    var tests = new ArrayList<DynamicTest>();
    for (Operation operation : api.operations()) {
      for (String status : new TreeSet<>(operation.statuses())) {
        refusal(operation, status)
            .forEach((name, call) ->
                tests.add(
                    dynamicTest(
                        String.join(" ", operation.route(), status, name),
                        () -> {
                          Reply reply = call.call();
                          assertThat(reply.status())
                              .as("status; the body was: %s", reply.body())
                              .isEqualTo(Integer.parseInt(status));
                          assertThat(api.faults(operation, reply)).isEmpty();
                          assertThat(api.missingHeaders(operation, reply)).isEmpty();
                        })));
      }
    }
    return tests.stream();
  }

  /// The calls that get `status` from an operation, by name. Those that need a broken or crowded
  /// server are not among them: 429, 500 and 503.
  private Map<String, Callable<Reply>> refusal(Operation operation, String status) {
    return switch (status) {
      case "400" -> malformed(operation);
      case "401" ->
          operation.id().equals("login")
              ? Map.of("password", () -> nobody.login(owner.name(), "not-the-password"))
              : Map.of(
                  "no token", () -> send(operation, nobody),
                  "bad token", () -> send(operation, nobody.withToken("bad")));
      case "403" -> forbidden(operation);
      case "404" ->
          Map.of(
              "missing",
              () -> {
                // Fields are checked before it is looked for what they are about.
                String query =
                    operation.id().equals("consumeMessages")
                        ? "?consumer_id=c"
                        : isOfStreams(operation) ? "?streamId=missing" : "";
                // Others on this server may have made the topic of the example.
                String body =
                    operation.id().equals("createSubscription")
                        ? "{\"id\":\"s\",\"topic_id\":\"" + RelayClient.unique("none") + "\"}"
                        : isOfExchanges(operation.path()) && !operation.bodyType().isEmpty()
                            ? "{\"exchange_name\":\""
                                + RelayClient.unique("none")
                                + "\",\"queue_name\":\"q\",\"payload\":1}"
                            : "";
                return send(operation, admin, pathOf(operation, "missing") + query, body);
              });
      case "410" ->
          operation.id().equals("receiveFromStream")
              ? Map.of("deleted", this::receiveAfterDeleted)
              : Map.of();
      case "413" -> Map.of("large", () -> sendTooMuch(operation));
      case "422" -> invalid(operation);
      case "424" -> timedOut(operation);
      default -> Map.of();
    };
  }

  private Map<String, Callable<Reply>> timedOut(Operation operation) {
    String path = operation.path();
    return operation.id().equals("sendToStream")
        ? Map.of(
            "no receiver",
            () ->
                admin.postJson(
                    path,
                    Json.object(
                        "streamId",
                        RelayClient.unique("documented"),
                        "messageUuid",
                        UUID.randomUUID().toString(),
                        "inMemoryStreamSize",
                        0,
                        "blockingSendTimeoutSeconds",
                        1)))
        : Map.of("nothing", () -> admin.get(path + "?streamId=nothing&timeoutSeconds=0"));
  }

  private Map<String, Callable<Reply>> malformed(Operation operation) {
    if (isOfStreams(operation) || isOfExchanges(operation.path())) {
      return operation.bodyType().isEmpty()
          ? Map.of("query", () -> admin.request(operation.method(), operation.path() + "?limit=-1"))
          : Map.of(
              "not JSON", () -> send(operation, admin, operation.path(), "{"),
              "nothing", () -> send(operation, admin, operation.path(), "{}"));
    }
    String path = pathOf(operation, topic);
    return switch (operation.id()) {
      case "login" ->
          Map.of("escape", () -> nobody.send("POST", path, body("username=%"), FORM_TYPE));
      case "register" ->
          Map.of(
              "name is taken",
              () ->
                  admin.register(
                      Json.object("username", owner.name(), "password", RelayClient.PASSWORD)));
      case "createTopic" -> Map.of("exists", () -> admin.createTopic("topic_name", topic));
      case "grant" ->
          Map.of(
              "to nobody", () -> owner.client().grant(topic),
              "twice",
                  () -> {
                    String other = newTopic();
                    owner.client().grant(other, "user_id", stranger.id()).expect(201);
                    return owner.client().grant(other, "user_id", stranger.id());
                  });
      case "deleteUser" ->
          Map.of(
              "oneself",
              () ->
                  admin.request(
                      "DELETE", "/auth/users/" + admin.me().json().get("user_id").asString()));
      case "revokeToken" ->
          Map.of("malformed", () -> nobody.postRaw(path, "{\"refresh_token\": \"malformed\"}"));
      case "webSocket" -> Map.of("no upgrade", () -> admin.get(path));
      default -> Map.of();
    };
  }

  private static final String[] FORM_TYPE = {"Content-Type", FORM};

  private static HttpRequest.BodyPublisher body(String text) {
    return BodyPublishers.ofString(text);
  }

  private Map<String, Callable<Reply>> forbidden(Operation operation) {
    if (isPubsub(operation) || isOfExchanges(operation.path())) {
      return Map.of("no scope", () -> send(operation, scopeless));
    } else if (operation.id().equals("receiveFromStream")) {
      // Which stream it is about decides whether somebody may.
      String path = operation.path() + "?streamId=any";
      return Map.of("no permission", () -> send(operation, powerless.client(), path, ""));
    } else if (operation.id().equals("webSocket")) {
      return Map.of("no permission", () -> upgradeRefused(powerless.client()));
    } else if (operation.id().equals("login")) {
      return Map.of(
          "inactive",
          () -> {
            User inactive = inactive();
            return nobody.login(inactive.name(), inactive.password());
          });
    } else if (operation.needsPermission()) {
      return Map.of("no permission", () -> send(operation, powerless.client()));
    } else if (operation.has("topic_name")) {
      return Map.of("not the owner", () -> send(operation, stranger.client()));
    }
    return Map.of("inactive", () -> send(operation, inactive().client()));
  }

  private User inactive() {
    if (inactive.isEmpty()) {
      User user = admin.newUser("read", "write");
      admin.send("PATCH", "/auth/users/" + user.id(), body("{\"is_active\": false}")).expect(200);
      inactive = Optional.of(user);
    }
    return inactive.get();
  }

  private Map<String, Callable<Reply>> invalid(Operation operation) {
    String path = pathOf(operation, topic);
    if (operation.id().equals("consumeMessages")) {
      return Map.of(
          "no consumer", () -> admin.get(path),
          "batch", () -> admin.get(path + "?consumer_id=c&batch_size=101"),
          "wait", () -> admin.get(path + "?consumer_id=c&wait_seconds=61"),
          "deadline", () -> admin.get(path + "?consumer_id=c&ack_deadline_seconds=0"));
    } else if (isPubsub(operation) && operation.bodyType().isEmpty()) {
      return Map.of(
          "limit", () -> admin.get(path + "?limit=101"),
          "offset", () -> admin.get(path + "?offset=-1"));
    } else if (isPubsub(operation)) {
      return Map.of(
          "not JSON", () -> send(operation, admin, path, "{"),
          "nothing", () -> send(operation, admin, path, "null"),
          "no object or list", () -> send(operation, admin, path, "1"));
    } else if (operation.id().equals("login")) {
      return Map.of("nothing", () -> nobody.send("POST", path, body(""), FORM_TYPE));
    } else if (operation.id().equals("listMessages")) {
      return Map.of(
          "limit", () -> owner.client().get(path + "?limit=0"),
          "order", () -> owner.client().get(path + "?order=up"),
          "cursor", () -> owner.client().get(path + "?cursor=nothing"));
    } else if (operation.id().equals("listClients")) {
      return Map.of(
          "limit", () -> admin.get(path + "?limit=101"),
          "offset", () -> admin.get(path + "?offset=-1"));
    } else if (operation.path().equals("/clients/{id}") && operation.bodyType().isEmpty()) {
      return Map.of("no UUID", () -> admin.request(operation.method(), "/clients/x"));
    } else if (operation.id().equals("streamEvents")) {
      return Map.of("offset", () -> owner.client().get(path + "?offset=nothing"));
    }
    return Map.of(
        "not JSON", () -> send(operation, admin, path, "{"),
        "not an object", () -> send(operation, admin, path, "[]"));
  }

  private Reply sendTooMuch(Operation operation) {
    String path = operation.path().replaceAll("[{}]", "");
    return tight
        .anonymous()
        .send(operation.method(), path, body(" ".repeat(64 * 1024 + 1)), FORM_TYPE);
  }

  /// A refused upgrade as another client than the one of the JDK, which hides it, would see it.
  private Reply upgradeRefused(RelayClient caller) {
    try (var connection = RawConnection.open(server)) {
      connection.writeHead(
          "GET /ws?token=" + caller.token() + " HTTP/1.1",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
      return connection.readReply();
    }
  }

  private Reply send(Operation operation, RelayClient caller) {
    return send(operation, caller, pathOf(operation, topic), "");
  }

  private static Reply send(Operation operation, RelayClient caller, String path, String text) {
    if (operation.bodyType().isEmpty()) {
      return caller.request(operation.method(), path);
    }
    String sent = text.isEmpty() ? Json.write(operation.example()) : text;
    return caller.send(operation.method(), path, body(sent), "Content-Type", "application/json");
  }

  /// The path of an operation about a topic, and about a user, session or file that is not there.
  private static String pathOf(Operation operation, String topic) {
    return operation
        .path()
        .replace("{topic_name}", topic)
        .replace("/topics/{id}", "/topics/" + topic)
        .replace("/subscriptions/{id}", "/subscriptions/" + topic)
        .replaceAll("\\{[a-z_]+}", UUID.randomUUID().toString());
  }

  // ---- successes ----

  @Test
  void tour_hasEveryOperation() {
    assertThat(tour().keySet())
        .containsExactlyInAnyOrderElementsOf(api.operations().stream().map(Operation::id).toList());
  }

  @TestFactory
  Stream<DynamicTest> successes_areAsDocumented() {
    return tour().entrySet().stream()
        .map(step ->
            dynamicTest(
                step.getKey(),
                () -> {
                  Operation operation = api.operation(step.getKey());
                  Reply reply = step.getValue().call();
                  assertThat(reply.status())
                      .as("status; the body was: %s", Json.abbreviate(reply.body()))
                      .isLessThan(300);
                  assertThat(api.faults(operation, reply)).isEmpty();
                  assertThat(api.missingHeaders(operation, reply)).isEmpty();
                }));
  }

  private void pubsubTour(Map<String, Callable<Reply>> tour) {
    String subscription = "/subscriptions/" + topic;
    Map<String, Object> wanted = Map.of("id", RelayClient.unique("toured"), "topic_id", topic);
    List<String> foreign = List.of(UUID.randomUUID().toString());
    tour.put(
        "createPubsubTopic",
        () -> admin.postJson("/topics", Map.of("id", RelayClient.unique("toured"))));
    tour.put("listPubsubTopics", () -> admin.get("/topics"));
    tour.put("getPubsubTopic", () -> admin.get("/topics/" + topic));
    tour.put("deletePubsubTopic", () -> admin.request("DELETE", "/topics/" + newTopic()));
    tour.put(
        "publishToTopic",
        () ->
            admin.postJson(
                "/topics/" + topic + "/messages",
                Map.of(
                    "messages",
                    List.of(Map.of("payload", Map.of("n", 1), "metadata", Map.of("k", "v"))))));
    tour.put(
        "listScheduled",
        () -> {
          newScheduled();
          return admin.get("/topics/" + topic + "/scheduled?limit=100");
        });
    tour.put(
        "cancelScheduled",
        () ->
            admin.send(
                "DELETE",
                "/topics/" + topic + "/scheduled",
                body(Json.write(List.of(newScheduled())))));
    tour.put(
        "cancelScheduledMessage",
        () -> admin.request("DELETE", "/topics/" + topic + "/scheduled/" + newScheduled()));
    tour.put("createSubscription", () -> admin.postJson("/subscriptions", wanted));
    tour.put("listSubscriptions", () -> admin.get("/subscriptions"));
    tour.put("getSubscription", () -> admin.get(subscription));
    tour.put(
        "changeSubscription",
        () -> admin.send("PATCH", subscription, body("{\"ack_deadline_seconds\": 30}")));
    tour.put(
        "deleteSubscription",
        () -> {
          String other = RelayClient.unique("toured");
          newSubscription(other, topic, 5);
          return admin.request("DELETE", "/subscriptions/" + other);
        });
    tour.put("consumeMessages", () -> admin.get(subscription + "/messages?consumer_id=c"));
    tour.put("ackMessages", () -> admin.postJson(subscription + "/acks", foreign));
    tour.put("nackMessages", () -> admin.postJson(subscription + "/nacks", foreign));
    tour.put("releaseMessages", () -> admin.postJson(subscription + "/release", foreign));
    tour.put(
        "extendLeases",
        () ->
            admin.postJson(
                subscription + "/extend", Map.of("ids", foreign, "ack_deadline_seconds", 5)));
    tour.put("countMessages", () -> admin.get(subscription + "/metrics"));
    tour.put("listDeadLetters", () -> admin.get("/subscriptions/" + withDeadLetter() + "/dlq"));
    tour.put("purgeAllDeadLetters", () -> admin.request("DELETE", subscription + "/dlq"));
    tour.put(
        "reprocessDeadLetters", () -> admin.postJson(subscription + "/dlq/reprocess", foreign));
    tour.put("purgeDeadLetters", () -> admin.postJson(subscription + "/dlq/purge", foreign));
    tour.put(
        "getDeadLetter",
        () -> {
          String dlq = "/subscriptions/" + withDeadLetter() + "/dlq";
          return admin.get(dlq + "/" + admin.get(dlq).json().at("/data/0/id").asString());
        });
    tour.put("liveness", () -> nobody.get("/liveness"));
    tour.put("readiness", () -> nobody.get("/readiness"));
  }

  /// The id of a message that is due later and has everything that can be said of it.
  private String newScheduled() {
    Object message =
        Json.object(
            "payload",
            Map.of("n", 1),
            "ttl",
            60,
            "metadata",
            Map.of("k", "v"),
            "ordering_key",
            "key",
            "delay_seconds",
            3600.5);
    return admin
        .postJson("/topics/" + topic + "/messages", Json.object("messages", List.of(message)))
        .expect(200)
        .json()
        .at("/ids/0")
        .asString();
  }

  @TestFactory
  Stream<DynamicTest> answersToScheduledMessages_areAsDocumented() {
    return Stream.of("publish", "publishBulk")
        .map(id ->
            dynamicTest(
                id,
                () -> {
                  var message =
                      Json.object("topic", topic, "payload", Map.of(), "delay_seconds", 3600);
                  Reply reply =
                      id.equals("publish")
                          ? admin.postJson("/api/v1/messages", message).expect(201)
                          : admin.bulk(List.of(message)).expect(207);
                  assertThat(reply.body()).contains("\"deliver_at\":\"");
                  assertThat(api.faults(api.operation(id), reply)).isEmpty();
                }));
  }

  /// A subscription that has one.
  private String withDeadLetter() {
    String id = RelayClient.unique("dead");
    newSubscription(id, topic, 1);
    admin.postJson("/topics/" + topic + "/messages", List.of(Map.of("n", 1))).expect(204);
    String leased =
        admin
            .get("/subscriptions/" + id + "/messages?consumer_id=c")
            .expect(200)
            .json()
            .at("/data/0/id")
            .asString();
    admin.postJson("/subscriptions/" + id + "/nacks", List.of(leased)).expect(204);
    return id;
  }

  /// A call of each operation that succeeds; each makes what it needs.
  private Map<String, Callable<Reply>> tour() {
    var tour = new LinkedHashMap<String, Callable<Reply>>();
    RelayClient caller = owner.client();
    tour.put("login", () -> nobody.login(owner.name(), owner.password()));
    tour.put("refreshToken", () -> nobody.postJson("/auth/token/refresh", newRefreshToken()));
    tour.put("revokeToken", () -> nobody.postJson("/auth/token/revoke", newRefreshToken()));
    tour.put(
        "logout",
        () -> nobody.loggedIn(owner.name(), owner.password()).request("POST", "/auth/logout"));
    tour.put("listSessions", () -> caller.get("/auth/sessions"));
    tour.put(
        "endSession",
        () -> {
          // Not the caller's own, with which the tour goes on.
          String other = nobody.loggedIn(owner.name(), owner.password()).token();
          return caller.request(
              "DELETE", "/auth/sessions/" + Jwt.claims(other).get("sid").asString());
        });
    tour.put("me", caller::me);
    tour.put(
        "register",
        () ->
            admin.register(
                Json.object(
                    "username", RelayClient.unique("new"), "password", RelayClient.PASSWORD)));
    tour.put("listUsers", () -> admin.get("/auth/users"));
    tour.put("userStats", () -> admin.get("/auth/users/stats"));
    tour.put(
        "changeUser",
        () ->
            admin.send(
                "PATCH", "/auth/users/" + admin.newUser().id(), body("{\"is_active\": false}")));
    tour.put("deleteUser", () -> admin.request("DELETE", "/auth/users/" + admin.newUser().id()));
    pubsubTour(tour);
    streamsTour(tour);
    exchangesTour(tour);
    tour.put("createClient", () -> admin.postJson("/clients", CLIENT));
    tour.put("listClients", () -> admin.get("/clients"));
    tour.put("getClient", () -> admin.get("/clients/" + newClient().get("id").asString()));
    tour.put(
        "changeClient",
        () ->
            admin.send(
                "PUT", "/clients/" + newClient().get("id").asString(), body(Json.write(CLIENT))));
    tour.put(
        "deleteClient",
        () -> admin.request("DELETE", "/clients/" + newClient().get("id").asString()));
    tour.put(
        "clientToken",
        () -> {
          JsonNode client = newClient();
          return nobody.postJson(
              "/oauth/token",
              Json.object(
                  "client_id",
                  client.get("id").asString(),
                  "client_secret",
                  client.get("secret").asString()));
        });
    tour.put(
        "createTopic",
        () ->
            caller.createTopic(
                "topic_name",
                RelayClient.unique("new"),
                "description",
                "new",
                "retention",
                Map.of("max_messages", 10)));
    tour.put("listTopics", () -> caller.get("/api/v1/topics"));
    tour.put("topicStats", () -> admin.get("/api/v1/topics/stats"));
    tour.put("getTopic", () -> caller.get("/api/v1/topics/" + topic));
    tour.put(
        "changeTopic",
        () ->
            caller.send(
                "PUT",
                "/api/v1/topics/" + newTopic(),
                body("{\"is_public\": true, \"retention\": {\"max_bytes\": 0}}")));
    tour.put("deleteTopic", () -> caller.request("DELETE", "/api/v1/topics/" + newTopic()));
    tour.put("grant", () -> caller.grant(newTopic(), "username", stranger.name()));
    tour.put(
        "listGrants",
        () -> {
          String granted = newTopic();
          caller.grant(granted, "username", stranger.name()).expect(201);
          return caller.get("/api/v1/topics/" + granted + "/permissions");
        });
    tour.put(
        "revokeGrant",
        () -> {
          String granted = newTopic();
          caller.grant(granted, "username", stranger.name()).expect(201);
          return caller.request(
              "DELETE", "/api/v1/topics/" + granted + "/permissions/" + stranger.id());
        });
    tour.put("publish", () -> caller.publish(topic, Map.of("n", 1), "metadata", Map.of("a", "b")));
    tour.put(
        "publishBulk",
        () -> caller.bulk(List.of(Json.object("topic", topic, "payload", Map.of("n", 2)))));
    tour.put(
        "listMessages",
        () -> {
          String read = newTopic();
          caller.publishNumbers(read, 0, 3);
          return caller.get("/api/v1/topics/" + read + "/messages?limit=2");
        });
    tour.put("streamEvents", this::firstEvent);
    tour.put(
        "listConsumers",
        () -> {
          String read = newTopic();
          try (RelaySocket socket = caller.subscribe(read)) {
            String id = caller.publishNumber(read, 1);
            socket.expect("message");
            socket.send(Json.object("type", "ack", "message_id", id, "id", 1));
            socket.expect("acked");
          }
          // Acks are noted about once a second.
          String consumers = "/api/v1/topics/" + read + "/consumers";
          Await.until("the ack is noted", () -> !caller.get(consumers).json().isEmpty());
          return caller.get(consumers);
        });
    tour.put(
        "poll",
        () -> {
          String read = newTopic();
          caller.publishNumbers(read, 0, 3);
          return caller.poll("topics", List.of(read), "since", Map.of(read, "start"));
        });
    tour.put("pollStats", () -> caller.get("/messages/poll/stats"));
    tour.put(
        "webSocket",
        () -> {
          caller.open().close();
          return new Reply(101, Map.of(), "");
        });
    for (String page : List.of("health", "ready", "metrics", "openapi.json", "docs", "redoc")) {
      tour.put(page.replace(".json", ""), () -> nobody.get("/" + page));
    }
    tour.put("docsFile", () -> nobody.get("/docs/docs.js"));
    tour.put("redocFile", () -> nobody.get("/redoc/redoc.js"));
    return tour;
  }

  private static final Map<String, Object> CLIENT = Map.of("name", "toured", "scopes", "*");

  private JsonNode newClient() {
    return admin.postJson("/clients", CLIENT).expect(201).json();
  }

  private Map<String, String> newRefreshToken() {
    JsonNode tokens = nobody.login(owner.name(), owner.password()).expect(200).json();
    return Map.of("refresh_token", tokens.path("refresh_token").asString("none"));
  }

  /// Reads an event stream up to its first message.
  private Reply firstEvent() throws Exception {
    String read = newTopic();
    owner.client().publishNumber(read, 1);
    var uri = URI.create(server.url() + "/api/v1/topics/" + read + "/events?offset=earliest");
    HttpResponse<InputStream> response =
        RelayClient.http()
            .send(
                HttpRequest.newBuilder(uri)
                    .header("Authorization", "Bearer " + owner.client().token())
                    .build(),
                BodyHandlers.ofInputStream());
    try (var lines = new BufferedReader(new InputStreamReader(response.body(), UTF_8))) {
      Optional<String> data =
          Await.result(
              CompletableFuture.supplyAsync(
                  () -> lines.lines().filter(line -> line.startsWith("data:")).findFirst()));
      if (data.isPresent()) {
        assertThat(api.faults("MessageFrame", Json.parse(data.get().substring("data:".length()))))
            .isEmpty();
      }
      return new Reply(response.statusCode(), response.headers().map(), data.orElse(""));
    }
  }

  @Test
  void poll_thatWaits_isAsDocumented() {
    String read = newTopic();
    var waiting = owner.client().pollAsync("topics", List.of(read), "timeout", 30);
    Await.until(
        "the poll has found a message",
        () -> {
          owner.client().publishNumber(read, 1);
          return waiting.isDone();
        });
    Reply reply = Await.result(waiting);
    assertThat(reply.json().get("messages").get(0).get("type").asString()).isEqualTo("message");
    assertThat(api.faults(api.operation("poll"), reply)).isEmpty();
  }

  @Test
  void poll_tooMany_isAsDocumented() {
    try (TidingsProcess crowded =
        TidingsProcess.startSecured(Map.of("TIDINGS_POLL_MAX_WAITERS_PER_USER", "1"))) {
      RelayClient caller = crowded.admin();
      var waiting = caller.pollAsync("topics", List.of("crowded"), "timeout", 20);
      Await.until(
          "a poll waits",
          () ->
              caller
                  .get("/messages/poll/stats")
                  .json()
                  .get("topic_subscriber_counts")
                  .has("crowded"));
      Reply refused = caller.poll("topics", List.of("crowded"), "timeout", 1).expect(429);
      assertThat(api.faults(api.operation("poll"), refused)).isEmpty();
      assertThat(api.missingHeaders(api.operation("poll"), refused)).isEmpty();
      caller.publishNumber("crowded", 1);
      Await.result(waiting).expect(200);
    }
  }

  // ---- frames ----

  private Map<String, Object> frames(String message) {
    return Map.of(
        "pong", Json.object("type", "ping"),
        "error", Json.object("type", "nonsense"),
        "refreshed", Json.object("type", "refresh", "token", owner.client().token()),
        "unsubscribed", Json.object("type", "unsubscribe", "topics", List.of(topic)),
        "acked", Json.object("type", "ack", "message_id", message, "id", "a1"),
        "published",
            Json.object("type", "publish", "id", 7, "topic", newTopic(), "payload", Map.of()));
  }

  @TestFactory
  Stream<DynamicTest> frames_areAsDocumented() {
    String id = owner.client().publishNumber(topic, 1);
    return frames(id).entrySet().stream()
        .map(step ->
            dynamicTest(
                step.getKey(),
                () -> {
                  JsonNode sent = Json.parse(Json.write(step.getValue()));
                  if (!step.getKey().equals("error")) {
                    assertThat(api.faults(schemaOf(sent), sent)).as("sent").isEmpty();
                  }
                  try (RelaySocket socket = owner.client().open()) {
                    socket.send(Json.object("type", "subscribe", "topics", List.of(topic)));
                    assertFrame(socket, "subscribed");
                    socket.send(step.getValue());
                    assertFrame(socket, step.getKey());
                  }
                }));
  }

  private void assertFrame(RelaySocket socket, String type) {
    JsonNode frame = socket.expect(type);
    assertThat(api.faults(schemaOf(frame), frame)).as("%s", frame).isEmpty();
  }

  private static String schemaOf(JsonNode frame) {
    String type = frame.get("type").asString();
    return Character.toUpperCase(type.charAt(0)) + type.substring(1) + "Frame";
  }

  @Test
  void messageFrame_isAsDocumented() {
    try (RelaySocket socket = owner.client().subscribe(topic)) {
      owner.client().publish(topic, Map.of("n", 1), "metadata", Map.of("k", "v")).expect(201);
      assertFrame(socket, "message");
    }
  }
}
