// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import static dev.tidings.store.rocksdb.Codec.maxBytes;
import static dev.tidings.store.rocksdb.Codec.putPayload;
import static dev.tidings.store.rocksdb.Codec.putSigned;
import static dev.tidings.store.rocksdb.Codec.putText;
import static dev.tidings.store.rocksdb.Codec.putVarint;
import static dev.tidings.store.rocksdb.Codec.readPayload;
import static dev.tidings.store.rocksdb.Codec.readText;
import static dev.tidings.store.rocksdb.Codec.signed;
import static dev.tidings.store.rocksdb.Codec.varint;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.TopicRetention;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.Payload;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// The bytes of the directory's entries: their keys, and the bodies of their values.
///
/// A key is a letter for the kind and the entry's own key. Bodies grow at their end: what an older
/// program did not write is read as not said.
final class EntryCodec {
  private static final int NUMBERS = 128;

  // Flags of queues. They are on disks: never change or reuse one.
  private static final int DURABLE = 1;
  private static final int WORK = 2;
  private static final int REJECT = 4;
  private static final int PRIORITISED = 8;

  private EntryCodec() {}

  /// The letters are on disks: never change or reuse one.
  private static char letter(Entry.Kind kind) {
    return switch (kind) {
      case TOPIC -> 't';
      case USER -> 'u';
      case LOGIN -> 'l';
      case CONSUMER -> 'c';
      case SUBSCRIPTION -> 's';
      case CLIENT -> 'o';
      case STREAM -> 'm';
      case KEY -> 'k';
      case EXCHANGE -> 'x';
      case QUEUE -> 'q';
      case BINDING -> 'b';
    };
  }

  static byte[] key(Entry entry) {
    return key(entry.kind(), entry.key());
  }

  static byte[] key(Entry.Kind kind, String key) {
    byte[] utf8 = key.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(1 + utf8.length).put((byte) letter(kind)).put(utf8).array();
  }

  /// The kind of the entry with `key`; empty for one that a newer program knows.
  static Optional<Entry.Kind> kindOf(byte[] key) {
    for (Entry.Kind kind : Entry.Kind.values()) {
      if (key[0] == letter(kind)) {
        return Optional.of(kind);
      }
    }
    return Optional.empty();
  }

  /// The entry's own key in its key here.
  static String keyIn(byte[] key) {
    return new String(key, 1, key.length - 1, StandardCharsets.UTF_8);
  }

  static byte[] value(byte[] key, Entry entry) {
    return switch (entry) {
      case Topic topic -> topic(key, topic);
      case User user -> user(key, user);
      case Login login -> login(key, login);
      case Consumer consumer -> consumer(key, consumer);
      case Subscription subscription -> subscription(key, subscription);
      case Client client -> client(key, client);
      case DurableStream stream -> stream(key, stream);
      case SigningKey signingKey -> signingKey(key, signingKey);
      case Exchange exchange -> exchange(key, exchange);
      case Queue queue -> queue(key, queue);
      case Binding binding -> binding(key, binding);
    };
  }

  /// @param key the entry's own key
  static Entry read(Entry.Kind kind, String key, ByteBuffer body) {
    return switch (kind) {
      case TOPIC -> readTopic(key, body);
      case USER -> readUser(key, body);
      case LOGIN -> readLogin(key, body);
      case CONSUMER -> readConsumer(key, body);
      case SUBSCRIPTION -> readSubscription(key, body);
      case CLIENT -> readClient(key, body);
      case STREAM -> readStream(key, body);
      case KEY -> readSigningKey(key, body);
      case EXCHANGE -> readExchange(key, body);
      case QUEUE -> readQueue(key, body);
      case BINDING -> readBinding(key, body);
    };
  }

  // Topics

