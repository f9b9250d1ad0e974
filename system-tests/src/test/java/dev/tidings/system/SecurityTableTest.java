// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.store.rocksdb.RocksOptions;
import dev.tidings.store.rocksdb.RocksStore;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/// Tries every cell of the tables in `docs/security.md` on a running server.
///
/// What the API does not lead to (an owner without `write`) is written into the store between two
/// runs of the server.
@Tag("embedded")
@SystemTest
final class SecurityTableTest {
  private static final String POLL = "`POST /messages/poll`";
  private static final String NOBODY = "no token";
  private static final String SCOPE = "Scope";
  private static final List<String> PERMISSIONS = List.of("none", "read", "write", "admin");
  private static final List<String> RELATIONS =
      List.of("owned", "granted", "public", "private", "missing");

  private final List<List<List<String>>> tables =
      Markdown.page("docs/security.md").section("Who may do what").tables();

  private TidingsProcess server;
  private User grantee;
  // Everything that exists is granted to this one, so that it can be revoked.
  private User revoked;
  private final Map<String, User> users = new LinkedHashMap<>();
  private final Map<String, RelayClient> callers = new LinkedHashMap<>();

  @BeforeAll
  void prepare() throws StoreException {
    server = TidingsProcess.toStay(() -> TidingsProcess.startSecured(Map.of()));
    RelayClient admin = server.admin();
    String ownerId = admin.newUser("write").id();
    grantee = admin.newUser("read");
    revoked = admin.newUser("read");
    for (String permission : PERMISSIONS) {
      users.put(
          permission, permission.equals("none") ? admin.newUser() : admin.newUser(permission));
    }
    assertThat(server.terminate()).isZero();
    writeTopics(ownerId);
    server.restart();
    users.forEach((permission, user) ->
        callers.put(permission, server.anonymous().withToken(user.client().token())));
    callers.put(NOBODY, server.anonymous());
    fillPolledTopics();
  }

  /// A poll that is allowed finds something at once, instead of waiting for its time to be up.
  private void fillPolledTopics() {
    var messages = new ArrayList<Object>();
    for (String relation : RELATIONS.subList(0, RELATIONS.indexOf("missing"))) {
      for (String permission : columns(tables.getLast())) {
        String topic = topic(endpoints().indexOf(POLL), relation, permission);
        messages.add(Json.object("topic", topic, "payload", Map.of("n", 1)));
      }
    }
    server.admin().bulk(messages).expect(207);
  }

  /// The topic that stands for a row to the caller of a column, for one endpoint.
  private static String topic(int endpoint, String relation, String permission) {
    return "e" + endpoint + "-" + relation + "-" + permission.replace(' ', '-');
  }

  private void writeTopics(String ownerId) throws StoreException {
    try (Store store =
        RocksStore.open(RocksOptions.of(server.dataDir().resolve("store"), Durability.FSYNC))) {
      long epoch = store.openSlots(SlotSet.ALL);
      int incarnation = store.loadDirectory().lastIncarnation();
      var records = new ArrayList<StoreRecord>();
      for (int endpoint = 0; endpoint < endpoints().size(); endpoint++) {
        for (String relation : RELATIONS.subList(0, RELATIONS.indexOf("missing"))) {
          for (String permission : columns(tables.getLast())) {
            // A call without a token comes from nobody, so nothing is owned by or granted to it.
            String userId = permission.equals(NOBODY) ? ownerId : users.get(permission).id();
            records.add(
                new StoreRecord.EntryPut(
                    new Topic(
                        topic(endpoint, relation, permission),
                        ++incarnation,
                        relation.equals("owned") ? userId : ownerId,
                        relation.equals("public"),
                        Optional.empty(),
                        System.currentTimeMillis(),
                        relation.equals("granted")
                            ? Set.of(userId, revoked.id())
                            : Set.of(revoked.id()))));
          }
        }
      }
      store.commit(new Batch(0, epoch, 1, records));
    }
  }

