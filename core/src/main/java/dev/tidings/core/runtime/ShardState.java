// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.command.AbandonScheduled;
import dev.tidings.core.command.CreateQueue;
import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.directory.User;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.log.HotTier;
import dev.tidings.core.log.Logs;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.PublishedId;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.schedule.Schedule;
import dev.tidings.core.schedule.Waiting;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.ScheduledRemoved;
import dev.tidings.core.store.TransientStore;
import dev.tidings.core.stream.Sending;
import dev.tidings.core.stream.StoredUuids;
import dev.tidings.core.stream.StreamPool;
import dev.tidings.core.stream.Streams;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.Names;
import dev.tidings.core.subscription.SequenceRange;
import dev.tidings.core.subscription.Subscriptions;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What one shard knows, durable or not, and the records of what the command being handled has
/// changed.
///
/// Entries that are durable are in the directory; this holds only those changed since. Logs in
/// memory are in [Logs]. Touched by the shard's executor alone.
public final class ShardState {
  private static final Logger LOG = LoggerFactory.getLogger(ShardState.class);

  // The share of their bound by which transient queues may exceed it, as a divisor.
  private static final int TOLERANCE = 10;

  private final TimeSource time;
  private final Directory directory;
  private final Logs logs;
  private final HotTier tier;
  private final AtomicInteger lastIncarnation;
  private final AtomicInteger lastStreamNumber;
  private final TransientStore store;
  private final Node.Limits limits;

  // By kind and key; empty for what was removed.
  private final Map<Entry.Kind, Map<String, Changed>> changed = new EnumMap<>(Entry.Kind.class);
  private final Set<TopicLog> changedLogs = new HashSet<>();
  // Shared by all shards; those of the receipts that are this shard's and not durable yet.
  private final Receipts receipts;
  private final Set<Receipt> uncommittedReceipts = new HashSet<>();
  private final Subscriptions subscriptions;
  // Shared by all shards; those that this shard has claimed and that are not durable yet.
  private final Names names;
  private final Set<String> claimedNames = new HashSet<>();
  private final Streams streams;
  private final Own own;
  private final Waiting waiting;
  private final Schedule schedule;
  private List<StoreRecord> emitted = new ArrayList<>();
  private final List<Load> wanted = new ArrayList<>();

  ShardState(
      TimeSource time,
      Directory directory,
      Logs logs,
      HotTier tier,
      AtomicInteger lastIncarnation,
      AtomicInteger lastStreamNumber,
      Receipts receipts,
      Names names,
      long pageBytes,
      long scheduleBytes,
      StreamPool pool,
      Own own,
      TransientStore store,
      Waiting waiting,
      SlotSet slots,
      int someSlot,
      LongConsumer late,
      Node.Limits limits) {
    this.time = time;
    this.directory = directory;
    this.logs = logs;
    this.tier = tier;
    this.lastIncarnation = lastIncarnation;
    this.lastStreamNumber = lastStreamNumber;
    this.receipts = receipts;
    this.names = names;
    this.store = store;
    this.limits = limits;
    this.subscriptions =
        new Subscriptions(
            time, limits.subscriptions().deliveries(), pageBytes, record -> emitted.add(record));
    this.own = own;
    this.streams = new Streams(time, pool, new StreamHost(own));
    this.waiting = waiting;
    this.schedule = new Schedule(time, slots, someSlot, scheduleBytes, waiting, late, own);
    for (Entry.Kind kind : Entry.Kind.values()) {
      changed.put(kind, new HashMap<>());
    }
  }

  /// How the shard does things of its own.
  interface Own extends Schedule.Host {}

  /// What has become of an entry. It counts until all that was done to it is durable: what is
  /// durable of it meanwhile is older.
  ///
  /// @param now as it is; empty if it was removed
  /// @param unsettled how many of its records are not known to be durable
  private record Changed(Optional<Entry> now, int unsettled) {}

  private void change(Entry entry, Optional<Entry> now) {
    changed(entry.kind())
        .merge(
            entry.key(),
            new Changed(now, 1),
            (before, after) -> new Changed(now, before.unsettled() + 1));
  }

  private Map<String, Changed> changed(Entry.Kind kind) {
    return Objects.requireNonNull(changed.get(kind));
  }