  private static byte[] topic(byte[] key, Topic topic) {
    int size =
        NUMBERS
            + maxBytes(topic.ownerId())
            + maxBytes(topic.description().orElse(""))
            + topic.grantees().stream().mapToInt(Codec::maxBytes).sum();
    return Codec.value(
        key,
        size,
        body -> {
          putVarint(body, topic.incarnation());
          putText(body, topic.ownerId());
          putBoolean(body, topic.isPublic());
          putOptional(body, topic.description());
          putSigned(body, topic.createdAt());
          putVarint(body, topic.grantees().size());
          topic.grantees().forEach(grantee -> putText(body, grantee));
          putOptional(body, topic.retention().maxAgeMs());
          putOptional(body, topic.retention().maxMessages());
          putOptional(body, topic.retention().maxBytes());
        });
  }

  private static Topic readTopic(String name, ByteBuffer body) {
    int incarnation = Math.toIntExact(varint(body));
    String ownerId = readText(body);
    boolean isPublic = body.get() != 0;
    Optional<String> description = readOptionalText(body);
    long createdAt = signed(body);
    int count = Codec.length(body, varint(body));
    Set<String> grantees = new LinkedHashSet<>();
    for (int i = 0; i < count; i++) {
      grantees.add(readText(body));
    }
    TopicRetention retention =
        body.hasRemaining()
            ? new TopicRetention(
                readOptionalNumber(body), readOptionalNumber(body), readOptionalNumber(body))
            : TopicRetention.DEFAULT;
    return new Topic(
        name, incarnation, ownerId, isPublic, description, createdAt, grantees, retention);
  }

  // Users

  private static byte[] user(byte[] key, User user) {
    int size =
        NUMBERS
            + maxBytes(user.id())
            + maxBytes(user.email().orElse(""))
            + maxBytes(user.passwordHash());
    return Codec.value(
        key,
        size,
        body -> {
          putText(body, user.id());
          putOptional(body, user.email());
          putText(body, user.passwordHash());
          int permissions = 0;
          for (Permission permission : user.permissions()) {
            permissions |= 1 << digit(permission);
          }
          putVarint(body, permissions);
          putBoolean(body, user.active());
          putSigned(body, user.createdAt());
          putVarint(body, user.tokenVersion());
        });
  }

  /// The digits are on disks: never change or reuse one.
  private static int digit(Permission permission) {
    return switch (permission) {
      case ADMIN -> 0;
      case READ -> 1;
      case WRITE -> 2;
    };
  }

  private static User readUser(String name, ByteBuffer body) {
    String id = readText(body);
    Optional<String> email = readOptionalText(body);
    String passwordHash = readText(body);
    long bits = varint(body);
    Set<Permission> permissions = EnumSet.noneOf(Permission.class);
    for (Permission permission : Permission.values()) {
      if ((bits & 1L << digit(permission)) != 0) {
        permissions.add(permission);
      }
    }
    boolean active = body.get() != 0;
    long createdAt = signed(body);
    int tokenVersion = body.hasRemaining() ? Math.toIntExact(varint(body)) : 0;
    return new User(id, name, email, passwordHash, permissions, active, createdAt, tokenVersion);
  }

  // Logins

  private static byte[] login(byte[] key, Login login) {
    int size =
        NUMBERS + maxBytes(login.userId()) + maxBytes(login.username()) + maxBytes(login.hint());
    return Codec.value(
        key,
        size,
        body -> {
          putText(body, login.userId());
          putText(body, login.username());
          putSigned(body, login.issuedAt());
          putSigned(body, login.expiresAt());
          putOptional(body, optionalLong(login.lastUsedAt()));
          putVarint(body, login.generation());
          putText(body, login.hint());
          putOptional(body, optionalLong(login.revokedAt()));
        });
  }

  private static Login readLogin(String id, ByteBuffer body) {
    return new Login(
        id,
        readText(body),
        readText(body),
        signed(body),
        signed(body),
        boxed(readOptionalNumber(body)),
        Math.toIntExact(varint(body)),
        readText(body),
        boxed(readOptionalNumber(body)));
  }

  // Consumers

  private static byte[] consumer(byte[] key, Consumer consumer) {
    int size = NUMBERS + maxBytes(consumer.topic());
    return Codec.value(
        key,
        size,
        body -> {
          putText(body, consumer.topic());
          putSigned(body, consumer.ackedSequence());
          putSigned(body, consumer.ackedTimestamp());
          putSigned(body, consumer.ackedAt());
        });
  }

