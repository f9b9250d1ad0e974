// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.runtime.CrankedNode;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// The whole table: permissions × relation to the topic × action.
class AccessPolicyTest {
  private static User user(String permissions) {
    return CrankedNode.user(
        "ada",
        switch (permissions) {
          case "none" -> new Permission[0];
          case "both" -> new Permission[] {Permission.READ, Permission.WRITE};
          default -> new Permission[] {Permission.valueOf(permissions.toUpperCase(Locale.ROOT))};
        });
  }

  private static Optional<Topic> topic(String relation, User user) {
    return switch (relation) {
      case "missing" -> Optional.empty();
      case "own" -> Optional.of(topic(user.id(), false, Set.of()));
      case "granted" -> Optional.of(topic("other", false, Set.of("x", user.id())));
      case "public" -> Optional.of(topic("other", true, Set.of()));
      case "foreign" -> Optional.of(topic("other", false, Set.of("x")));
      default -> throw new IllegalArgumentException(relation);
    };
  }

  private static Topic topic(String owner, boolean isPublic, Set<String> grantees) {
    return new Topic("t", 1, owner, isPublic, Optional.empty(), 0, grantees);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, topic, publish, read
    "none,  missing, false, false",
    "none,  own,     false, false",
    "none,  granted, false, false",
    "none,  public,  false, false",
    "none,  foreign, false, false",
    "read,  missing, false, true",
    "read,  own,     false, true",
    "read,  granted, false, true",
    "read,  public,  false, true",
    "read,  foreign, false, false",
    "write, missing, true,  false",
    "write, own,     true,  false",
    "write, granted, true,  false",
    "write, public,  false, false",
    "write, foreign, false, false",
    "both,  missing, true,  true",
    "both,  own,     true,  true",
    "both,  granted, true,  true",
    "both,  public,  false, true",
    "both,  foreign, false, false",
    "admin, missing, true,  true",
    "admin, own,     true,  true",
    "admin, granted, true,  true",
    "admin, public,  true,  true",
    "admin, foreign, true,  true",
  })
  void publishAndRead(String permissions, String relation, boolean publish, boolean read) {
    User user = user(permissions);
    Optional<Topic> topic = topic(relation, user);
    assertThat(AccessPolicy.mayPublish(user, "t", topic)).isEqualTo(publish);
    assertThat(AccessPolicy.mayRead(user, topic)).isEqualTo(read);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, topic, see, manage
    "none,  own,     true,  true",
    "none,  granted, true,  false",
    "none,  public,  true,  false",
    "none,  foreign, false, false",
    "both,  own,     true,  true",
    "both,  granted, true,  false",
    "both,  public,  true,  false",
    "both,  foreign, false, false",
    "admin, own,     true,  true",
    "admin, granted, true,  true",
    "admin, public,  true,  true",
    "admin, foreign, true,  true",
  })
  void seeAndManage(String permissions, String relation, boolean see, boolean manage) {
    User user = user(permissions);
    Topic topic = topic(relation, user).orElseThrow();
    assertThat(AccessPolicy.maySee(user, topic)).isEqualTo(see);
    assertThat(AccessPolicy.mayManage(user, topic)).isEqualTo(manage);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, administer
    "none,  false",
    "read,  false",
    "write, false",
    "both,  false",
    "admin, true",
  })
  void administer(String permissions, boolean administer) {
    User user = user(permissions);
    assertThat(AccessPolicy.mayAdminister(user)).isEqualTo(administer);
  }

  @ParameterizedTest
  @CsvSource({
    // scopes, publish to t, to a missing t, read, see, manage, delete
    "*,                              true,  true,  true,  true,  true,  true",
    "topics:publish,                 true,  false, false, false, false, false",
    "topics:publish topics:create,   true,  true,  false, false, false, false",
    "topics:publish:t,               true,  false, false, false, false, false",
    "topics:publish:t topics:create, true,  true,  false, false, false, false",
    "topics:publish topics:create:t, true,  false, false, false, false, false",
    "topics:publish:u,               false, false, false, false, false, false",
    "topics:create,                  false, false, false, false, false, false",
    "topics:read,                    false, false, false, true,  false, false",
    "topics:read:t,                  false, false, false, true,  false, false",
    "topics:read:u,                  false, false, false, false, false, false",
    "topics:delete,                  false, false, false, false, false, true",
    "topics:delete:t,                false, false, false, false, false, true",
    "topics:delete:u,                false, false, false, false, false, false",
    "subscriptions:consume,          false, false, true,  false, false, false",
    "subscriptions:consume:t,        false, false, false, false, false, false",
    "subscriptions:read,             false, false, false, false, false, false",
  })
  void clients_haveExactlyTheirScopes_alsoWhatTheyOwnAndWhatIsPublic(
      String scopes,
      boolean publish,
      boolean publishMissing,
      boolean read,
      boolean see,
      boolean manage,
      boolean delete) {
    Client client = client(scopes);
    Topic own = topic(client.id(), true, Set.of(client.id()));
    assertThat(AccessPolicy.mayPublish(client, "t", Optional.of(own))).isEqualTo(publish);
    assertThat(AccessPolicy.mayPublish(client, "t", Optional.empty())).isEqualTo(publishMissing);
    assertThat(AccessPolicy.mayRead(client, Optional.of(own))).isEqualTo(read);
    assertThat(AccessPolicy.mayRead(client, Optional.empty())).isEqualTo(read);
    assertThat(AccessPolicy.maySee(client, own)).isEqualTo(see);
    assertThat(AccessPolicy.mayManage(client, own)).isEqualTo(manage);
    assertThat(AccessPolicy.mayDelete(client, own)).isEqualTo(delete);
  }

  @ParameterizedTest
  @CsvSource({
    // scopes, rights
    "*,                       PUBLISH RECEIVE CREATE_TOPICS ADMINISTER",
    "topics:publish,          PUBLISH",
    "topics:publish:x,        PUBLISH",
    "topics:publish:,         ''",
    "topics:create,           CREATE_TOPICS",
    "topics:create:x,         ''",
    "subscriptions:consume,   RECEIVE",
    "subscriptions:consume:x, ''",
    "clients:create,          ''",
  })
  void clients_haveTheRightsOfTheirScopes(String scopes, String rights) {
    assertThat(
            Arrays.stream(Right.values())
                .filter(right -> AccessPolicy.has(client(scopes), right))
                .map(Right::name)
                .collect(Collectors.joining(" ")))
        .isEqualTo(rights);
  }

  @ParameterizedTest
  @EnumSource
  void objectScopes_allowCallsOnTheirObject_andNoneThatListOrCreate(Scope scope) {
    String everything = scope.text();
    Optional<String> x = Optional.of("x");
    assertThat(AccessPolicy.mayCall(client(everything), scope, Optional.empty())).isTrue();
    assertThat(AccessPolicy.mayCall(client(everything), scope, x)).isTrue();
    assertThat(AccessPolicy.mayCall(client("*"), scope, x)).isTrue();
    if (scope != Scope.ALL) {
      Client withObject = client(everything + ":x");
      assertThat(AccessPolicy.mayCall(withObject, scope, x)).isTrue();
      assertThat(AccessPolicy.mayCall(withObject, scope, Optional.of("y"))).isFalse();
      assertThat(AccessPolicy.mayCall(withObject, scope, Optional.empty())).isFalse();
    }
    for (Scope other : Scope.values()) {
      if (other != scope && scope != Scope.ALL) {
        assertThat(AccessPolicy.mayCall(client(everything), other, x)).isFalse();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, the scopes whose calls a user may make at all
    "none,  topics:read topics:delete subscriptions:read subscriptions:delete"
        + " exchanges:manage queues:manage",
    "read,  topics:read topics:delete subscriptions:create subscriptions:read"
        + " subscriptions:delete subscriptions:consume streams:receive exchanges:manage"
        + " queues:manage queues:consume",
    "write, topics:create topics:read topics:delete topics:publish subscriptions:read"
        + " subscriptions:delete streams:send exchanges:manage exchanges:publish queues:manage",
  })
  void users_mayCallByTheirPermissions(String permissions, String scopes) {
    assertThat(
            Arrays.stream(Scope.values())
                .filter(scope -> AccessPolicy.mayCall(user(permissions), scope, Optional.empty()))
                .map(Scope::text)
                .collect(Collectors.joining(" ")))
        .isEqualTo(scopes);
  }

  @ParameterizedTest
  @EnumSource
  void administrators_mayCallEverything(Scope scope) {
    assertThat(AccessPolicy.mayCall(user("admin"), scope, Optional.empty())).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, topic, whose subscription, see and delete, consume
    "none,  foreign, own,   true,  false",
    "none,  own,     other, true,  false",
    "none,  public,  other, false, false",
    "read,  foreign, own,   true,  false",
    "read,  granted, own,   true,  true",
    "read,  public,  own,   true,  true",
    "read,  public,  other, false, false",
    "read,  granted, other, false, false",
    "read,  own,     other, true,  true",
    "write, own,     own,   true,  false",
    "admin, foreign, other, true,  true",
  })
  void subscriptionsOfUsers(
      String permissions, String relation, String owner, boolean use, boolean consume) {
    User user = user(permissions);
    Topic topic = topic(relation, user).orElseThrow();
    Subscription subscription = subscription(owner.equals("own") ? user.id() : "other");
    assertThat(AccessPolicy.mayReadSubscription(user, subscription, topic)).isEqualTo(use);
    assertThat(AccessPolicy.mayDeleteSubscription(user, subscription, topic)).isEqualTo(use);
    assertThat(AccessPolicy.mayConsume(user, subscription, topic)).isEqualTo(consume);
    assertThat(AccessPolicy.maySubscribe(user, topic))
        .isEqualTo(AccessPolicy.mayRead(user, Optional.of(topic)));
  }

  @ParameterizedTest
  @CsvSource({
    // scopes, create, see, delete, consume
    "*,                       true,  true,  true,  true",
    "subscriptions:create,    true,  false, false, false",
    "subscriptions:create:s,  false, false, false, false",
    "subscriptions:read,      false, true,  false, false",
    "subscriptions:read:s,    false, true,  false, false",
    "subscriptions:read:x,    false, false, false, false",
    "subscriptions:delete:s,  false, false, true,  false",
    "subscriptions:consume,   false, false, false, true",
    "subscriptions:consume:s, false, false, false, true",
    "subscriptions:consume:x, false, false, false, false",
    "topics:read,             false, false, false, false",
  })
  void subscriptionsOfClients(
      String scopes, boolean create, boolean see, boolean delete, boolean consume) {
    Client client = client(scopes);
    Topic own = topic(client.id(), true, Set.of());
    Subscription subscription = subscription(client.id());
    assertThat(AccessPolicy.maySubscribe(client, own)).isEqualTo(create);
    assertThat(AccessPolicy.mayReadSubscription(client, subscription, own)).isEqualTo(see);
    assertThat(AccessPolicy.mayDeleteSubscription(client, subscription, own)).isEqualTo(delete);
    assertThat(AccessPolicy.mayConsume(client, subscription, own)).isEqualTo(consume);
  }

  private static Subscription subscription(String ownerId) {
    DeliveryPolicy policy = new DeliveryPolicy(5, 5000, 300_000, OptionalLong.empty());
    return new Subscription("s", 1, "t", 1, ownerId, Optional.empty(), policy, 0, 0);
  }

  private static Client client(String scopes) {
    return new Client("c", "client", Scopes.of(scopes), "", true, 1, 0, 0);
  }

  // ---- exchanges and queues ----

  private static Exchange exchange(String owner) {
    return new Exchange("x", 1, Exchange.Type.FANOUT, owner, 0);
  }

  private static Subscription subscriptionOf(String id, Topic topic) {
    DeliveryPolicy policy = new DeliveryPolicy(5, 0, 0, OptionalLong.empty());
    return new Subscription(
        id, 1, topic.name(), 1, topic.ownerId(), Optional.empty(), policy, 0, 0);
  }

  private static Queue queue(String owner) {
    return new Queue("q", 1, false, Queue.Mode.WORK, Queue.Bounds.NONE, owner, 0);
  }

  @ParameterizedTest
  @CsvSource({
    // permissions, create, of its own: manage, publish, consume, of others
    "none,  false, true, false, false, false",
    "read,  false, true, false, true,  false",
    "write, true,  true, true,  false, false",
    "both,  true,  true, true,  true,  false",
    "admin, true,  true, true,  true,  true",
  })
  void usersAndExchanges(
      String permissions,
      boolean create,
      boolean manage,
      boolean publish,
      boolean consume,
      boolean others) {
    User user = user(permissions);
    assertThat(AccessPolicy.mayCreate(user, Scope.EXCHANGES_MANAGE, "x")).isEqualTo(create);
    assertThat(AccessPolicy.mayCreate(user, Scope.QUEUES_MANAGE, "q")).isEqualTo(create);
    assertThat(AccessPolicy.mayManage(user, exchange(user.id()))).isEqualTo(manage);
    assertThat(AccessPolicy.mayManage(user, queue(user.id()))).isEqualTo(manage);
    assertThat(AccessPolicy.mayPublish(user, exchange(user.id()))).isEqualTo(publish);
    assertThat(AccessPolicy.mayConsumeQueue(user, queue(user.id()))).isEqualTo(consume);
    assertThat(AccessPolicy.mayManage(user, exchange("other"))).isEqualTo(others);
    assertThat(AccessPolicy.mayManage(user, queue("other"))).isEqualTo(others);
    assertThat(AccessPolicy.mayPublish(user, exchange("other"))).isEqualTo(others);
    assertThat(AccessPolicy.mayConsumeQueue(user, queue("other"))).isEqualTo(others);
  }

  @ParameterizedTest
  @CsvSource({
    // scopes, exchange: manage, publish, queue: manage, consume, consume its subscription
    "exchanges:manage,        true,  false, false, false, false",
    "exchanges:manage:x,      true,  false, false, false, false",
    "exchanges:manage:q,      false, false, false, false, false",
    "exchanges:publish,       false, true,  false, false, false",
    "exchanges:publish:x,     false, true,  false, false, false",
    "queues:manage,           false, false, true,  false, false",
    "queues:manage:q,         false, false, true,  false, false",
    "queues:consume,          false, false, false, true,  true",
    "queues:consume:q,        false, false, false, true,  true",
    "queues:consume:x,        false, false, false, false, false",
    "subscriptions:consume,   false, false, false, false, true",
    "subscriptions:consume:q, false, false, false, false, true",
    "topics:publish,          false, false, false, false, false",
    "*,                       true,  true,  true,  true,  true",
  })
  void clientsAndExchanges(
      String scopes,
      boolean manageExchange,
      boolean publish,
      boolean manageQueue,
      boolean consume,
      boolean consumeSubscription) {
    Client client = client(scopes);
    Queue queue = queue(client.id());
    Topic topic = new Topic(queue.topic(), 1, client.id(), false, Optional.empty(), 0, Set.of());
    Subscription subscription = subscriptionOf(queue.name(), topic);
    assertThat(AccessPolicy.mayCreate(client, Scope.EXCHANGES_MANAGE, "x"))
        .isEqualTo(manageExchange);
    assertThat(AccessPolicy.mayManage(client, exchange(client.id()))).isEqualTo(manageExchange);
    assertThat(AccessPolicy.mayPublish(client, exchange(client.id()))).isEqualTo(publish);
    assertThat(AccessPolicy.mayCreate(client, Scope.QUEUES_MANAGE, "q")).isEqualTo(manageQueue);
    assertThat(AccessPolicy.mayManage(client, queue)).isEqualTo(manageQueue);
    assertThat(AccessPolicy.mayConsumeQueue(client, queue)).isEqualTo(consume);
    assertThat(AccessPolicy.mayConsume(client, subscription, topic)).isEqualTo(consumeSubscription);
    // Queues alone: not what is not one's.
    Topic open = topic(client.id(), true, Set.of());
    assertThat(AccessPolicy.mayConsume(client, subscriptionOf(queue.name(), open), open))
        .isEqualTo((consumeSubscription && !consume) || scopes.equals("*"));
  }
}