  private Optional<Entry> find(Entry.Kind kind, String key) {
    Changed known = changed(kind).get(key);
    return known != null ? known.now() : directory.find(kind, key);
  }

  /// The time of the command.
  public TimeSource time() {
    return time;
  }

  /// The topic of that name, durable or not.
  public Optional<Topic> topic(String name) {
    return find(Entry.Kind.TOPIC, name).map(Topic.class::cast);
  }

  /// The user of that name, durable or not.
  public Optional<User> user(String username) {
    return find(Entry.Kind.USER, username).map(User.class::cast);
  }

  /// The client with that id, durable or not.
  public Optional<Client> client(String id) {
    return find(Entry.Kind.CLIENT, id).map(Client.class::cast);
  }

  /// The login with that id, durable or not.
  public Optional<Login> login(String id) {
    return find(Entry.Kind.LOGIN, id).map(Login.class::cast);
  }

  /// The logins of a user, durable or not, in no order.
  public List<Login> loginsOf(User user) {
    Map<String, Login> logins = new HashMap<>();
    for (String id : directory.loginsOf(user.id())) {
      directory.login(id).ifPresent(login -> logins.put(id, login));
    }
    overlay(Entry.Kind.LOGIN, Login.class, logins, login -> login.userId().equals(user.id()));
    return List.copyOf(logins.values());
  }

  /// The consumer `clientId` of a user in `topic`, durable or not.
  public Optional<Consumer> consumer(Topic topic, String userId, String clientId) {
    return find(Entry.Kind.CONSUMER, Consumer.key(topic.incarnation(), userId, clientId))
        .map(Consumer.class::cast);
  }

  /// Whether `topic` has as many consumers as one topic may have, or all have as many as all may.
  /// Those that are about to become durable are not all seen: the bounds are kept to within a few.
  public boolean consumersFull(Topic topic, int maxOfTopic, int maxInAll) {
    int changing = changed(Entry.Kind.CONSUMER).size();
    return directory.consumers(topic.incarnation()).size() + changing >= maxOfTopic
        || directory.consumerCount() + changing >= maxInAll;
  }

  // ---- subscriptions ----

  /// The subscription with that id, durable or not.
  public Optional<Subscription> subscription(String id) {
    return find(Entry.Kind.SUBSCRIPTION, id).map(Subscription.class::cast);
  }

  /// The subscriptions of `topic`, durable or not, in no order.
  public List<Subscription> subscriptionsOf(Topic topic) {
    Map<String, Subscription> found = new HashMap<>();
    for (String id : directory.subscriptionsOf(topic)) {
      directory.subscription(id).ifPresent(subscription -> found.put(id, subscription));
    }
    overlay(
        Entry.Kind.SUBSCRIPTION,
        Subscription.class,
        found,
        subscription -> subscription.topic().equals(topic.name()));
    return List.copyOf(found.values());
  }

  /// Those that are in memory, and what they have delivered.
  public Subscriptions subscriptions() {
    return subscriptions;
  }

  /// Why `topic` may have no further subscription, if so.
  public Optional<String> noRoomForSubscription(Topic topic) {
    // Those that other shards are about to create are not seen: the bound is kept to within a few.
    int inAll = directory.subscriptions().size() + changed(Entry.Kind.SUBSCRIPTION).size();
    int ofTopic = subscriptionsOf(topic).size();
    if (inAll >= limits.subscriptions().inAll()) {
      return Optional.of(
          "there are "
              + inAll
              + " subscriptions (limit: "
              + limits.subscriptions().inAll()
              + "); delete one that is not needed");
    }
    return ofTopic < limits.subscriptions().perTopic()
        ? Optional.empty()
        : Optional.of(
            "topic '"
                + topic.name()
                + "' has "
                + ofTopic
                + " subscriptions (limit: "
                + limits.subscriptions().perTopic()
                + "); delete one that is not needed");
  }

  /// Creates a subscription of `topic`; empty if no numbers are left.
  ///
  /// @param id claimed by [#claim]
  /// @param start the sequence of the first message it may deliver
  public Optional<Subscription> createSubscription(
      String id,
      Topic topic,
      String ownerId,
      Optional<Payload> filter,
      DeliveryPolicy policy,
      long start) {
    OptionalInt number = nextNumber();
    if (number.isEmpty()) {
      releaseName(id);
      return Optional.empty();
    }
    return Optional.of(
        putSubscription(number.getAsInt(), id, topic, ownerId, filter, policy, start));
  }