  private static Consumer readConsumer(String key, ByteBuffer body) {
    int user = key.indexOf('/') + 1;
    int client = key.indexOf('/', user) + 1;
    return new Consumer(
        readText(body),
        Integer.parseInt(key.substring(0, user - 1)),
        key.substring(client),
        key.substring(user, client - 1),
        signed(body),
        signed(body),
        signed(body));
  }

  // Subscriptions

  private static byte[] subscription(byte[] key, Subscription subscription) {
    int size =
        NUMBERS
            + maxBytes(subscription.topic())
            + maxBytes(subscription.ownerId())
            + subscription.filter().map(Payload::size).orElse(0);
    return Codec.value(
        key,
        size,
        body -> {
          putVarint(body, subscription.number());
          putText(body, subscription.topic());
          putVarint(body, subscription.incarnation());
          putText(body, subscription.ownerId());
          putOptional(body, subscription.filter().map(Payload::text));
          putVarint(body, subscription.policy().maxAttempts());
          putVarint(body, subscription.policy().backoffMinMs());
          putVarint(body, subscription.policy().backoffMaxMs());
          putOptional(body, subscription.policy().ackDeadlineMs());
          putVarint(body, subscription.start());
          putSigned(body, subscription.createdAt());
        });
  }

  private static Subscription readSubscription(String id, ByteBuffer body) {
    return new Subscription(
        id,
        Math.toIntExact(varint(body)),
        readText(body),
        Math.toIntExact(varint(body)),
        readText(body),
        readOptionalText(body).map(Payload::of),
        new DeliveryPolicy(
            Math.toIntExact(varint(body)), varint(body), varint(body), readOptionalNumber(body)),
        varint(body),
        signed(body));
  }

  // Clients

  private static byte[] client(byte[] key, Client client) {
    int size =
        NUMBERS
            + maxBytes(client.name())
            + maxBytes(client.scopes().text())
            + maxBytes(client.secretHash());
    return Codec.value(
        key,
        size,
        body -> {
          putText(body, client.name());
          putText(body, client.scopes().text());
          putText(body, client.secretHash());
          putBoolean(body, client.active());
          putVarint(body, client.tokenVersion());
          putSigned(body, client.createdAt());
          putSigned(body, client.updatedAt());
        });
  }

  private static Client readClient(String id, ByteBuffer body) {
    return new Client(
        id,
        readText(body),
        Scopes.stored(readText(body)),
        readText(body),
        body.get() != 0,
        Math.toIntExact(varint(body)),
        signed(body),
        signed(body));
  }

  // Streams

  private static byte[] stream(byte[] key, DurableStream stream) {
    return Codec.value(
        key,
        NUMBERS,
        body -> {
          putVarint(body, stream.number());
          putSigned(body, stream.createdAt());
        });
  }

  private static DurableStream readStream(String name, ByteBuffer body) {
    return new DurableStream(name, Math.toIntExact(varint(body)), signed(body));
  }

  // Signing keys

  private static byte[] signingKey(byte[] key, SigningKey signingKey) {
    return Codec.value(
        key,
        NUMBERS + signingKey.secret().size(),
        body -> {
          putPayload(body, signingKey.secret());
          putSigned(body, signingKey.createdAt());
        });
  }

  private static SigningKey readSigningKey(String name, ByteBuffer body) {
    return new SigningKey(name, readPayload(body), signed(body));
  }

  // Exchanges, queues and bindings

  private static byte[] exchange(byte[] key, Exchange exchange) {
    return Codec.value(
        key,
        NUMBERS + maxBytes(exchange.ownerId()),
        body -> {
          putVarint(body, exchange.number());
          putVarint(body, digit(exchange.type()));
          putText(body, exchange.ownerId());
          putSigned(body, exchange.createdAt());
        });
  }

