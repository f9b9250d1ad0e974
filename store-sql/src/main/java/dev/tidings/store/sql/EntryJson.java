// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

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
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import tools.jackson.core.JsonGenerator;

/// The JSON of the directory's entries: an object that says all of an entry but its kind and key.
///
/// What an entry does not say is left out. The numbers of logs are called `log`, as in the other
/// tables; names of other entries are spelled as these entries' keys are ([Texts]). Members that
/// are not known are passed over.
final class EntryJson {
  private EntryJson() {}

  /// The kind that `word` stands for; empty for one that a newer program knows.
  static Optional<Entry.Kind> kind(String word) {
    return Stream.of(Entry.Kind.values()).filter(kind -> kind.word().equals(word)).findFirst();
  }

  /// The compact JSON of `entry`.
  static String write(Entry entry) {
    return Json.write(out -> {
      out.writeStartObject();
      switch (entry) {
        case Topic topic -> write(out, topic);
        case User user -> write(out, user);
        case Login login -> write(out, login);
        case Consumer consumer -> write(out, consumer);
        case Subscription subscription -> write(out, subscription);
        case Client client -> write(out, client);
        case DurableStream stream -> write(out, stream);
        case SigningKey signingKey -> write(out, signingKey);
        case Exchange exchange -> write(out, exchange);
        case Queue queue -> write(out, queue);
        case Binding binding -> write(out, binding);
      }
      out.writeEndObject();
    });
  }