  private Subscription putSubscription(
      int number,
      String id,
      Topic topic,
      String ownerId,
      Optional<Payload> filter,
      DeliveryPolicy policy,
      long start) {
    Subscription subscription =
        new Subscription(
            id,
            number,
            topic.name(),
            topic.incarnation(),
            ownerId,
            filter,
            policy,
            start,
            time.wallMs());
    put(subscription);
    return subscription;
  }

  /// Claims the name of a subscription that is about to be created; false if it is taken.
  public boolean claim(String id) {
    if (!names.claim(id)) {
      return false;
    }
    // Only now: whoever had claimed it before has given it up only once the directory showed it.
    if (subscription(id).isPresent()) {
      names.release(id);
      return false;
    }
    return claimedNames.add(id);
  }

  private void releaseName(String id) {
    if (claimedNames.remove(id)) {
      names.release(id);
    }
  }

  /// Takes a subscription into memory, if it is still there.
  ///
  /// @return what has to be loaded for its filter
  public Optional<Load> loadDeliveries(String id, int number, List<DeliveryChange> changes) {
    Optional<Subscription> subscription = subscription(id).filter(it -> it.number() == number);
    Optional<TopicLog> log = subscription.flatMap(it -> logs.find(it.incarnation()));
    if (subscription.isEmpty() || log.isEmpty() || subscriptions.find(number).isPresent()) {
      return Optional.empty();
    }
    // What an earlier run of the process had in memory was not lost by this subscription.
    Subscription opened =
        store.keeps(number)
            ? subscription.get().startingAt(log.get().firstRetained())
            : subscription.get();
    return subscriptions.open(
        opened, log.get(), prioritisedFrom(opened, log.get(), changes), changes);
  }

  /// From where on messages of a work queue may have a priority above 0.
  private Optional<Long> prioritisedFrom(
      Subscription subscription, TopicLog log, List<DeliveryChange> changes) {
    return queue(subscription.id())
        .filter(queue -> queue.mode() == Queue.Mode.WORK)
        .map(queue -> {
          long next = changes.isEmpty() ? subscription.start() : changes.getLast().next();
          // What a transient queue holds is in memory, and quickly searched.
          boolean isToBeSearched = queue.prioritised() || !queue.durable();
          return isToBeSearched ? Math.max(next, log.firstRetained()) : log.watermark() + 1;
        });
  }

  /// Asks for something to be loaded, without waiting for it.
  public void want(Load load) {
    wanted.add(load);
  }

  /// Takes what was asked for since the last call.
  List<Load> takeWanted() {
    if (wanted.isEmpty()) {
      return List.of();
    }
    List<Load> taken = List.copyOf(wanted);
    wanted.clear();
    return taken;
  }

  // ---- exchanges and queues ----

  /// The exchange of that name, durable or not: of this shard.
  public Optional<Exchange> exchange(String name) {
    return find(Entry.Kind.EXCHANGE, name).map(Exchange.class::cast);
  }

  /// Whether `exchange`, which may be another shard's, is there and durable.
  public boolean isShown(Exchange exchange) {
    return directory
        .exchange(exchange.name())
        .filter(it -> it.number() == exchange.number())
        .isPresent();
  }

  /// The queue of that name, durable or not.
  public Optional<Queue> queue(String name) {
    return find(Entry.Kind.QUEUE, name).map(Queue.class::cast);
  }

  /// The binding with that key, durable or not.
  public Optional<Binding> binding(String key) {
    return find(Entry.Kind.BINDING, key).map(Binding.class::cast);
  }

  /// The bindings of `queue`, durable or not, in no order.
  public List<Binding> bindingsOf(Queue queue) {
    Map<String, Binding> bindings = new HashMap<>();
    directory.bindingsOf(queue).forEach(binding -> bindings.put(binding.key(), binding));
    overlay(
        Entry.Kind.BINDING,
        Binding.class,
        bindings,
        binding -> binding.incarnation() == queue.incarnation());
    return List.copyOf(bindings.values());
  }

