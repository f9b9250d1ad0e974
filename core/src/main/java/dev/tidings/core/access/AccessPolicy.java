// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.access;

import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scope;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import java.util.Optional;

/// Who may do what, users and clients. Every front-end asks here; `docs/security.md` shows it as a
/// table.
///
/// A user has permissions, of which `admin` implies everything, and may do everything on what it
/// owns. A client has exactly its scopes, of which `*` implies everything; owning something gives
/// it nothing.
public final class AccessPolicy {
  private AccessPolicy() {}

  /// What a call of the relay needs whatever its topic.
  public enum Right {
    /// To publish: to some topic.
    PUBLISH(Permission.WRITE),
    /// To receive messages.
    RECEIVE(Permission.READ),
    /// To create topics.
    CREATE_TOPICS(Permission.WRITE),
    /// To manage users and everybody's topics.
    ADMINISTER(Permission.ADMIN);

    private final Permission permission;

    Right(Permission permission) {
      this.permission = permission;
    }

    /// What gives it to a user.
    public Permission permission() {
      return permission;
    }
  }

  /// Whether `principal` has `right`.
  public static boolean has(Principal principal, Right right) {
    return switch (principal) {
      case User user -> user.has(right.permission());
      case Client client ->
          switch (right) {
            case PUBLISH -> client.scopes().allowsSome(Scope.TOPICS_PUBLISH);
            case RECEIVE -> client.scopes().allows(Scope.SUBSCRIPTIONS_CONSUME);
            case CREATE_TOPICS -> client.scopes().allows(Scope.TOPICS_CREATE);
            case ADMINISTER -> client.scopes().allows(Scope.ALL);
          };
    };
  }

  /// Whether `principal` may manage users and everybody's topics.
  public static boolean mayAdminister(Principal principal) {
    return has(principal, Right.ADMINISTER);
  }

  /// Whether `principal` may make calls that need `scope`, as far as it can be told before their
  /// object is looked up: `object` is the id that the call names, empty for calls that list or
  /// create. Of a client that is all there is to ask; of a user the object decides too, but where
  /// it is a stream, which has no owner.
  public static boolean mayCall(Principal principal, Scope scope, Optional<String> object) {
    return switch (principal) {
      case User user ->
          switch (scope) {
            case TOPICS_CREATE, TOPICS_PUBLISH, STREAMS_SEND, EXCHANGES_PUBLISH ->
                user.has(Permission.WRITE);
            case SUBSCRIPTIONS_CREATE, SUBSCRIPTIONS_CONSUME, STREAMS_RECEIVE, QUEUES_CONSUME ->
                user.has(Permission.READ);
            case TOPICS_READ,
                TOPICS_DELETE,
                SUBSCRIPTIONS_READ,
                SUBSCRIPTIONS_DELETE,
                EXCHANGES_MANAGE,
                QUEUES_MANAGE ->
                true;
            case ALL, CLIENTS_CREATE, CLIENTS_UPDATE, CLIENTS_READ, CLIENTS_DELETE ->
                user.has(Permission.ADMIN);
          };
      case Client client ->
          object
              .map(id -> client.scopes().allows(scope, id))
              .orElseGet(() -> client.scopes().allows(scope));
    };
  }

  /// Whether `principal` may publish to `topic`, which is called `name`; to a missing one, which
  /// publishing creates.
  public static boolean mayPublish(Principal principal, String name, Optional<Topic> topic) {
    return switch (principal) {
      case User user ->
          user.has(Permission.ADMIN)
              || (user.has(Permission.WRITE)
                  && topic.map(it -> owns(user, it) || isGranted(user, it)).orElse(true));
      case Client client ->
          client.scopes().allows(Scope.TOPICS_PUBLISH, name)
              && (topic.isPresent() || client.scopes().allows(Scope.TOPICS_CREATE));
    };
  }

  /// Whether `principal` may receive from `topic`; from a missing one, for which it may wait.
  public static boolean mayRead(Principal principal, Optional<Topic> topic) {
    return switch (principal) {
      case User user ->
          user.has(Permission.ADMIN)
              || (user.has(Permission.READ)
                  && topic
                      .map(it -> it.isPublic() || owns(user, it) || isGranted(user, it))
                      .orElse(true));
      case Client client -> client.scopes().allows(Scope.SUBSCRIPTIONS_CONSUME);
    };
  }

  /// Whether `principal` may list topics: a user those that it [may see][#maySee], a client all.
  public static boolean mayListTopics(Principal principal) {
    return mayCall(principal, Scope.TOPICS_READ, Optional.empty());
  }

  /// Whether `principal` may see the entry of `topic`. A user needs no global permission for it, as
  /// in the relay's API.
  public static boolean maySee(Principal principal, Topic topic) {
    return switch (principal) {
      case User user ->
          user.has(Permission.ADMIN)
              || topic.isPublic()
              || owns(user, topic)
              || isGranted(user, topic);
      case Client client -> client.scopes().allows(Scope.TOPICS_READ, topic.name());
    };
  }