  /// The digits are on disks: never change or reuse one.
  private static int digit(Exchange.Type type) {
    return switch (type) {
      case DIRECT -> 0;
      case FANOUT -> 1;
      case TOPIC -> 2;
    };
  }

  private static Exchange.Type readType(ByteBuffer body) {
    long digit = varint(body);
    for (Exchange.Type type : Exchange.Type.values()) {
      if (digit(type) == digit) {
        return type;
      }
    }
    throw new IllegalArgumentException("type of an exchange: " + digit + " (expected: 0 to 2)");
  }

  private static Exchange readExchange(String name, ByteBuffer body) {
    return new Exchange(
        name, Math.toIntExact(varint(body)), readType(body), readText(body), signed(body));
  }

  private static byte[] queue(byte[] key, Queue queue) {
    return Codec.value(
        key,
        NUMBERS + maxBytes(queue.ownerId()),
        body -> {
          putVarint(body, queue.incarnation());
          putVarint(
              body,
              (queue.durable() ? DURABLE : 0)
                  | (queue.mode() == Queue.Mode.WORK ? WORK : 0)
                  | (queue.bounds().overflow() == Queue.Overflow.REJECT ? REJECT : 0)
                  | (queue.prioritised() ? PRIORITISED : 0));
          putOptional(body, queue.bounds().maxLength());
          putOptional(body, queue.bounds().messageTtlMs());
          putText(body, queue.ownerId());
          putSigned(body, queue.createdAt());
        });
  }

  private static Queue readQueue(String name, ByteBuffer body) {
    int incarnation = Math.toIntExact(varint(body));
    long flags = varint(body);
    Queue.Bounds bounds =
        new Queue.Bounds(
            readOptionalNumber(body),
            readOptionalNumber(body),
            (flags & REJECT) != 0 ? Queue.Overflow.REJECT : Queue.Overflow.DROP_OLDEST);
    return new Queue(
        name,
        incarnation,
        (flags & DURABLE) != 0,
        (flags & WORK) != 0 ? Queue.Mode.WORK : Queue.Mode.BROADCAST,
        bounds,
        readText(body),
        signed(body),
        (flags & PRIORITISED) != 0);
  }

  private static byte[] binding(byte[] key, Binding binding) {
    return Codec.value(
        key,
        NUMBERS + maxBytes(binding.exchange()) + maxBytes(binding.queue()),
        body -> {
          putText(body, binding.exchange());
          putVarint(body, digit(binding.type()));
          putText(body, binding.queue());
          putSigned(body, binding.createdAt());
        });
  }

  private static Binding readBinding(String key, ByteBuffer body) {
    int incarnation = key.indexOf('/') + 1;
    int routingKey = key.indexOf('/', incarnation) + 1;
    String exchange = readText(body);
    return new Binding(
        exchange,
        Integer.parseInt(key.substring(0, incarnation - 1)),
        readType(body),
        readText(body),
        Integer.parseInt(key.substring(incarnation, routingKey - 1)),
        key.substring(routingKey),
        signed(body));
  }

  // Parts

  private static void putBoolean(ByteBuffer body, boolean value) {
    body.put((byte) (value ? 1 : 0));
  }

  private static void putOptional(ByteBuffer body, Optional<String> text) {
    putBoolean(body, text.isPresent());
    text.ifPresent(present -> putText(body, present));
  }

  private static Optional<String> readOptionalText(ByteBuffer body) {
    return body.get() == 0 ? Optional.empty() : Optional.of(readText(body));
  }

  private static void putOptional(ByteBuffer body, OptionalLong number) {
    putBoolean(body, number.isPresent());
    number.ifPresent(present -> putSigned(body, present));
  }

  private static OptionalLong readOptionalNumber(ByteBuffer body) {
    return body.get() == 0 ? OptionalLong.empty() : OptionalLong.of(signed(body));
  }

  private static OptionalLong optionalLong(Optional<Long> number) {
    return number.map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }

  private static Optional<Long> boxed(OptionalLong number) {
    return number.isPresent() ? Optional.of(number.getAsLong()) : Optional.empty();
  }
}