  /// Why no further exchange may be created, if so.
  public Optional<String> noRoomForExchange() {
    return noRoom(
        "exchanges",
        directory.exchanges().size() + changed(Entry.Kind.EXCHANGE).size(),
        limits.exchanges().exchanges());
  }

  /// Why no further queue may be created, if so.
  public Optional<String> noRoomForQueue() {
    return noRoom(
        "queues",
        directory.queues().size() + changed(Entry.Kind.QUEUE).size(),
        limits.exchanges().queues());
  }

  /// Why no further binding may be made, if so.
  public Optional<String> noRoomForBinding() {
    return noRoom(
        "bindings",
        directory.bindings().size() + changed(Entry.Kind.BINDING).size(),
        limits.exchanges().bindings());
  }

  // Those that other shards are about to create are not seen: the bound is kept to within a few.
  private static Optional<String> noRoom(String what, int present, int limit) {
    return present < limit
        ? Optional.empty()
        : Optional.of(
            "there are "
                + present
                + " "
                + what
                + " (limit: "
                + limit
                + "); use one of them, or delete one that is not needed");
  }

  /// Creates an exchange; empty if no numbers are left.
  public Optional<Exchange> createExchange(String name, Exchange.Type type, String ownerId) {
    OptionalInt number = nextNumber();
    if (number.isEmpty()) {
      return Optional.empty();
    }
    Exchange exchange = new Exchange(name, number.getAsInt(), type, ownerId, time.wallMs());
    put(exchange);
    return Optional.of(exchange);
  }

  /// Creates a queue, whose name was claimed by [#claim], with its topic and its subscription;
  /// empty if no numbers are left.
  public Optional<Queue> createQueue(CreateQueue asked) {
    OptionalInt ofLog = nextNumber();
    OptionalInt ofSubscription = nextNumber();
    if (ofSubscription.isEmpty() || ofLog.isEmpty()) {
      releaseName(asked.name());
      return Optional.empty();
    }
    Topic topic =
        putTopic(
            ofLog.getAsInt(),
            Queue.topicOf(asked.name()),
            asked.ownerId(),
            /* isPublic= */ false,
            Optional.empty(),
            TopicRetention.DEFAULT);
    TopicLog log = logs.find(topic.incarnation()).orElseThrow();
    Subscription subscription =
        putSubscription(
            ofSubscription.getAsInt(),
            asked.name(),
            topic,
            asked.ownerId(),
            Optional.empty(),
            asked.policy(),
            log.nextSequence());
    if (!asked.durable()) {
      store.begin(topic.incarnation());
      store.begin(subscription.number());
    }
    // Nothing of it is in the store yet, and without a filter nothing has to be loaded.
    Optional<Long> prioritisedFrom =
        asked.mode() == Queue.Mode.WORK ? Optional.of(log.nextSequence()) : Optional.empty();
    Optional<Load> _ = subscriptions.open(subscription, log, prioritisedFrom, List.of());
    Queue queue =
        new Queue(
            asked.name(),
            topic.incarnation(),
            asked.durable(),
            asked.mode(),
            asked.bounds(),
            asked.ownerId(),
            time.wallMs());
    put(queue);
    return Optional.of(queue);
  }

  /// Whether what lies under `number` is a transient queue's, kept in memory alone.
  public boolean isInMemory(int number) {
    return store.keeps(number);
  }

  /// Whether transient queues may take so many more copies of a message of `bytes`, of which all
  /// share the bytes.
  public boolean hasTransientRoom(long bytes, int copies) {
    return store.bytes() + bytes + copies * TransientStore.OVERHEAD
        <= limits.exchanges().transientBytes();
  }

  /// Whether a transient queue that drops its oldest for a message may put it where there is no
  /// room: what it drops need not be as large.
  public boolean mayExceedTransientMemory() {
    long max = limits.exchanges().transientBytes();
    return store.bytes() <= max + max / TOLERANCE;
  }

