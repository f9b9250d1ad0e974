// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import dev.tidings.core.exchange.RoutingTable;
import dev.tidings.core.store.DirectoryContents;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.pcollections.TreePMap;

/// Everything known by name, as far as it is durable: topics, users, logins, consumers,
/// subscriptions, clients, streams that keep messages, signing keys, exchanges, queues and
/// bindings.
///
/// Any thread may read; each read sees one consistent state. The commit lane alone changes it, once
/// a record is durable; what a shard has decided but not yet written is the shard's own business.
public final class Directory {
  private volatile State state;
  private final Map<Entry.Kind, Map<String, String>> damaged = new EnumMap<>(Entry.Kind.class);

  private record State(
      TopicIndex topics,
      UserIndex users,
      LoginIndex logins,
      ConsumerIndex consumers,
      SubscriptionIndex subscriptions,
      TreePMap<String, Client> clients,
      TreePMap<String, DurableStream> streams,
      TreePMap<String, SigningKey> signingKeys,
      ExchangeIndex exchanges) {

    State with(Entry entry) {
      return switch (entry) {
        case Topic topic -> with(topics.with(topic));
        case User user -> with(users.with(user));
        case Login login -> with(logins.with(login));
        case Consumer consumer -> with(consumers.with(consumer));
        case Subscription subscription -> with(subscriptions.with(subscription));
        case Client client -> withClients(clients.plus(client.id(), client));
        case DurableStream stream -> withStreams(streams.plus(stream.name(), stream));
        case SigningKey key -> withSigningKeys(signingKeys.plus(key.name(), key));
        case Exchange exchange -> with(exchanges.with(exchange));
        case Queue queue -> with(exchanges.with(queue));
        case Binding binding -> with(exchanges.with(binding));
      };
    }

    State without(Entry entry) {
      return switch (entry) {
        case Topic topic -> with(topics.without(topic));
        case User user -> with(users.without(user));
        case Login login -> with(logins.without(login));
        case Consumer consumer -> with(consumers.without(consumer));
        case Subscription subscription -> with(subscriptions.without(subscription));
        case Client client -> withClients(clients.minus(client.id()));
        case DurableStream stream -> withStreams(streams.minus(stream.name()));
        case SigningKey key -> withSigningKeys(signingKeys.minus(key.name()));
        case Exchange exchange -> with(exchanges.without(exchange));
        case Queue queue -> with(exchanges.without(queue));
        case Binding binding -> with(exchanges.without(binding));
      };
    }

    private State with(TopicIndex changed) {
      return new State(
          changed,
          users,
          logins,
          consumers,
          subscriptions,
          clients,
          streams,
          signingKeys,
          exchanges);
    }

    private State with(UserIndex changed) {
      return new State(
          topics,
          changed,
          logins,
          consumers,
          subscriptions,
          clients,
          streams,
          signingKeys,
          exchanges);
    }

    private State with(LoginIndex changed) {
      return new State(
          topics,
          users,
          changed,
          consumers,
          subscriptions,
          clients,
          streams,
          signingKeys,
          exchanges);
    }

    private State with(ConsumerIndex changed) {
      return new State(
          topics, users, logins, changed, subscriptions, clients, streams, signingKeys, exchanges);
    }

    private State with(SubscriptionIndex changed) {
      return new State(
          topics, users, logins, consumers, changed, clients, streams, signingKeys, exchanges);
    }

    private State withClients(TreePMap<String, Client> changed) {
      return new State(
          topics,
          users,
          logins,
          consumers,
          subscriptions,
          changed,
          streams,
          signingKeys,
          exchanges);
    }

    private State withStreams(TreePMap<String, DurableStream> changed) {
      return new State(
          topics,
          users,
          logins,
          consumers,
          subscriptions,
          clients,
          changed,
          signingKeys,
          exchanges);
    }

    private State withSigningKeys(TreePMap<String, SigningKey> changed) {
      return new State(
          topics, users, logins, consumers, subscriptions, clients, streams, changed, exchanges);
    }

    private State with(ExchangeIndex changed) {
      return new State(
          topics, users, logins, consumers, subscriptions, clients, streams, signingKeys, changed);
    }
  }

