// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.HotTier;
import dev.tidings.core.log.Logs;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.Payload;
import dev.tidings.core.slot.Slot;
import dev.tidings.core.store.LogExtent;
import dev.tidings.core.store.StoreRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/// What one shard knows, durable or not, and the records of what the command being handled has
/// changed.
///
/// Entries that are durable are in the directory; this holds only those changed since. Logs in
/// memory are in [Logs]. Touched by the shard's executor alone.
public final class ShardState {
  private final TimeSource time;
  private final Directory directory;
  private final Logs logs;
  private final HotTier tier;
  private final AtomicInteger lastIncarnation;
  private final Node.Limits limits;

  private final Map<String, Topic> changedTopics = new HashMap<>();
  private final Map<String, User> changedUsers = new HashMap<>();
  private final Set<TopicLog> changedLogs = new HashSet<>();
  private List<StoreRecord> emitted = new ArrayList<>();

  ShardState(
      TimeSource time,
      Directory directory,
      Logs logs,
      HotTier tier,
      AtomicInteger lastIncarnation,
      Node.Limits limits) {
    this.time = time;
    this.directory = directory;
    this.logs = logs;
    this.tier = tier;
    this.lastIncarnation = lastIncarnation;
    this.limits = limits;
  }

  /// The time of the command.
  public TimeSource time() {
    return time;
  }

  /// The topic of that name, durable or not.
  public Optional<Topic> topic(String name) {
    Topic changed = changedTopics.get(name);
    return changed != null ? Optional.of(changed) : directory.topic(name);
  }

  /// The user of that name, durable or not.
  public Optional<User> user(String username) {
    User changed = changedUsers.get(username);
    return changed != null ? Optional.of(changed) : directory.userByName(username);
  }

  /// Why the entry of that name cannot be used, if it is damaged.
  public Optional<String> damage(Slot.Kind kind, String name) {
    return directory.damage(kind, name);
  }

  /// The log with number `incarnation`, if it is in memory.
  public Optional<TopicLog> log(int incarnation) {
    return logs.find(incarnation);
  }

  /// Why no further topic may be created, if so.
  public Optional<String> noRoomForTopic() {
    // Those that other shards are about to create are not seen: the bound is kept to within a few.
    int topics = directory.topics().size() + changedTopics.size();
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
      String name, String ownerId, boolean isPublic, Optional<String> description) {
    int incarnation = lastIncarnation.incrementAndGet();
    if (incarnation > MessageId.MAX_INCARNATION || incarnation < 0) {
      return Optional.empty();
    }
    Topic topic =
        new Topic(name, incarnation, ownerId, isPublic, description, time.wallMs(), Set.of());
    TopicLog log = new TopicLog(name, incarnation, LogExtent.EMPTY, tier);
    logs.put(log);
    put(topic);
    return Optional.of(topic);
  }

  /// Stores a new or changed topic.
  public void put(Topic topic) {
    changedTopics.put(topic.name(), topic);
    emitted.add(new StoreRecord.TopicPut(topic));
  }

  /// Stores a new or changed user.
  public void put(User user) {
    changedUsers.put(user.username(), user);
    emitted.add(new StoreRecord.UserPut(user));
  }

  /// Appends messages to the log of `topic`.
  ///
  /// @param messages one or more
  public List<Message> append(Topic topic, TopicLog log, List<NewMessage> messages) {
    long messagesBefore = log.messagesEver();
    long bytesBefore = log.bytesEver();
    List<Message> appended = new ArrayList<>(messages.size());
    for (NewMessage message : messages) {
      appended.add(log.append(message.payload(), message.metadata(), message.ttlMs(), time));
    }
    changedLogs.add(log);
    emitted.add(
        new StoreRecord.MessagesAppended(
            Slot.of(Slot.Kind.TOPIC, topic.name()),
            log.incarnation(),
            messagesBefore,
            bytesBefore,
            appended));
    return appended;
  }

  /// Stores that the messages of `topic` below `firstRetained` are no longer retained.
  public void trim(Topic topic, long firstRetained) {
    emitted.add(
        new StoreRecord.LogTrimmed(
            Slot.of(Slot.Kind.TOPIC, topic.name()), topic.incarnation(), firstRetained));
  }

  /// A message to append.
  ///
  /// @param payload one JSON value
  /// @param metadata a JSON object of strings, or empty
  /// @param ttlMs how long it may be delivered, in milliseconds; [Message#NEVER] for ever
  public record NewMessage(Payload payload, Payload metadata, long ttlMs) {}

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
  TopicLog load(Topic topic, LogExtent extent) {
    TopicLog log = new TopicLog(topic.name(), topic.incarnation(), extent, tier);
    logs.put(log);
    return log;
  }

  /// Forgets the changes of `records`, which are durable: the directory shows them.
  void settle(List<StoreRecord> records) {
    for (StoreRecord record : records) {
      switch (record) {
        case StoreRecord.TopicPut put -> changedTopics.remove(put.topic().name(), put.topic());
        case StoreRecord.UserPut put -> changedUsers.remove(put.user().username(), put.user());
        case StoreRecord.MessagesAppended appended ->
            logs.find(appended.incarnation())
                .filter(log -> !log.hasUncommitted())
                .ifPresent(changedLogs::remove);
        case StoreRecord.LogTrimmed _ -> {}
      }
    }
  }

  /// Goes back to what is durable: everything changed since has not been written and never will be.
  void revert() {
    for (Topic topic : changedTopics.values()) {
      Optional<Topic> durable = directory.topic(topic.name());
      if (durable.isEmpty() || durable.get().incarnation() != topic.incarnation()) {
        // Created by what is undone, so nobody can read its log.
        logs.find(topic.incarnation()).ifPresent(this::discard);
      }
    }
    changedTopics.clear();
    changedUsers.clear();
    changedLogs.forEach(TopicLog::revert);
    changedLogs.clear();
    emitted.clear();
  }

  private void discard(TopicLog log) {
    log.revert();
    logs.remove(log.incarnation());
  }
}
