// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

final class EntryJsonTest {

  @Provide
  Arbitrary<String> texts() {
    return Generated.texts();
  }

  private static OptionalLong number(Optional<Long> number) {
    return number.map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }

  @Property(tries = 200)
  void topics_roundTrip(
      @ForAll("texts") String text,
      @ForAll int incarnation,
      @ForAll boolean isPublic,
      @ForAll boolean isDescribed,
      @ForAll long createdAt,
      @ForAll @Size(max = 5) List<@From("texts") String> grantees,
      @ForAll Optional<@LongRange Long> bound)
      throws Exception {
    assertRoundTrip(
        new Topic(
            text,
            incarnation,
            text,
            isPublic,
            isDescribed ? Optional.of(text) : Optional.empty(),
            createdAt,
            new LinkedHashSet<>(grantees),
            new TopicRetention(number(bound), OptionalLong.empty(), OptionalLong.of(0))));
  }

  @Property(tries = 200)
  void usersLoginsAndClients_roundTrip(
      @ForAll("texts") String text,
      @ForAll boolean hasEmail,
      @ForAll Set<Permission> permissions,
      @ForAll boolean active,
      @ForAll long time,
      @ForAll Optional<Long> at,
      @ForAll @IntRange(min = 0) int version)
      throws Exception {
    assertRoundTrip(
        new User(
            text,
            text,
            hasEmail ? Optional.of(text) : Optional.empty(),
            "$argon2id$…",
            permissions,
            active,
            time,
            version));
    assertRoundTrip(new Login("login-1", text, text, time, ~time, at, version, text, at));
    assertRoundTrip(
        new Client("id", text, Scopes.stored(text), text, active, version, time, ~time));
  }

  @Property(tries = 200)
  void consumers_roundTrip(@ForAll("texts") String text, @ForAll int log, @ForAll long any)
      throws Exception {
    String userId = text.replace("/", "");
    assertRoundTrip(new Consumer(text, log, text, userId, any, ~any, any));
    assertRoundTrip(new Consumer(text, log, "", "", any, ~any, any));
    assertRoundTrip(new Consumer(text, log, "a/b//", userId, any, ~any, any));
  }

  @Property(tries = 200)
  void subscriptions_roundTrip(
      @ForAll("texts") String text,
      @ForAll boolean isFiltered,
      @ForAll int number,
      @ForAll @IntRange(min = 1) int attempts,
      @ForAll @LongRange(min = 1) long any)
      throws Exception {
    // Filters are JSON as it came, and so are without halves of pairs.
    String filter = "{ \"a\\u0000\\ud800\":[\"ä\", 1.0e1 , \"\\\\\"]}";
    assertRoundTrip(
        new Subscription(
            text,
            number,
            text,
            ~number,
            text,
            isFiltered ? Optional.of(Payload.of(filter)) : Optional.empty(),
            new DeliveryPolicy(
                attempts, any, 0, isFiltered ? OptionalLong.of(any) : OptionalLong.empty()),
            any,
            -any));
  }

  @Property(tries = 200)
  void streamsAndSigningKeys_roundTrip(
      @ForAll("texts") String text,
      @ForAll @IntRange(min = DurableStream.FIRST_NUMBER) int number,
      @ForAll byte[] secret,
      @ForAll long time)
      throws Exception {
    assertRoundTrip(new DurableStream(text, number, time));
    assertRoundTrip(new SigningKey(text, Payload.wrap(secret), time));
  }

  @Property(tries = 200)
  void exchangesQueuesAndBindings_roundTrip(
      @ForAll("texts") String text,
      @ForAll int number,
      @ForAll Exchange.Type type,
      @ForAll Queue.Mode mode,
      @ForAll Queue.Overflow overflow,
      @ForAll Optional<@LongRange(min = 1) Long> bound,
      @ForAll boolean durable,
      @ForAll boolean prioritised,
      @ForAll long time)
      throws Exception {
    Queue.Bounds bounds = new Queue.Bounds(number(bound), number(bound), overflow);
    Queue queue = new Queue(text, number, durable, mode, bounds, text, time, prioritised);
    Exchange exchange = new Exchange(text, ~number, type, text, ~time);
    assertRoundTrip(queue);
    assertRoundTrip(exchange);
    for (String key : List.of("", "/", "a/b/", "#", text)) {
      assertRoundTrip(Binding.of(exchange, queue, key, time));
    }
  }