  /// A directory of what the store held when it was opened.
  public Directory(DirectoryContents contents) {
    List<Topic> topics = new ArrayList<>();
    List<User> users = new ArrayList<>();
    LoginIndex logins = LoginIndex.EMPTY;
    ConsumerIndex consumers = ConsumerIndex.EMPTY;
    SubscriptionIndex subscriptions = SubscriptionIndex.EMPTY;
    TreePMap<String, Client> clients = TreePMap.empty();
    TreeMap<String, DurableStream> streams = new TreeMap<>();
    TreePMap<String, SigningKey> signingKeys = TreePMap.empty();
    List<Exchange> exchanges = new ArrayList<>();
    List<Queue> queues = new ArrayList<>();
    List<Binding> bindings = new ArrayList<>();
    for (Entry entry : contents.entries()) {
      switch (entry) {
        case Topic topic -> topics.add(topic);
        case User user -> users.add(user);
        case Login login -> logins = logins.with(login);
        case Consumer consumer -> consumers = consumers.with(consumer);
        case Subscription subscription -> subscriptions = subscriptions.with(subscription);
        case Client client -> clients = clients.plus(client.id(), client);
        case DurableStream stream -> streams.put(stream.name(), stream);
        case SigningKey key -> signingKeys = signingKeys.plus(key.name(), key);
        case Exchange exchange -> exchanges.add(exchange);
        case Queue queue -> queues.add(queue);
        case Binding binding -> bindings.add(binding);
      }
    }
    state =
        new State(
            TopicIndex.of(topics),
            UserIndex.of(users),
            logins,
            consumers,
            subscriptions,
            clients,
            TreePMap.fromSortedMap(streams),
            signingKeys,
            ExchangeIndex.of(exchanges, queues, bindings));
    for (DirectoryContents.Damaged entry : contents.damaged()) {
      damaged.computeIfAbsent(entry.kind(), _ -> new HashMap<>()).put(entry.key(), entry.reason());
    }
  }

  /// The entry of that kind and key.
  public Optional<Entry> find(Entry.Kind kind, String key) {
    State now = state;
    return switch (kind) {
      case TOPIC -> Optional.ofNullable(now.topics().byName().get(key));
      case USER -> Optional.ofNullable(now.users().byName().get(key));
      case LOGIN -> Optional.ofNullable(now.logins().byId().get(key));
      case SUBSCRIPTION -> Optional.ofNullable(now.subscriptions().byId().get(key));
      case CLIENT -> Optional.ofNullable(now.clients().get(key));
      case STREAM -> Optional.ofNullable(now.streams().get(key));
      case KEY -> Optional.ofNullable(now.signingKeys().get(key));
      case EXCHANGE -> Optional.ofNullable(now.exchanges().exchanges().get(key));
      case QUEUE -> Optional.ofNullable(now.exchanges().queues().get(key));
      case BINDING -> Optional.ofNullable(now.exchanges().bindings().get(key));
      case CONSUMER -> {
        int incarnation = Integer.parseInt(key.substring(0, key.indexOf('/')));
        yield Optional.ofNullable(now.consumers().of(incarnation).get(key));
      }
    };
  }

  // ---- topics ----

  /// The topic of that name.
  public Optional<Topic> topic(String name) {
    return Optional.ofNullable(state.topics().byName().get(name));
  }

  /// All topics by name, as they are now.
  public Map<String, Topic> topics() {
    return state.topics().byName();
  }

  /// How many topics there are, those of queues not counted.
  public int topicCount() {
    State now = state;
    return now.topics().byName().size() - now.exchanges().queues().size();
  }

  /// How many topics are public.
  public int publicTopics() {
    return state.topics().publicCount();
  }

  /// The first topic whose name comes after `name`, in the order of [#topics].
  public Optional<Topic> topicAfter(String name) {
    Map.Entry<String, Topic> next = state.topics().byName().higherEntry(name);
    return next == null ? Optional.empty() : Optional.of(next.getValue());
  }