  @AfterAll
  void close() {
    server.close();
  }

  /// The heads of the columns that each stand for a caller.
  private static List<String> columns(List<List<String>> table) {
    List<String> heads = table.getFirst();
    return heads.subList(heads.indexOf(NOBODY), heads.indexOf(SCOPE)).stream()
        .map(head -> head.replace("`", ""))
        .toList();
  }

  private List<String> endpoints() {
    return tables.getLast().stream().skip(1).map(List::getFirst).distinct().toList();
  }

  @TestFactory
  Stream<DynamicTest> everyCell() {
    assertThat(tables).hasSize(2);
    var tests = new ArrayList<DynamicTest>();
    for (List<List<String>> table : tables) {
      List<String> columns = columns(table);
      assertThat(columns).hasSize(PERMISSIONS.size() + 1).containsAll(PERMISSIONS);
      boolean aboutTopics = table.getFirst().contains("Topic");
      for (List<String> row : table.subList(1, table.size())) {
        assertThat(row).hasSameSizeAs(table.getFirst());
        for (int i = 0; i < columns.size(); i++) {
          String permission = columns.get(i);
          String expected = row.get(table.getFirst().indexOf(NOBODY) + i);
          String endpoint = row.getFirst();
          String relation = aboutTopics ? row.get(1) : "";
          tests.add(
              DynamicTest.dynamicTest(
                  String.join(" ", endpoint, relation, permission),
                  () ->
                      assertThat(call(endpoint, relation, permission))
                          .as(endpoint + " " + relation + " by " + permission)
                          .isEqualTo(expected)));
        }
      }
    }
    return tests.stream();
  }

  // ---- scopes ----

  private static final String UNRELATED = "clients:read:nobody";
  private static final Pattern SCOPE_WORD = Pattern.compile("`(\\*|[a-z]+:[a-z]+)(\\[:[a-z]+])?`");
  // Tokens by scopes: making a client costs two password hashes.
  private final Map<String, RelayClient> clients = new HashMap<>();

  // The one client for each endpoint whose scopes are for certain objects, and these objects by
  // what
  // they are to the caller.
  private final Map<String, ScopedToObjects> scopedToObjects = new HashMap<>();

  private record ScopedToObjects(RelayClient client, Map<String, String> objects) {}