  /// What can be let go of in transient logs, since subscriptions have settled it by `records`.
  List<StoreRecord> settledInMemory(List<StoreRecord> records) {
    List<StoreRecord> trims = new ArrayList<>();
    for (StoreRecord record : records) {
      if (record instanceof StoreRecord.DeliveryChanged changedDelivery) {
        subscriptions
            .subscription(changedDelivery.number())
            .ifPresent(subscription -> {
              long pin = subscriptions.find(subscription.number()).orElseThrow().pin();
              logs.find(subscription.incarnation())
                  .filter(log -> pin > log.firstRetained())
                  .ifPresent(log ->
                      trims.add(
                          new StoreRecord.LogTrimmed(subscription.slot(), log.incarnation(), pin)));
              // A message that waits does not keep those behind it. What a broadcast queue holds,
              // others may still read.
              boolean isWork =
                  queue(subscription.id())
                      .filter(queue -> queue.mode() == Queue.Mode.WORK)
                      .isPresent();
              List<SequenceRange> behind =
                  changedDelivery.change().settled().stream()
                      .filter(range -> range.last() >= pin)
                      .toList();
              if (isWork && !behind.isEmpty()) {
                trims.add(
                    new StoreRecord.DeadLettersRemoved(
                        subscription.slot(), subscription.incarnation(), behind));
              }
            });
      }
    }
    return trims;
  }

  // ---- scheduled messages ----

  /// Those that are due soon.
  public Schedule schedule() {
    return schedule;
  }

  /// Why `more` messages may not be scheduled, if so.
  public Optional<String> noRoomForScheduled(int more) {
    return waiting.noRoomFor(more);
  }

  /// Stores messages until they are due.
  ///
  /// @param messages one or more, all with the time when they are due
  public List<ScheduledMessage> schedule(Topic topic, List<NewMessage> messages) {
    List<ScheduledMessage> scheduled = new ArrayList<>(messages.size());
    for (NewMessage message : messages) {
      scheduled.add(
          new ScheduledMessage(topic.name(), topic.incarnation(), waiting.nextNumber(), message));
    }
    schedule.scheduled(scheduled);
    emitted.add(new StoreRecord.MessagesScheduled(topic.slot(), scheduled));
    return scheduled;
  }

  /// Stores that messages wait no longer, which the schedule knows.
  public void unschedule(int slot, List<ScheduledId> ids, ScheduledRemoved.Why why) {
    emitted.add(new ScheduledRemoved(slot, ids, why));
  }

  /// Stores that messages have left the outbox.
  public void takeFromOutbox(int slot, List<Long> ids) {
    emitted.add(new StoreRecord.OutboxTaken(slot, ids));
  }

  /// Removes what was scheduled for a topic that is gone. If that fails, it is removed when it is
  /// due.
  private void abandonScheduled(Topic topic, ScheduledId from) {
    if (waiting.count() == 0) {
      return;
    }
    own.submit(
        new AbandonScheduled(topic.slot(), topic.incarnation(), from),
        outcome -> {
          if (outcome instanceof Outcome.Done<Optional<ScheduledId>>(Optional<ScheduledId> next)) {
            next.ifPresent(it -> abandonScheduled(topic, it));
          }
        });
  }

  // ---- streams ----

  /// Those that are in memory.
  public Streams streams() {
    return streams;
  }

  /// The stream of that id that keeps messages, durable or not.
  public Optional<DurableStream> stream(String id) {
    return find(Entry.Kind.STREAM, id).map(DurableStream.class::cast);
  }

  /// The signing key of that name, durable or not.
  public Optional<SigningKey> signingKey(String name) {
    return find(Entry.Kind.KEY, name).map(SigningKey.class::cast);
  }

  /// Whether `stream` is there just so, durable or not.
  public boolean isPresent(DurableStream stream) {
    return stream(stream.name()).filter(it -> it.number() == stream.number()).isPresent();
  }

  /// Why no further stream may keep messages, if so.
  public Optional<String> noRoomForDurableStream() {
    int present = directory.streams().size();
    for (Map.Entry<String, Changed> each : changed(Entry.Kind.STREAM).entrySet()) {
      boolean isShown = directory.stream(each.getKey()).isPresent();
      if (each.getValue().now().isPresent() != isShown) {
        present += isShown ? -1 : 1;
      }
    }
    return noRoom("streams that keep messages", present, limits.streams().maxDurable());
  }

  /// Takes the log of a stream into memory, if it is still there.
  public void loadStream(DurableStream stream, LogExtent extent, StoredUuids uuids) {
    if (isPresent(stream) && logs.find(stream.number()).isEmpty()) {
      logs.put(new TopicLog(stream.name(), stream.number(), extent, tier));
      streams.recall(stream.name(), uuids);
    }
  }