  /// As above, without the topics of queues, which lie side by side.
  public Optional<Topic> openTopicAfter(String name) {
    Optional<Topic> next = topicAfter(name);
    return next.isPresent() && Queue.isReserved(next.get().name())
        ? topicAfter(Queue.AFTER_TOPICS)
        : next;
  }

  /// The names of the topics a user owns, in order, those of queues not among them.
  public Set<String> topicsOwnedBy(String userId) {
    return state.topics().owned().get(userId);
  }

  /// The topics that a user owns or that are granted to it, in the order of their names: the first
  /// `max` whose names come after `name`.
  public List<Topic> topicsOfAfter(String userId, String name, int max) {
    TopicIndex topics = state.topics();
    return Stream.of(topics.owned(), topics.granted())
        .flatMap(index -> index.after(userId, name).stream().limit(max))
        .sorted()
        .distinct()
        .limit(max)
        .map(it -> Objects.requireNonNull(topics.byName().get(it)))
        .toList();
  }

  /// The consumers of the log with number `incarnation`, by user and then by their own ids.
  public Collection<Consumer> consumers(int incarnation) {
    return state.consumers().of(incarnation).values();
  }

  /// How many consumers there are, of all topics.
  public int consumerCount() {
    return state.consumers().count();
  }

  /// Consumers, of any topics, that were last heard of before `before`, milliseconds since 1970: at
  /// most `max`.
  public List<Consumer> consumersNotHeardOfSince(long before, int max) {
    return state.consumers().byLog().values().stream()
        .flatMap(ofLog -> ofLog.values().stream())
        .filter(consumer -> consumer.ackedAt() < before)
        .limit(max)
        .toList();
  }

  // ---- subscriptions ----

  /// The subscription with that id.
  public Optional<Subscription> subscription(String id) {
    return Optional.ofNullable(state.subscriptions().byId().get(id));
  }

  /// All subscriptions by id, as they are now.
  public Map<String, Subscription> subscriptions() {
    return state.subscriptions().byId();
  }

  /// The ids of the subscriptions of `topic`, in order.
  public Set<String> subscriptionsOf(Topic topic) {
    return state.subscriptions().ofTopic(topic.name());
  }

  // ---- users ----

  /// The user with that id.
  public Optional<User> userById(String id) {
    return Optional.ofNullable(state.users().byId().get(id));
  }

  /// The user of that name.
  public Optional<User> userByName(String username) {
    return Optional.ofNullable(state.users().byName().get(username));
  }

  /// All users by name, as they are now.
  public Map<String, User> users() {
    return state.users().byName();
  }

  /// The users in the order of their names, from the first whose name comes after `name`.
  public Collection<User> usersAfter(String name) {
    return state.users().byName().tailMap(name, /* inclusive= */ false).values();
  }

  /// How many users may log in and act.
  public int activeUsers() {
    return state.users().activeCount();
  }

  /// Whether some user who may act has `permission`.
  public boolean hasUserWith(Permission permission) {
    return state.users().byName().values().stream()
        .anyMatch(user -> user.active() && user.has(permission));
  }

  /// Whether some other user than `user`, who may act, has `permission`.
  public boolean hasOtherUserWith(Permission permission, User user) {
    return state.users().byName().values().stream()
        .anyMatch(it -> it.active() && it.has(permission) && !it.id().equals(user.id()));
  }

  /// The login with that id.
  public Optional<Login> login(String id) {
    return Optional.ofNullable(state.logins().byId().get(id));
  }

  /// All logins by id, as they are now.
  public Map<String, Login> logins() {
    return state.logins().byId();
  }

  /// The first login whose id comes after `id`, in the order of [#logins].
  public Optional<Login> loginAfter(String id) {
    Map.Entry<String, Login> next = state.logins().byId().higherEntry(id);
    return next == null ? Optional.empty() : Optional.of(next.getValue());
  }

  /// The ids of a user's logins, in order.
  public Set<String> loginsOf(String userId) {
    return state.logins().byUser().get(userId);
  }

  // ---- clients ----