  private static void assertRoundTrip(Entry entry) throws Exception {
    String kind = entry.kind().word();
    assertThat(EntryJson.kind(kind)).contains(entry.kind());
    String body = EntryJson.write(entry);
    assertThat(body).doesNotContain("\0", "\n");
    StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(body));
    assertThat(EntryJson.read(kind, entry.key(), body)).isEqualTo(entry);
  }

  private static final Topic TOPIC =
      new Topic(
          "t\\1",
          7,
          "owner",
          true,
          Optional.of("of \"ä\"\0\uD800"),
          1_700_000_000_000L,
          new LinkedHashSet<>(List.of("b", "a")),
          new TopicRetention(OptionalLong.of(60_000), OptionalLong.empty(), OptionalLong.of(0)));

  private static final String BODY =
      "{\"log\":7,\"owner_id\":\"owner\",\"is_public\":true,"
          + "\"description\":\"of \\\"ä\\\"\\u0000\\uD800\",\"created_at\":1700000000000,"
          + "\"grantees\":[\"b\",\"a\"],\"max_age_ms\":60000,\"max_bytes\":0}";

  @Example
  void bodies_areForPeople() {
    assertThat(EntryJson.write(TOPIC)).isEqualTo(BODY);
    Exchange exchange = new Exchange("ex\\", 3, Exchange.Type.FANOUT, "o", 5);
    Queue queue =
        new Queue(
            "q",
            4,
            true,
            Queue.Mode.WORK,
            new Queue.Bounds(OptionalLong.of(5), OptionalLong.empty(), Queue.Overflow.DROP_OLDEST),
            "o",
            7);
    assertThat(EntryJson.write(queue))
        .isEqualTo(
            "{\"log\":4,\"durable\":true,\"mode\":\"work\",\"max_length\":5,"
                + "\"overflow\":\"drop-oldest\",\"owner_id\":\"o\",\"created_at\":7,"
                + "\"prioritised\":false}");
    assertThat(EntryJson.write(Binding.of(exchange, queue, "k", 8)))
        .isEqualTo(
            "{\"exchange\":\"ex\\\\\\\\\",\"type\":\"fanout\",\"queue\":\"q\",\"created_at\":8}");
  }

  @Example
  void membersThatAreNotKnown_arePassedOver_andNullsAreNotSaid() {
    String more = BODY.replaceFirst("\\{", "{\"note\":{\"by\":[\"me\"]},\"max_messages\":null,");
    assertThat(EntryJson.read("topic", "t\\1", more)).isEqualTo(TOPIC);
    String less = BODY.replaceFirst("\"description\":.*,\"created_at\"", "\"created_at\"");
    assertThat(((Topic) EntryJson.read("topic", "t\\1", less)).description()).isEmpty();
  }

  @Example
  void whatIsWrong_isNamedWithWhatWasFoundAndExpected() {
    assertWrong("\"log\":7,", "", "log: missing (expected: a whole number)");
    assertWrong("\"log\":7", "\"log\":null", "log: missing (expected: a whole number)");
    assertWrong("\"log\":7", "\"log\":\"7\"", "log: \"7\" (expected: a whole number");
    assertWrong("\"log\":7", "\"log\":7.5", "log: 7.5 (expected: a whole number");
    assertWrong("\"log\":7", "\"log\":2147483648", "log: 2147483648 (expected: a whole number");
    assertWrong("1700000000000", "99999999999999999999", "created_at: 9999");
    assertWrong("true", "1", "is_public: 1 (expected: true or false)");
    assertWrong("\"owner\"", "{}", "owner_id: {} (expected: a string)");
    assertWrong("[\"b\",\"a\"]", "\"b\"", "grantees: \"b\" (expected: an array of strings)");
    assertWrong("\"b\",", "1,", "grantees: 1 (expected: an array of strings)");
    assertWrong("60000", "-1", "maxAgeMs: -1 (expected: 1 or more");
    assertWrong(
        "60000", "\"" + "o".repeat(100) + "\"", "max_age_ms: \"" + "o".repeat(59) + "… (expected");
    assertWrong("{", "", "body: ");
    assertThatThrownBy(() -> EntryJson.read("topic", "t", "[1]"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("body: [1] (expected: an object)");
    assertThatThrownBy(() -> EntryJson.read("topic", "t", ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected: an object");
    assertThatThrownBy(() -> EntryJson.read("novelty", "t", "{}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("kind: novelty");
  }

  private static void assertWrong(String part, String instead, String message) {
    String body = BODY.replace(part, instead);
    assertThat(body).isNotEqualTo(BODY);
    assertThatThrownBy(() -> EntryJson.read("topic", "t\\1", body))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message)
        .hasMessageContaining("expected: ");
  }

  @Example
  void wordsKeysAndNamesThatCannotBe_areRefused() {
    String exchange = "{\"number\":1,\"type\":\"header\",\"owner_id\":\"o\",\"created_at\":1}";
    assertThatThrownBy(() -> EntryJson.read("exchange", "x", exchange))
        .hasMessage("type: \"header\" (expected: direct, fanout, topic)");
    String stream = "{\"log\":5,\"created_at\":1}";
    assertThatThrownBy(() -> EntryJson.read("stream", "s", stream))
        .hasMessageContaining("number of a stream");
    String consumer =
        "{\"topic\":\"%s\",\"acked_sequence\":1,\"acked_published_at\":1,\"acked_at\":1}";
    for (String key : List.of("", "1", "1/u", "x/u/c")) {
      assertThatThrownBy(() -> EntryJson.read("consumer", key, consumer.formatted("t")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("key: " + key + " (expected: ");
    }
    assertThatThrownBy(() -> EntryJson.read("consumer", "1/u/c", consumer.formatted("\\\\t")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("topic: ");
    assertThatThrownBy(
            () -> EntryJson.read("signing-key", "k", "{\"secret\":\"hush hush\",\"created_at\":1}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("secret: ")
        .hasMessageNotContaining("hush");
  }

  @Example
  void everyKind_hasAWordOfItsOwn() {
    assertThat(List.of(Entry.Kind.values()))
        .extracting(Entry.Kind::word)
        .doesNotHaveDuplicates()
        .contains("signing-key", "topic");
    assertThat(EntryJson.kind("Topic")).isEmpty();
  }
}