  /// Stores that the messages of `stream` below `firstRetained` are no longer retained.
  public void trim(DurableStream stream, long firstRetained) {
    emitted.add(new StoreRecord.LogTrimmed(stream.slot(), stream.number(), firstRetained));
  }

  private Optional<DurableStream> createStream(String id) {
    int number = lastStreamNumber.incrementAndGet();
    if (number < DurableStream.FIRST_NUMBER) {
      lastStreamNumber.decrementAndGet();
      return Optional.empty();
    }
    DurableStream stream = new DurableStream(id, number, time.wallMs());
    logs.put(new TopicLog(id, number, LogExtent.EMPTY, tier));
    put(stream);
    return Optional.of(stream);
  }

  private final class StreamHost implements Streams.Host {
    private final Own own;

    private StreamHost(Own own) {
      this.own = own;
    }

    @Override
    public Optional<Streams.Appended> append(Sending sending) {
      return stream(sending.stream())
          .or(() -> createStream(sending.stream()))
          .map(stream -> {
            TopicLog log = logs.find(stream.number()).orElseThrow();
            NewMessage message =
                new NewMessage(
                    sending.payload(),
                    StoredUuids.metadata(sending.uuid()),
                    sending.storeForMs().orElseThrow());
            Message appended =
                ShardState.this.append(stream.slot(), log, List.of(message)).getFirst();
            return new Streams.Appended(stream.number(), appended);
          });
    }

    @Override
    public void release(String id) {
      stream(id)
          .flatMap(stream -> logs.find(stream.number()))
          .filter(log -> !log.hasUncommitted())
          .ifPresent(log -> {
            log.discard();
            logs.remove(log.incarnation());
          });
    }

    @Override
    public <R> void submit(Command<R> command, java.util.function.Consumer<Outcome<R>> reply) {
      own.submit(command, reply);
    }

    @Override
    public void after(long delayNs, Runnable task) {
      own.after(delayNs, task);
    }
  }

  // ---- all entries ----

  /// Whether there is a topic of that name whose log has that number, durable or not.
  public boolean isPresent(String topic, int incarnation) {
    return topic(topic).filter(it -> it.incarnation() == incarnation).isPresent();
  }

  /// Whether `entry` is there just so, durable or not.
  public boolean isPresent(Entry entry) {
    return find(entry.kind(), entry.key()).equals(Optional.of(entry));
  }

  /// The consumers of `topic`, durable or not, in no order.
  public List<Consumer> consumersOf(Topic topic) {
    Map<String, Consumer> consumers = new HashMap<>();
    for (Consumer consumer : directory.consumers(topic.incarnation())) {
      consumers.put(consumer.key(), consumer);
    }
    overlay(
        Entry.Kind.CONSUMER,
        Consumer.class,
        consumers,
        consumer -> consumer.incarnation() == topic.incarnation());
    return List.copyOf(consumers.values());
  }

  /// Puts what has changed over what is durable.
  private <E extends Entry> void overlay(
      Entry.Kind kind, Class<E> type, Map<String, E> durable, Predicate<E> counts) {
    changed(kind)
        .forEach((key, change) -> {
          Optional<Entry> entry = change.now();
          if (entry.isEmpty()) {
            durable.remove(key);
          } else {
            E now = type.cast(entry.get());
            if (counts.test(now)) {
              durable.put(key, now);
            }
          }
        });
  }

  /// Why the entry of that kind and key cannot be used, if it is damaged.
  public Optional<String> damage(Entry.Kind kind, String key) {
    return directory.damage(kind, key);
  }

  /// Why the queue of that name cannot be used, if something of it is damaged.
  public Optional<String> damageOfQueue(String name) {
    return directory.damageOfQueue(name);
  }

  /// The log with number `incarnation`, if it is in memory.
  public Optional<TopicLog> log(int incarnation) {
    return logs.find(incarnation);
  }

  /// Why no further topic may be created, if so.
  public Optional<String> noRoomForTopic() {
    // Those that other shards are about to create are not seen: the bound is kept to within a few.
    int topics = directory.topicCount() + changed(Entry.Kind.TOPIC).size();
    return topics < limits.topics()
        ? Optional.empty()
        : Optional.of(
            "there are " + topics + " topics (limit: " + limits.topics() + "); use one of them");
  }