  /// The client with that id.
  public Optional<Client> client(String id) {
    return Optional.ofNullable(state.clients().get(id));
  }

  /// The clients in the order of their ids, without the first `offset`: at most `max`.
  public List<Client> clients(long offset, int max) {
    return state.clients().values().stream().skip(offset).limit(max).toList();
  }

  // ---- streams ----

  /// The stream of that name, if it keeps messages.
  public Optional<DurableStream> stream(String name) {
    return Optional.ofNullable(state.streams().get(name));
  }

  /// All streams that keep messages by name, as they are now.
  public Map<String, DurableStream> streams() {
    return state.streams();
  }

  /// The first stream whose name comes after `name`, in the order of [#streams].
  public Optional<DurableStream> streamAfter(String name) {
    Map.Entry<String, DurableStream> next = state.streams().higherEntry(name);
    return next == null ? Optional.empty() : Optional.of(next.getValue());
  }

  // ---- exchanges and queues ----

  /// The exchange of that name.
  public Optional<Exchange> exchange(String name) {
    return Optional.ofNullable(state.exchanges().exchanges().get(name));
  }

  /// All exchanges by name, as they are now.
  public NavigableMap<String, Exchange> exchanges() {
    return state.exchanges().exchanges();
  }

  /// The queue of that name.
  public Optional<Queue> queue(String name) {
    return Optional.ofNullable(state.exchanges().queues().get(name));
  }

  /// The queue whose topic this is, if it is one's.
  public Optional<Queue> queueOf(Topic topic) {
    return Queue.isReserved(topic.name()) ? queue(Queue.ofTopic(topic.name())) : Optional.empty();
  }

  /// All queues by name, as they are now.
  public NavigableMap<String, Queue> queues() {
    return state.exchanges().queues();
  }

  /// All bindings by key, as they are now, also those whose exchange is gone.
  public NavigableMap<String, Binding> bindings() {
    return state.exchanges().bindings();
  }

  /// The first binding whose key comes after `key`, in the order of [#bindings].
  public Optional<Binding> bindingAfter(String key) {
    Map.Entry<String, Binding> next = state.exchanges().bindings().higherEntry(key);
    return next == null ? Optional.empty() : Optional.of(next.getValue());
  }

  /// The bindings of `queue`, in the order of their keys.
  public List<Binding> bindingsOf(Queue queue) {
    return state.exchanges().of(queue);
  }

  /// The bindings of `exchange`, in the order of their keys.
  public Collection<Binding> bindingsOf(Exchange exchange) {
    String prefix = exchange.number() + "/";
    String end = exchange.number() + "0"; // The character after the slash.
    return state.exchanges().bindings().subMap(prefix, true, end, false).values();
  }

  /// Which queues exchanges route to.
  public RoutingTable routes() {
    return state.exchanges().routes();
  }

  // ---- signing keys ----

  /// The signing key of that name.
  public Optional<SigningKey> signingKey(String name) {
    return Optional.ofNullable(state.signingKeys().get(name));
  }

  // ---- changing ----

  /// What is wrong with the entry of that kind and key, if it could not be read when the store was
  /// opened.
  public Optional<String> damage(Entry.Kind kind, String key) {
    return Optional.ofNullable(damaged.getOrDefault(kind, Map.of()).get(key));
  }

  /// What is wrong with the queue of that name, if an entry of it could not be read: its own, or
  /// that of its topic or its subscription.
  public Optional<String> damageOfQueue(String name) {
    return damage(Entry.Kind.QUEUE, name)
        .or(() -> damage(Entry.Kind.SUBSCRIPTION, name))
        .or(() -> damage(Entry.Kind.TOPIC, Queue.topicOf(name)));
  }

  /// Shows an entry that is durable now. The commit lane calls it.
  ///
  /// @return the entry it takes the place of
  public Optional<Entry> show(Entry entry) {
    Optional<Entry> before = find(entry.kind(), entry.key());
    state = state.with(entry);
    return before;
  }

  /// Hides an entry whose removal is durable now. The commit lane calls it.
  public void hide(Entry entry) {
    state = state.without(entry);
  }
}