  /// All scopes that the tables name, but for `*`.
  private Set<String> allScopes() {
    return tables.stream()
        .flatMap(List::stream)
        .flatMap(row -> SCOPE_WORD.matcher(row.getLast()).results())
        .map(scope -> scope.group(1))
        .filter(scope -> !scope.equals("*"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private RelayClient client(String scopes) {
    return clients.computeIfAbsent(scopes, it -> OAuthClient.create(server.admin(), it).caller());
  }

  /// A client that has just the scopes of a row gets what an administrator gets, and one that has
  /// all scopes but one of them is refused.
  @TestFactory
  Stream<DynamicTest> everyScope() {
    var tests = new ArrayList<DynamicTest>();
    for (List<List<String>> table : tables) {
      List<String> heads = table.getFirst();
      assertThat(heads).endsWith(SCOPE);
      for (List<String> row : table.subList(1, table.size())) {
        String relation = heads.contains("Topic") ? row.get(1) : "";
        tests.add(
            DynamicTest.dynamicTest(
                String.join(" ", row.getFirst(), relation, row.getLast()),
                () ->
                    tryScopes(
                        row.getFirst(),
                        relation,
                        row.getLast(),
                        row.get(heads.indexOf("`admin`")),
                        row.get(heads.indexOf("none")))));
      }
    }
    return tests.stream();
  }

  private void tryScopes(
      String endpoint, String relation, String cell, String allowed, String forNobody) {
    switch (cell) {
      case "–", "any" ->
          assertThat(callOf(UNRELATED, endpoint, newObject(endpoint, relation))).isEqualTo(allowed);
      case "none" ->
          assertThat(callOf("*", endpoint, newObject(endpoint, relation))).isEqualTo("403");
      default -> {
        assertThat(cell.replaceAll(SCOPE_WORD.pattern(), "").strip()).isEmpty();
        List<MatchResult> needed = SCOPE_WORD.matcher(cell).results().toList();
        String scopes = needed.stream().map(it -> it.group(1)).collect(Collectors.joining(" "));
        assertThat(callOf(scopes, endpoint, newObject(endpoint, relation)))
            .as(scopes)
            .isEqualTo(allowed);
        assertThat(callOf("*", endpoint, newObject(endpoint, relation))).as("*").isEqualTo(allowed);
        // What is not there may be told before who may see it.
        List<String> refused =
            allowed.equals(forNobody) ? List.of("403", allowed) : List.of("403", "error");
        // Who is refused changes nothing, so one object will do for all of them.
        String object = newObject(endpoint, relation);
        for (MatchResult missing : needed) {
          String others =
              allScopes().stream()
                  .filter(scope -> !scope.equals(missing.group(1)))
                  .collect(Collectors.joining(" "));
          assertThat(callOf(others, endpoint, object)).as(others).isIn(refused);
          // A scope for another object is none.
          String foreign = others + " " + missing.group(1) + ":foreign";
          if (!missing.group(1).equals("*")) {
            assertThat(callOf(foreign, endpoint, object)).as(foreign).isIn(refused);
          }
        }
        if (needed.stream().anyMatch(it -> it.group(2) != null)) {
          ScopedToObjects scoped =
              scopedToObjects.computeIfAbsent(
                  endpoint + " " + cell, _ -> scopedToObjects(endpoint, cell, needed));
          String itsOwn = scoped.objects().get(relation);
          assertThat(call(endpoint, itsOwn, scoped.client(), Optional.empty()))
              .as("%s for %s alone", scopes, itsOwn)
              .isEqualTo(allowed);
        }
      }
    }
  }

  private ScopedToObjects scopedToObjects(String endpoint, String cell, List<MatchResult> needed) {
    Map<String, String> objects =
        tables.stream()
            .flatMap(table ->
                table.stream()
                    .filter(row -> row.getFirst().equals(endpoint) && row.getLast().equals(cell))
                    .map(row -> table.getFirst().contains("Topic") ? row.get(1) : ""))
            .collect(Collectors.toMap(it -> it, relation -> newObject(endpoint, relation)));
    String scopes =
        needed.stream()
            .flatMap(it ->
                it.group(2) == null
                    ? Stream.of(it.group(1))
                    : objects.values().stream().map(object -> it.group(1) + ":" + object))
            .collect(Collectors.joining(" "));
    return new ScopedToObjects(OAuthClient.create(server.admin(), scopes).caller(), objects);
  }

  private String callOf(String scopes, String endpoint, String object) {
    return call(endpoint, object, client(scopes), Optional.empty());
  }

  /// The object of a call: a client of its own, or a topic that stands for a row. What it is to a
  /// user makes no difference to a client.
  private String newObject(String endpoint, String relation) {
    if (endpoint.contains("/clients/{id}")) {
      return newClientId();
    }
    String topic = RelayClient.unique("scoped");
    if (!relation.isEmpty() && !relation.equals("missing")) {
      RelayClient admin = server.admin();
      admin.createTopic("topic_name", topic, "is_public", relation.equals("public")).expect(201);
      admin.grant(topic, "user_id", revoked.id()).expect(201);
      if (endpoint.equals(POLL)) {
        admin.publishNumber(topic, 1);
      }
    }
    return topic;
  }

  private String newClientId() {
    return server
        .admin()
        .postJson("/clients", Json.object("name", "scoped", "scopes", UNRELATED))
        .expect(201)
        .json()
        .get("id")
        .asString();
  }

  private static Object wantedClient() {
    return Json.object("name", "new", "scopes", UNRELATED);
  }

  /// The rows for which there is an endpoint, but no topic or no relation, would go untested.
  @TestFactory
  Stream<DynamicTest> everyEndpointHasAllRelations() {
    List<List<String>> rows = tables.getLast();
    return endpoints().stream()
        .map(endpoint ->
            DynamicTest.dynamicTest(
                endpoint,
                () ->
                    assertThat(
                            rows.stream()
                                .filter(row -> row.getFirst().equals(endpoint))
                                .map(row -> row.get(1)))
                        .containsExactlyElementsOf(RELATIONS)));
  }

  /// Does what a row says as the caller of a column, and answers in the words of the table.
  private String call(String endpoint, String relation, String permission) {
    String object =
        endpoint.contains("/clients/{id}")
            ? newClientId()
            : topic(endpoints().indexOf(endpoint), relation, permission);
    return call(
        endpoint, object, callers.get(permission), Optional.ofNullable(users.get(permission)));
  }

  /// @param topic or the id of a client or stream
  /// @param user who the caller is, if it is a user
  private String call(String endpoint, String topic, RelayClient caller, Optional<User> user) {
    if (endpoint.contains("/subscriptions/{id}")) {
      subscribe(topic);
    }
    String subscription = "/subscriptions/" + topic;
    // The rows about no topic share one name for each user.
    String named = user.isPresent() ? RelayClient.unique("named") : topic;
    return switch (endpoint.replace("`", "")) {
      case "GET /" -> wordFor(caller.get("/"), 200);
      case "POST /api/v1/streams/send" -> wordFor(sendToStream(caller, topic), 200);
      case "GET /api/v1/streams/receive" -> {
        sendToStream(server.admin(), topic).expect(200);
        yield wordFor(caller.get("/api/v1/streams/receive?streamId=" + topic), 200);
      }
      case "GET /api/v1/streams" -> wordFor(caller.get("/api/v1/streams"), 200);
      case "GET /api/v1/streams/peek" -> {
        sendToStream(server.admin(), topic).expect(200);
        yield wordFor(caller.get("/api/v1/streams/peek?streamId=" + topic), 200);
      }
      case "POST /api/v1/streams/purge" -> {
        sendToStream(server.admin(), topic).expect(200);
        yield wordFor(caller.request("POST", "/api/v1/streams/purge?streamId=" + topic), 200);
      }
      case "DELETE /api/v1/streams" -> {
        sendToStream(server.admin(), topic).expect(200);
        yield wordFor(caller.request("DELETE", "/api/v1/streams?streamId=" + topic), 204);
      }
      case "GET /ping" -> wordFor(caller.get("/ping"), 200);
      case "POST /exchanges" ->
          wordFor(caller.postJson("/exchanges", Json.object("name", named, "type", "fanout")), 200);
      case "GET /exchanges" -> wordFor(caller.get("/exchanges"), 200);
      case "GET /exchanges/{name}" -> wordFor(caller.get("/exchanges/" + bound(named)), 200);
      case "DELETE /exchanges/{name}" ->
          wordFor(caller.request("DELETE", "/exchanges/" + bound(named)), 204);
      case "POST /queues" -> wordFor(caller.postJson("/queues", Json.object("name", named)), 200);
      case "GET /queues" -> wordFor(caller.get("/queues"), 200);
      case "GET /queues/{name}" -> wordFor(caller.get("/queues/" + bound(named)), 200);
      case "DELETE /queues/{name}" ->
          wordFor(caller.request("DELETE", "/queues/" + bound(named)), 204);
      case "POST /queues/{name}/purge" ->
          wordFor(caller.request("POST", "/queues/" + bound(named) + "/purge"), 200);
      case "GET /bindings" -> wordFor(caller.get("/bindings"), 200);
      case "POST /bindings" -> wordFor(caller.postJson("/bindings", bindingOf(bound(named))), 200);
      case "DELETE /bindings" ->
          wordFor(send(caller, "DELETE", "/bindings", bindingOf(bound(named))), 204);
      case "POST /publish" ->
          wordFor(
              caller.postJson("/publish", Json.object("exchange_name", bound(named), "payload", 1)),
              200);
      case "GET /ws and SUBSCRIBE" -> wordForQueueSubscribe(caller, bound(named));
      case "GET /liveness" -> wordFor(caller.get("/liveness"), 200);
      case "GET /readiness" -> wordFor(caller.get("/readiness"), 200);
      case "POST /topics" ->
          wordFor(caller.postJson("/topics", Map.of("id", RelayClient.unique("new"))), 201);
      case "GET /topics" -> wordFor(caller.get("/topics"), 200);
      case "GET /subscriptions" -> wordFor(caller.get("/subscriptions"), 200);
      case "POST /admin/cleanup" -> wordFor(caller.request("POST", "/admin/cleanup"), 204);
      case "GET /topics/{id}" -> wordFor(caller.get("/topics/" + topic), 200);
      case "DELETE /topics/{id}" -> wordFor(caller.request("DELETE", "/topics/" + topic), 204);
      case "POST /topics/{id}/messages" ->
          wordFor(caller.postJson("/topics/" + topic + "/messages", List.of(Map.of("n", 1))), 204);
      case "GET /topics/{id}/scheduled" ->
          wordFor(caller.get("/topics/" + topic + "/scheduled"), 200);
      case "DELETE /topics/{id}/scheduled" ->
          wordFor(send(caller, "DELETE", "/topics/" + topic + "/scheduled", List.of()), 204);
      case "DELETE /topics/{id}/scheduled/{scheduled_id}" ->
          wordFor(
              caller.request("DELETE", "/topics/" + topic + "/scheduled/" + scheduled(topic)), 204);
      case "POST /subscriptions" ->
          wordFor(
              caller.postJson(
                  "/subscriptions",
                  Json.object("id", RelayClient.unique("new"), "topic_id", topic)),
              201);
      case "GET /subscriptions/{id}" -> wordFor(caller.get(subscription), 200);
      case "PATCH /subscriptions/{id}" ->
          wordFor(send(caller, "PATCH", subscription, Map.of("max_delivery_attempts", 3)), 200);
      case "DELETE /subscriptions/{id}" -> wordFor(caller.request("DELETE", subscription), 204);
      case "GET /subscriptions/{id}/metrics" -> wordFor(caller.get(subscription + "/metrics"), 200);
      case "GET /subscriptions/{id}/messages" ->
          wordFor(caller.get(subscription + "/messages?consumer_id=c"), 200);
      case "POST /subscriptions/{id}/acks" ->
          wordFor(caller.postJson(subscription + "/acks", List.of()), 204);
      case "POST /subscriptions/{id}/nacks" ->
          wordFor(caller.postJson(subscription + "/nacks", List.of()), 204);
      case "POST /subscriptions/{id}/release" ->
          wordFor(caller.postJson(subscription + "/release", List.of()), 204);
      case "POST /subscriptions/{id}/extend" ->
          wordFor(
              caller.postJson(
                  subscription + "/extend",
                  Json.object("ids", List.of(), "ack_deadline_seconds", 5)),
              204);
      case "GET /subscriptions/{id}/dlq" -> wordFor(caller.get(subscription + "/dlq"), 200);
      case "DELETE /subscriptions/{id}/dlq" ->
          wordFor(caller.request("DELETE", subscription + "/dlq"), 204);
      case "POST /subscriptions/{id}/dlq/reprocess" ->
          wordFor(caller.postJson(subscription + "/dlq/reprocess", List.of()), 204);
      case "POST /subscriptions/{id}/dlq/purge" ->
          wordFor(caller.postJson(subscription + "/dlq/purge", List.of()), 204);
      case "GET /subscriptions/{id}/dlq/{message_id}" ->
          wordFor(caller.get(subscription + "/dlq/nothing"), 200);
      case "GET /health" -> wordFor(caller.get("/health"), 200);
      case "GET /ready" -> wordFor(caller.get("/ready"), 200);
      case "GET /metrics" -> wordFor(caller.get("/metrics"), 200);
      case "GET /messages/poll/stats" -> wordFor(caller.get("/messages/poll/stats"), 200);
      case "GET /openapi.json" -> wordFor(caller.get("/openapi.json"), 200);
      case "GET /docs" -> wordFor(caller.get("/docs"), 200);
      case "GET /docs/{file}" -> wordFor(caller.get("/docs/docs.js"), 200);
      case "GET /redoc" -> wordFor(caller.get("/redoc"), 200);
      case "GET /redoc/{file}" -> wordFor(caller.get("/redoc/redoc.js"), 200);
      case "POST /auth/login" -> wordFor(caller.login(grantee.name(), grantee.password()), 200);
      case "POST /auth/register" ->
          wordFor(
              caller.register(
                  Json.object(
                      "username", RelayClient.unique("new"), "password", RelayClient.PASSWORD)),
              201);
      case "GET /auth/me" -> wordFor(caller.me(), 200);
      case "GET /auth/users" -> wordFor(caller.get("/auth/users"), 200);
      case "GET /auth/users/stats" -> wordFor(caller.get("/auth/users/stats"), 200);
      case "PATCH /auth/users/{user_id}" ->
          wordFor(
              send(caller, "PATCH", "/auth/users/" + grantee.id(), Map.of("email", "x@y")), 200);
      case "DELETE /auth/users/{user_id}" ->
          wordFor(caller.request("DELETE", "/auth/users/" + server.admin().newUser().id()), 204);
      case "POST /auth/token/refresh" ->
          wordFor(caller.postJson("/auth/token/refresh", refreshTokenOf(grantee)), 200);
      case "POST /auth/token/revoke" ->
          wordFor(caller.postJson("/auth/token/revoke", refreshTokenOf(grantee)), 204);
      case "GET /auth/sessions" -> wordFor(caller.get("/auth/sessions"), 200);
      case "DELETE /auth/sessions/{jti}" ->
          wordFor(caller.request("DELETE", "/auth/sessions/" + furtherLoginOf(user)), 204);
      case "POST /auth/logout" ->
          wordFor(furtherClientOf(user, caller).request("POST", "/auth/logout"), 204);
      case "POST /api/v1/topics" ->
          wordFor(caller.createTopic("topic_name", RelayClient.unique("new")), 201);
      case "GET /api/v1/topics" -> wordFor(caller.get("/api/v1/topics"), 200);
      case "GET /api/v1/topics/stats" -> wordFor(caller.get("/api/v1/topics/stats"), 200);
      case "POST /oauth/token" -> {
        JsonNode client = server.admin().postJson("/clients", wantedClient()).expect(201).json();
        yield wordFor(
            OAuthClient.token(caller, client.get("id").asString(), client.get("secret").asString()),
            201);
      }
      case "POST /clients" -> wordFor(caller.postJson("/clients", wantedClient()), 201);
      case "GET /clients" -> wordFor(caller.get("/clients"), 200);
      case "GET /clients/{id}" -> wordFor(caller.get("/clients/" + topic), 200);
      case "PUT /clients/{id}" ->
          wordFor(send(caller, "PUT", "/clients/" + topic, wantedClient()), 200);
      case "DELETE /clients/{id}" -> wordFor(caller.request("DELETE", "/clients/" + topic), 204);
      case "POST /admin/backup" ->
          wordFor(
              caller.postJson(
                  "/admin/backup",
                  Json.object("target", server.dataDir().resolve("backup").toString())),
              200);
      case "POST /api/v1/messages" -> wordFor(caller.publish(topic, Map.of("n", 1)), 201);
      case "POST /api/v1/messages/bulk" -> wordForBulk(caller, topic);
      case "POST /messages/poll" ->
          wordFor(
              caller.poll("topics", List.of(topic), "since", Map.of(topic, "start"), "timeout", 1),
              200);
      case "GET /ws and subscribe" -> wordForSubscribe(caller, topic);
      case "GET /ws and publish" -> wordForSocketPublish(caller, topic);
      case "GET /api/v1/topics/{topic_name}/events" -> wordForEvents(caller, topic);
      case "GET /api/v1/topics/{topic_name}" -> wordFor(caller.get("/api/v1/topics/" + topic), 200);
      case "PUT /api/v1/topics/{topic_name}" ->
          wordFor(
              send(caller, "PUT", "/api/v1/topics/" + topic, Map.of("description", "changed")),
              200);
      case "DELETE /api/v1/topics/{topic_name}" ->
          wordFor(caller.request("DELETE", "/api/v1/topics/" + topic), 204);
      case "GET /api/v1/topics/{topic_name}/consumers" ->
          wordFor(caller.get("/api/v1/topics/" + topic + "/consumers"), 200);
      case "GET /api/v1/topics/{topic_name}/messages" ->
          wordFor(caller.get("/api/v1/topics/" + topic + "/messages"), 200);
      case "POST /api/v1/topics/{topic_name}/permissions" ->
          wordFor(caller.grant(topic, "username", grantee.name()), 201);
      case "GET /api/v1/topics/{topic_name}/permissions" ->
          wordFor(caller.get("/api/v1/topics/" + topic + "/permissions"), 200);
      case "DELETE /api/v1/topics/{topic_name}/permissions/{user_id}" ->
          wordFor(
              caller.request("DELETE", "/api/v1/topics/" + topic + "/permissions/" + revoked.id()),
              204);
      default -> throw new AssertionError("no call is known for the row " + endpoint);
    };
  }

  private static Object bindingOf(String name) {
    return Json.object("exchange_name", name, "queue_name", name);
  }

  /// Makes an exchange and a queue of that name, bound to each other, where they are not there.
  private String bound(String name) {
    RelayClient admin = server.admin();
    assertThat(admin.postJson("/exchanges", Json.object("name", name, "type", "fanout")).status())
        .isIn(200, 409);
    assertThat(admin.postJson("/queues", Json.object("name", name)).status()).isIn(200, 409);
    admin.postJson("/bindings", bindingOf(name)).expect(200);
    return name;
  }

  private static Reply sendToStream(RelayClient caller, String stream) {
    return caller.postJson(
        "/api/v1/streams/send",
        Json.object("streamId", stream, "messageUuid", UUID.randomUUID().toString()));
  }

  /// The id of a new scheduled message of `topic`, or of none if that is not there.
  private String scheduled(String topic) {
    Object message = Json.object("payload", Map.of("n", 1), "delay_seconds", 1000);
    Reply reply =
        server
            .admin()
            .postJson("/topics/" + topic + "/messages", Json.object("messages", List.of(message)));
    assertThat(reply.status()).isIn(200, 404);
    return reply.status() == 200 ? reply.json().get("ids").get(0).asString() : "none";
  }

  /// Makes a subscription that has the name of its topic, if that is there and it is not.
  private void subscribe(String topic) {
    Reply reply =
        server.admin().postJson("/subscriptions", Json.object("id", topic, "topic_id", topic));
    assertThat(reply.status()).isIn(201, 404, 409);
  }

  private static Reply send(RelayClient caller, String method, String path, Object body) {
    return caller.send(method, path, BodyPublishers.ofString(Json.write(body)));
  }

  private Object refreshTokenOf(User user) {
    Reply login = server.anonymous().login(user.name(), user.password()).expect(200);
    return Json.object("refresh_token", login.json().get("refresh_token").asString());
  }

  /// A user with a login of its own, so that other calls may go on when it ends; or the caller, who
  /// is none.
  private RelayClient furtherClientOf(Optional<User> user, RelayClient caller) {
    return user.map(it -> server.anonymous().loggedIn(it.name(), it.password())).orElse(caller);
  }

  private String furtherLoginOf(Optional<User> user) {
    return user.map(it ->
            Jwt.claims(server.anonymous().loggedIn(it.name(), it.password()).token())
                .get("sid")
                .asString())
        .orElse("of-nobody");
  }

  private static String wordFor(Reply reply, int good) {
    return reply.status() == good ? "yes" : Integer.toString(reply.status());
  }

  private static String wordForBulk(RelayClient caller, String topic) {
    Reply reply = caller.bulk(List.of(Json.object("topic", topic, "payload", Map.of("n", 1))));
    if (reply.status() == 207) {
      assertThat(reply.json().get("summary").get("accepted").asInt()).isEqualTo(1);
    }
    return wordFor(reply, 207);
  }

  private String wordForSubscribe(RelayClient caller, String topic) {
    try (RelaySocket socket = caller.open()) {
      socket.send(Json.object("type", "subscribe", "topics", List.of(topic)));
      JsonNode frame = socket.next();
      if (frame.get("type").asString().equals("error")) {
        assertThat(frame.get("code").asString()).isIn("SUBSCRIPTION_ERROR", "ACCESS_REVOKED");
        return "error";
      }
      assertThat(frame.get("type").asString()).isEqualTo("subscribed");
      return "yes";
    } catch (CompletionException _) {
      // Refused before the upgrade: with which status, only another attempt tells.
      return Integer.toString(RelaySocket.refusedStatus(socketUri(caller)));
    }
  }

  private String wordForQueueSubscribe(RelayClient caller, String queue) {
    try (RelaySocket socket = caller.open()) {
      socket.send(
          Json.object(
              "type", "SUBSCRIBE", "payload", Json.object("queue_name", queue, "confirm", true)));
      JsonNode frame = socket.next();
      if (frame.get("type").asString().equals("ERROR")) {
        assertThat(frame.get("payload").get("code").asString()).isEqualTo("FORBIDDEN");
        return "error";
      }
      assertThat(frame.get("type").asString()).isEqualTo("SUBSCRIBED");
      return "yes";
    } catch (CompletionException _) {
      return Integer.toString(RelaySocket.refusedStatus(socketUri(caller)));
    }
  }

  private String wordForSocketPublish(RelayClient caller, String topic) {
    try (RelaySocket socket = caller.open()) {
      socket.send(Json.object("type", "publish", "topic", topic, "payload", Map.of("n", 1)));
      JsonNode frame = socket.next();
      if (frame.get("type").asString().equals("error")) {
        assertThat(frame.get("code").asString()).isIn("ACCESS_DENIED", "ACCESS_REVOKED");
        return "error";
      }
      assertThat(frame.get("type").asString()).isEqualTo("published");
      return "yes";
    } catch (CompletionException _) {
      return Integer.toString(RelaySocket.refusedStatus(socketUri(caller)));
    }
  }

  /// A stream that is allowed does not end, so only its head is waited for.
  private static String wordForEvents(RelayClient caller, String topic) {
    try (var connection = RawConnection.open(caller.server())) {
      connection.writeHead(
          "GET /api/v1/topics/" + topic + "/events HTTP/1.1",
          caller
              .authorization()
              .map(value -> new String[] {"Authorization: " + value})
              .orElse(new String[0]));
      String status = connection.readHead().getFirst().split(" ", 3)[1];
      return status.equals("200") ? "yes" : status;
    }
  }

  private URI socketUri(RelayClient caller) {
    return URI.create(
        server.webSocketUrl()
            + caller.authorization().map(_ -> "?token=" + caller.token()).orElse(""));
  }
}