  /// Why `topic` may be granted to no further user, if so.
  public Optional<String> noRoomForGrant(Topic topic) {
    return topic.grantees().size() < limits.grantsPerTopic()
        ? Optional.empty()
        : Optional.of(
            "topic '"
                + topic.name()
                + "' is granted to "
                + topic.grantees().size()
                + " users (limit: "
                + limits.grantsPerTopic()
                + "); make it public, or use another");
  }

  /// Creates a topic with a log of its own; empty if no numbers are left.
  public Optional<Topic> createTopic(
      String name,
      String ownerId,
      boolean isPublic,
      Optional<String> description,
      TopicRetention retention) {
    OptionalInt number = nextNumber();
    if (number.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        putTopic(number.getAsInt(), name, ownerId, isPublic, description, retention));
  }

  private Topic putTopic(
      int incarnation,
      String name,
      String ownerId,
      boolean isPublic,
      Optional<String> description,
      TopicRetention retention) {
    Topic topic =
        new Topic(
            name, incarnation, ownerId, isPublic, description, time.wallMs(), Set.of(), retention);
    TopicLog log = new TopicLog(name, incarnation, LogExtent.EMPTY, tier);
    logs.put(log);
    put(topic);
    return topic;
  }

  /// The next number for a log or subscription; empty if none are left.
  private OptionalInt nextNumber() {
    int number = lastIncarnation.incrementAndGet();
    return number > MessageId.MAX_INCARNATION || number < 0
        ? OptionalInt.empty()
        : OptionalInt.of(number);
  }

  /// Stores a new or changed entry.
  public void put(Entry entry) {
    change(entry, Optional.of(entry));
    emitted.add(new StoreRecord.EntryPut(entry));
  }

  /// Removes an entry, and with it everything in its log, if it has one. Nothing may be appended to
  /// that log afterwards.
  public void remove(Entry entry) {
    change(entry, Optional.empty());
    emitted.add(new StoreRecord.EntryRemoved(entry));
  }

  /// Appends messages to the log of `topic`; all get the same timestamp.
  ///
  /// @param messages one or more
  public List<Message> append(Topic topic, TopicLog log, List<NewMessage> messages) {
    return append(topic.slot(), log, messages);
  }

  private List<Message> append(int slot, TopicLog log, List<NewMessage> messages) {
    long messagesBefore = log.messagesEver();
    long bytesBefore = log.bytesEver();
    long now = time.wallMs();
    List<Message> appended = new ArrayList<>(messages.size());
    for (NewMessage message : messages) {
      appended.add(log.append(message, now));
    }
    changedLogs.add(log);
    emitted.add(
        new StoreRecord.MessagesAppended(
            slot, log.incarnation(), messagesBefore, bytesBefore, appended));
    return appended;
  }

  /// Stores that the messages of `topic` below `firstRetained` are no longer retained.
  public void trim(Topic topic, long firstRetained) {
    emitted.add(
        new StoreRecord.LogTrimmed(
            Slot.of(Slot.Kind.TOPIC, topic.name()), topic.incarnation(), firstRetained));
  }

  // ---- requests under idempotency keys ----

  /// What is known of a request under an idempotency key.
  public Receipts.Known find(KeyedRequest request) {
    return receipts.find(request, time.wallMs());
  }

  /// Claims the key of `request` for it: the last thing to do before it is carried out.
  public Receipts.Known claim(KeyedRequest request) {
    return receipts.claim(request, time.wallMs());
  }

  /// Gives up the claim of `request`, which is not carried out.
  public void release(KeyedRequest request) {
    receipts.release(request);
  }

  /// Stores that `request`, whose key was claimed, has published the messages with `ids` to
  /// `topic`.
  public void keepReceipt(KeyedRequest request, Topic topic, List<PublishedId> ids) {
    Receipt receipt =
        Receipt.of(
            topic.slot(), request, receipts.expiryOf(time.wallMs()), topic.incarnation(), ids);
    receipts.keep(receipt);
    uncommittedReceipts.add(receipt);
    emitted.add(new StoreRecord.ReceiptKept(receipt));
  }