  /// Whether `principal` may change `topic` and its grants.
  public static boolean mayManage(Principal principal, Topic topic) {
    return mayAdminister(principal) || owns(principal, topic);
  }

  /// Whether `principal` may delete `topic`.
  public static boolean mayDelete(Principal principal, Topic topic) {
    return switch (principal) {
      case User user -> mayManage(user, topic);
      case Client client -> client.scopes().allows(Scope.TOPICS_DELETE, topic.name());
    };
  }

  /// Whether `principal` may create subscriptions of `topic`.
  public static boolean maySubscribe(Principal principal, Topic topic) {
    return switch (principal) {
      case User user -> mayRead(user, Optional.of(topic));
      case Client client -> client.scopes().allows(Scope.SUBSCRIPTIONS_CREATE);
    };
  }

  /// Whether `principal` may see `subscription`, which is one of `topic`.
  public static boolean mayReadSubscription(
      Principal principal, Subscription subscription, Topic topic) {
    return mayUse(principal, Scope.SUBSCRIPTIONS_READ, subscription, topic);
  }

  /// Whether `principal` may change or delete `subscription`, which is one of `topic`.
  public static boolean mayDeleteSubscription(
      Principal principal, Subscription subscription, Topic topic) {
    return mayUse(principal, Scope.SUBSCRIPTIONS_DELETE, subscription, topic);
  }

  /// Whether `principal` may take messages from `subscription`, which is one of `topic`, and say
  /// what became of them.
  public static boolean mayConsume(Principal principal, Subscription subscription, Topic topic) {
    boolean isQueues = Queue.isReserved(topic.name());
    return switch (principal) {
      case User user ->
          mayUse(user, Scope.SUBSCRIPTIONS_CONSUME, subscription, topic)
              && mayRead(user, Optional.of(topic));
      case Client client ->
          mayUse(client, Scope.SUBSCRIPTIONS_CONSUME, subscription, topic)
              || (isQueues && client.scopes().allows(Scope.QUEUES_CONSUME, subscription.id()));
    };
  }

  /// Whether `principal` may create what is managed with `scope`, an exchange or a queue, and call
  /// it `name`.
  public static boolean mayCreate(Principal principal, Scope scope, String name) {
    return switch (principal) {
      case User user -> user.has(Permission.WRITE);
      case Client client -> client.scopes().allows(scope, name);
    };
  }

  /// Whether `principal` may see `exchange`, delete it and bind queues to it that it may manage.
  public static boolean mayManage(Principal principal, Exchange exchange) {
    return mayManage(principal, Scope.EXCHANGES_MANAGE, exchange.name(), exchange.ownerId());
  }

  /// Whether `principal` may see `queue`, purge and delete it and bind it to exchanges that it may
  /// manage.
  public static boolean mayManage(Principal principal, Queue queue) {
    return mayManage(principal, Scope.QUEUES_MANAGE, queue.name(), queue.ownerId());
  }

  private static boolean mayManage(Principal principal, Scope scope, String name, String ownerId) {
    return switch (principal) {
      case User user -> user.has(Permission.ADMIN) || ownerId.equals(user.id());
      case Client client -> client.scopes().allows(scope, name);
    };
  }

  /// Whether `principal` may publish to `exchange`.
  public static boolean mayPublish(Principal principal, Exchange exchange) {
    return switch (principal) {
      case User user -> user.has(Permission.WRITE) && mayManage(user, exchange);
      case Client client -> client.scopes().allows(Scope.EXCHANGES_PUBLISH, exchange.name());
    };
  }

  /// Whether `principal` may receive from `queue`.
  public static boolean mayConsumeQueue(Principal principal, Queue queue) {
    return switch (principal) {
      case User user -> user.has(Permission.READ) && mayManage(user, queue);
      case Client client -> client.scopes().allows(Scope.QUEUES_CONSUME, queue.name());
    };
  }

  /// Whether there may be a queue that `principal` may receive from.
  public static boolean mayConsumeSomeQueue(Principal principal) {
    return switch (principal) {
      case User user -> user.has(Permission.READ);
      case Client client -> client.scopes().allowsSome(Scope.QUEUES_CONSUME);
    };
  }

  private static boolean mayUse(
      Principal principal, Scope scope, Subscription subscription, Topic topic) {
    return switch (principal) {
      case User user -> mayManage(user, topic) || subscription.ownerId().equals(user.id());
      case Client client -> client.scopes().allows(scope, subscription.id());
    };
  }

  private static boolean owns(Principal principal, Topic topic) {
    return principal instanceof User user && topic.ownerId().equals(user.id());
  }

  private static boolean isGranted(User user, Topic topic) {
    return topic.grantees().contains(user.id());
  }
}