  /// The entry that [#write] made `body` of.
  ///
  /// @param kind its word
  /// @param key the entry's own key, not as it is stored
  /// @throws IllegalArgumentException if it is not such a body, with the member that is wrong, what
  ///   was found and what was expected
  static Entry read(String kind, String key, String body) {
    Entry.Kind known =
        kind(kind)
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "kind: " + kind + " (expected: one that this version knows)"));
    Fields fields = Fields.of(body);
    return switch (known) {
      case TOPIC -> readTopic(key, fields);
      case USER -> readUser(key, fields);
      case LOGIN -> readLogin(key, fields);
      case CONSUMER -> readConsumer(key, fields);
      case SUBSCRIPTION -> readSubscription(key, fields);
      case CLIENT -> readClient(key, fields);
      case STREAM -> new DurableStream(key, fields.integer("log"), fields.number("created_at"));
      case KEY -> readSigningKey(key, fields);
      case EXCHANGE -> readExchange(key, fields);
      case QUEUE -> readQueue(key, fields);
      case BINDING -> readBinding(key, fields);
    };
  }

  // Topics

  private static void write(JsonGenerator out, Topic topic) {
    out.writeNumberProperty("log", topic.incarnation());
    out.writeStringProperty("owner_id", topic.ownerId());
    out.writeBooleanProperty("is_public", topic.isPublic());
    writeOptional(out, "description", topic.description());
    out.writeNumberProperty("created_at", topic.createdAt());
    out.writeArrayPropertyStart("grantees");
    topic.grantees().forEach(out::writeString);
    out.writeEndArray();
    writeOptional(out, "max_age_ms", topic.retention().maxAgeMs());
    writeOptional(out, "max_messages", topic.retention().maxMessages());
    writeOptional(out, "max_bytes", topic.retention().maxBytes());
  }

  private static Topic readTopic(String name, Fields fields) {
    return new Topic(
        name,
        fields.integer("log"),
        fields.text("owner_id"),
        fields.flag("is_public"),
        fields.optionalText("description"),
        fields.number("created_at"),
        new LinkedHashSet<>(fields.texts("grantees")),
        new TopicRetention(
            fields.optionalNumber("max_age_ms"),
            fields.optionalNumber("max_messages"),
            fields.optionalNumber("max_bytes")));
  }

  // Users

  private static void write(JsonGenerator out, User user) {
    out.writeStringProperty("id", user.id());
    writeOptional(out, "email", user.email());
    out.writeStringProperty("password_hash", user.passwordHash());
    out.writeArrayPropertyStart("permissions");
    user.permissions().forEach(permission -> out.writeString(Fields.word(permission)));
    out.writeEndArray();
    out.writeBooleanProperty("active", user.active());
    out.writeNumberProperty("created_at", user.createdAt());
    out.writeNumberProperty("token_version", user.tokenVersion());
  }

  private static User readUser(String username, Fields fields) {
    return new User(
        fields.text("id"),
        username,
        fields.optionalText("email"),
        fields.text("password_hash"),
        new LinkedHashSet<>(fields.constants("permissions", Permission.values())),
        fields.flag("active"),
        fields.number("created_at"),
        fields.integer("token_version"));
  }

  // Logins

  private static void write(JsonGenerator out, Login login) {
    out.writeStringProperty("user_id", login.userId());
    out.writeStringProperty("username", Texts.stored(login.username()));
    out.writeNumberProperty("issued_at", login.issuedAt());
    out.writeNumberProperty("expires_at", login.expiresAt());
    login.lastUsedAt().ifPresent(at -> out.writeNumberProperty("last_used_at", at));
    out.writeNumberProperty("generation", login.generation());
    out.writeStringProperty("hint", login.hint());
    login.revokedAt().ifPresent(at -> out.writeNumberProperty("revoked_at", at));
  }

  private static Login readLogin(String id, Fields fields) {
    return new Login(
        id,
        fields.text("user_id"),
        name(fields, "username"),
        fields.number("issued_at"),
        fields.number("expires_at"),
        boxed(fields.optionalNumber("last_used_at")),
        fields.integer("generation"),
        fields.text("hint"),
        boxed(fields.optionalNumber("revoked_at")));
  }

  // Consumers

  private static void write(JsonGenerator out, Consumer consumer) {
    out.writeStringProperty("topic", Texts.stored(consumer.topic()));
    out.writeNumberProperty("acked_sequence", consumer.ackedSequence());
    out.writeNumberProperty("acked_published_at", consumer.ackedTimestamp());
    out.writeNumberProperty("acked_at", consumer.ackedAt());
  }

  private static Consumer readConsumer(String key, Fields fields) {
    String[] parts = parts(key, "the number of the log, the id of the user and its own");
    return new Consumer(
        name(fields, "topic"),
        integer(key, parts[0]),
        parts[2],
        parts[1],
        fields.number("acked_sequence"),
        fields.number("acked_published_at"),
        fields.number("acked_at"));
  }

  // Subscriptions

  private static void write(JsonGenerator out, Subscription subscription) {
    out.writeNumberProperty("number", subscription.number());
    out.writeStringProperty("topic", Texts.stored(subscription.topic()));
    out.writeNumberProperty("log", subscription.incarnation());
    out.writeStringProperty("owner_id", subscription.ownerId());
    writeOptional(out, "filter", subscription.filter().map(Payload::text));
    out.writeNumberProperty("max_attempts", subscription.policy().maxAttempts());
    out.writeNumberProperty("backoff_min_ms", subscription.policy().backoffMinMs());
    out.writeNumberProperty("backoff_max_ms", subscription.policy().backoffMaxMs());
    writeOptional(out, "ack_deadline_ms", subscription.policy().ackDeadlineMs());
    out.writeNumberProperty("start", subscription.start());
    out.writeNumberProperty("created_at", subscription.createdAt());
  }

  private static Subscription readSubscription(String id, Fields fields) {
    return new Subscription(
        id,
        fields.integer("number"),
        name(fields, "topic"),
        fields.integer("log"),
        fields.text("owner_id"),
        fields.optionalText("filter").map(Payload::of),
        new DeliveryPolicy(
            fields.integer("max_attempts"),
            fields.number("backoff_min_ms"),
            fields.number("backoff_max_ms"),
            fields.optionalNumber("ack_deadline_ms")),
        fields.number("start"),
        fields.number("created_at"));
  }

  // Clients

  private static void write(JsonGenerator out, Client client) {
    out.writeStringProperty("name", client.name());
    out.writeStringProperty("scopes", client.scopes().text());
    out.writeStringProperty("secret_hash", client.secretHash());
    out.writeBooleanProperty("active", client.active());
    out.writeNumberProperty("token_version", client.tokenVersion());
    out.writeNumberProperty("created_at", client.createdAt());
    out.writeNumberProperty("updated_at", client.updatedAt());
  }

  private static Client readClient(String id, Fields fields) {
    return new Client(
        id,
        fields.text("name"),
        Scopes.stored(fields.text("scopes")),
        fields.text("secret_hash"),
        fields.flag("active"),
        fields.integer("token_version"),
        fields.number("created_at"),
        fields.number("updated_at"));
  }

  // Streams

  private static void write(JsonGenerator out, DurableStream stream) {
    out.writeNumberProperty("log", stream.number());
    out.writeNumberProperty("created_at", stream.createdAt());
  }

  // Signing keys

  private static void write(JsonGenerator out, SigningKey signingKey) {
    byte[] secret = new byte[signingKey.secret().size()];
    signingKey.secret().copyTo(secret, 0);
    out.writeStringProperty("secret", Base64.getEncoder().encodeToString(secret));
    out.writeNumberProperty("created_at", signingKey.createdAt());
  }

  private static SigningKey readSigningKey(String name, Fields fields) {
    String encoded = fields.text("secret");
    byte[] secret;
    try {
      secret = Base64.getDecoder().decode(encoded);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("secret: something else (expected: base64)", e);
    }
    return new SigningKey(name, Payload.wrap(secret), fields.number("created_at"));
  }

  // Exchanges, queues and bindings

  private static void write(JsonGenerator out, Exchange exchange) {
    out.writeNumberProperty("number", exchange.number());
    out.writeStringProperty("type", Fields.word(exchange.type()));
    out.writeStringProperty("owner_id", exchange.ownerId());
    out.writeNumberProperty("created_at", exchange.createdAt());
  }

  private static Exchange readExchange(String name, Fields fields) {
    return new Exchange(
        name,
        fields.integer("number"),
        fields.constant("type", Exchange.Type.values()),
        fields.text("owner_id"),
        fields.number("created_at"));
  }

  private static void write(JsonGenerator out, Queue queue) {
    out.writeNumberProperty("log", queue.incarnation());
    out.writeBooleanProperty("durable", queue.durable());
    out.writeStringProperty("mode", Fields.word(queue.mode()));
    writeOptional(out, "max_length", queue.bounds().maxLength());
    writeOptional(out, "message_ttl_ms", queue.bounds().messageTtlMs());
    out.writeStringProperty("overflow", Fields.word(queue.bounds().overflow()));
    out.writeStringProperty("owner_id", queue.ownerId());
    out.writeNumberProperty("created_at", queue.createdAt());
    out.writeBooleanProperty("prioritised", queue.prioritised());
  }

  private static Queue readQueue(String name, Fields fields) {
    return new Queue(
        name,
        fields.integer("log"),
        fields.flag("durable"),
        fields.constant("mode", Queue.Mode.values()),
        new Queue.Bounds(
            fields.optionalNumber("max_length"),
            fields.optionalNumber("message_ttl_ms"),
            fields.constant("overflow", Queue.Overflow.values())),
        fields.text("owner_id"),
        fields.number("created_at"),
        fields.flag("prioritised"));
  }

  private static void write(JsonGenerator out, Binding binding) {
    out.writeStringProperty("exchange", Texts.stored(binding.exchange()));
    out.writeStringProperty("type", Fields.word(binding.type()));
    out.writeStringProperty("queue", Texts.stored(binding.queue()));
    out.writeNumberProperty("created_at", binding.createdAt());
  }

  private static Binding readBinding(String key, Fields fields) {
    String[] parts = parts(key, "the numbers of the exchange and of the log, and the routing key");
    return new Binding(
        name(fields, "exchange"),
        integer(key, parts[0]),
        fields.constant("type", Exchange.Type.values()),
        name(fields, "queue"),
        integer(key, parts[1]),
        parts[2],
        fields.number("created_at"));
  }

  // Parts

  /// The key's parts before its first slash, between it and the second, and after that.
  private static String[] parts(String key, String expected) {
    String[] parts = key.split("/", 3);
    if (parts.length < 3) {
      throw new IllegalArgumentException(
          "key: " + key + " (expected: " + expected + ", with slashes between them)");
    }
    return parts;
  }

  private static int integer(String key, String part) {
    try {
      return Integer.parseInt(part);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "key: " + key + " (expected: a number in place of " + part + ")", e);
    }
  }

  private static String name(Fields fields, String name) {
    String stored = fields.text(name);
    try {
      return Texts.read(stored);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  private static void writeOptional(JsonGenerator out, String name, Optional<String> text) {
    text.ifPresent(present -> out.writeStringProperty(name, present));
  }

  private static void writeOptional(JsonGenerator out, String name, OptionalLong number) {
    number.ifPresent(present -> out.writeNumberProperty(name, present));
  }

  private static Optional<Long> boxed(OptionalLong number) {
    return number.isPresent() ? Optional.of(number.getAsLong()) : Optional.empty();
  }
}