  /// Lets the store forget receipts of `slot` that were kept until before `expiredBefore`.
  public void forgetReceipts(int slot, long expiredBefore) {
    emitted.add(new StoreRecord.ReceiptsExpired(slot, expiredBefore));
  }

  /// Takes the records emitted since the last call.
  List<StoreRecord> takeEmitted() {
    if (emitted.isEmpty()) {
      return List.of();
    }
    List<StoreRecord> taken = emitted;
    emitted = new ArrayList<>();
    return taken;
  }

  /// Adds a log that was loaded from the store.
  TopicLog load(String topic, int incarnation, LogExtent extent) {
    TopicLog log = new TopicLog(topic, incarnation, extent, tier);
    logs.put(log);
    schedule.opened(incarnation);
    return log;
  }

  /// Forgets the changes of `records`, which are durable: the directory shows them.
  void settle(List<StoreRecord> records) {
    for (StoreRecord record : records) {
      try {
        settle(record);
      } catch (RuntimeException e) {
        // What a filter or somebody who waits does wrong must not keep the others from theirs.
        LOG.error("what is durable was not taken in: {}", record.getClass().getSimpleName(), e);
      }
    }
  }

  private void settle(StoreRecord record) {
    switch (record) {
      case StoreRecord.EntryPut put -> {
        settle(put.entry());
        if (put.entry() instanceof Subscription subscription) {
          releaseName(subscription.id());
        }
      }
      case StoreRecord.EntryRemoved removed -> {
        settle(removed.entry());
        removed.entry().ownNumber().ifPresent(this::discard);
        if (removed.entry() instanceof Topic topic) {
          abandonScheduled(topic, ScheduledId.FIRST);
        }
      }
      case StoreRecord.MessagesAppended appended -> {
        logs.find(appended.incarnation())
            .filter(log -> !log.hasUncommitted())
            .ifPresent(changedLogs::remove);
        if (appended.incarnation() >= DurableStream.FIRST_NUMBER) {
          streams.appended(appended.incarnation(), appended.messages());
        } else {
          subscriptions.appended(appended.incarnation(), appended.messages());
        }
      }
      case StoreRecord.DeliveryChanged delivered ->
          subscriptions.committed(delivered.number(), delivered.change().ordinal());
      case StoreRecord.MessagesScheduled scheduled -> schedule.committed(scheduled.messages());
      case StoreRecord.ScheduledRemoved removal -> schedule.committed(removal);
      case StoreRecord.ReceiptKept kept -> uncommittedReceipts.remove(kept.receipt());
      case StoreRecord.LogTrimmed _,
          StoreRecord.ReceiptsExpired _,
          StoreRecord.OutboxTaken _,
          StoreRecord.DeadLettersKept _,
          StoreRecord.DeadLettersRemoved _ -> {}
    }
  }

  private void settle(Entry entry) {
    changed(entry.kind())
        .computeIfPresent(
            entry.key(),
            (_, change) ->
                change.unsettled() == 1 ? null : new Changed(change.now(), change.unsettled() - 1));
  }

  /// Goes back to what is durable: everything changed since has not been written and never will be.
  void revert() {
    changedLogs.forEach(TopicLog::revert);
    changedLogs.clear();
    for (Map<String, Changed> ofKind : changed.values()) {
      for (Changed change : ofKind.values()) {
        change
            .now()
            .filter(this::isUndone)
            .ifPresent(undone -> undone.ownNumber().ifPresent(this::discard));
      }
      ofKind.clear();
    }
    // Also of those that were removed again at once, which are not among the changed entries.
    claimedNames.forEach(names::release);
    claimedNames.clear();
    subscriptions.revert();
    streams.revert();
    schedule.revert();
    uncommittedReceipts.forEach(receipts::forget);
    uncommittedReceipts.clear();
    emitted.clear();
  }

  /// Whether `entry` was created by what is undone, so that nobody can read its log.
  private boolean isUndone(Entry entry) {
    return !directory
        .find(entry.kind(), entry.key())
        .map(Entry::ownNumber)
        .equals(Optional.of(entry.ownNumber()));
  }

  /// Lets go of what lives under `number`, a log or a subscription.
  private void discard(int number) {
    subscriptions.discard(number);
    store.end(number);
    logs.find(number)
        .ifPresent(log -> {
          changedLogs.remove(log);
          log.discard();
          logs.remove(number);
        });
  }
}
