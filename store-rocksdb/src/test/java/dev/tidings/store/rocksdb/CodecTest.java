// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

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
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.DeliveryChange.Dead;
import dev.tidings.core.subscription.DeliveryChange.Outstanding;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import dev.tidings.core.subscription.SequenceRange;
import dev.tidings.store.rocksdb.Codec.RunHeader;
import dev.tidings.store.rocksdb.Codec.TrimMark;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

final class CodecTest {
  private static final int LOG = 9;

  @Property(tries = 300)
  void numbers_roundTrip(@ForAll long number) {
    ByteBuffer buffer = ByteBuffer.allocate(40);
    Codec.putVarint(buffer, number);
    assertThat(buffer.position()).isLessThanOrEqualTo(10);
    Codec.putSigned(buffer, number);
    buffer.flip();
    assertThat(Codec.varint(buffer)).isEqualTo(number);
    assertThat(Codec.signed(buffer)).isEqualTo(number);
    assertThat(buffer.hasRemaining()).isFalse();
  }

  @Property(tries = 300)
  void runKeys_sortLikeLogsAndSequences(
      @ForAll @IntRange int logA,
      @ForAll @LongRange(max = (1L << 48) - 1) long a,
      @ForAll @IntRange int logB,
      @ForAll @LongRange(max = (1L << 48) - 1) long b) {
    int expected = logA == logB ? Long.compare(a, b) : Integer.compare(logA, logB);
    int actual = Arrays.compareUnsigned(Codec.runKey(logA, a), Codec.runKey(logB, b));
    assertThat(Integer.signum(actual)).isEqualTo(expected);
    assertThat(Codec.sequenceOf(Codec.runKey(logA, a))).isEqualTo(a);
    int beforeEnd = Arrays.compareUnsigned(Codec.runKey(logA, a), Codec.runsEnd(logB));
    assertThat(beforeEnd < 0).isEqualTo(logA <= logB);
  }

  @Example
  void theHighestNumber_hasAnEndToo() {
    for (int number :
        new int[] {(1 << 26) - 1, 1 << 26, Integer.MAX_VALUE - 1, Integer.MAX_VALUE}) {
      byte[] last = Codec.runKey(number, Long.MAX_VALUE);
      assertThat(Arrays.compareUnsigned(last, Codec.runsEnd(number))).isNegative();
      assertThat(Arrays.compareUnsigned(Codec.runKey(number, 0), Codec.runsEnd(number - 1)))
          .isNotNegative();
      byte[] change = DeliveryCodec.key(number, Long.MAX_VALUE);
      assertThat(Arrays.compareUnsigned(change, DeliveryCodec.end(number))).isNegative();
      assertThat(Arrays.compareUnsigned(DeliveryCodec.end(number), new byte[] {'e'})).isNegative();
    }
  }

  @Provide
  Arbitrary<List<Message>> runs() {
    Arbitrary<Payload> payload =
        Arbitraries.bytes().array(byte[].class).ofMaxSize(300).map(Payload::wrap);
    Arbitrary<Long> expiry =
        Arbitraries.oneOf(Arbitraries.just(Message.NEVER), Arbitraries.longs());
    return Combinators.combine(Arbitraries.longs(), expiry, payload, payload)
        .as((timestamp, expiresAt, p, m) -> new Message(0, timestamp, expiresAt, p, m))
        .list()
        .ofMinSize(1)
        .ofMaxSize(20);
  }

  private static List<Message> numbered(List<Message> messages, long first) {
    List<Message> numbered = new ArrayList<>();
    for (Message message : messages) {
      numbered.add(
          new Message(
              first + numbered.size(),
              message.timestamp(),
              message.expiresAt(),
              message.payload(),
              message.metadata()));
    }
    return numbered;
  }

  private static ByteBuffer run(byte[] key, List<Message> messages) {
    long bytes = messages.stream().mapToLong(Message::size).sum();
    ByteBuffer target = ByteBuffer.allocate(Codec.maxRunBytes(messages.size(), bytes));
    Codec.putRun(target, key, 3, 17, 1 << 20, bytes, messages);
    return target;
  }

  @Property(tries = 150)
  void runs_roundTripFromEveryPlace(
      @ForAll("runs") List<Message> any, @ForAll @LongRange(min = 1, max = 1L << 40) long first)
      throws Exception {
    List<Message> messages = numbered(any, first);
    byte[] key = Codec.runKey(LOG, first);
    for (int skip = 0; skip <= messages.size(); skip++) {
      ByteBuffer value = run(key, messages);
      RunHeader header = Codec.openRun(key, value);
      assertThat(header.lapses()).isEqualTo(3);
      assertThat(header.messagesBefore()).isEqualTo(17);
      assertThat(header.bytesBefore()).isEqualTo(1 << 20);
      assertThat(header.lastSequence()).isEqualTo(messages.getLast().sequence());
      assertThat(header.lastTimestamp()).isEqualTo(messages.getLast().timestamp());
      PageBuilder page = new PageBuilder(Integer.MAX_VALUE, Long.MAX_VALUE);
      Codec.readRun(header, value, first + skip, page);
      assertThat(page.page().messages()).isEqualTo(messages.subList(skip, messages.size()));
    }
  }

  @Example
  void everyFlippedBitOfARun_isDamage() throws Exception {
    byte[] key = Codec.runKey(LOG, 5);
    List<Message> messages =
        List.of(
            new Message(5, 100, 300, Payload.of("{\"a\":1}"), Payload.of("{\"k\":\"v\"}")),
            new Message(6, 100, Message.NEVER, Payload.of("[]"), Payload.EMPTY));
    byte[] good = new byte[run(key, messages).limit()];
    run(key, messages).get(good);
    for (int bit = 0; bit < good.length * 8; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> Codec.openRun(key, ByteBuffer.wrap(bad)))
          .isInstanceOf(DamagedValueException.class);
    }
    for (int length = 0; length < good.length; length++) {
      byte[] shorter = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> Codec.openRun(key, ByteBuffer.wrap(shorter)))
          .isInstanceOf(DamagedValueException.class);
    }
    assertThatThrownBy(() -> Codec.openRun(Codec.runKey(LOG, 6), ByteBuffer.wrap(good)))
        .isInstanceOf(DamagedValueException.class);
  }

  /// A value as a later version would write it: another version byte under a right checksum.
  static byte[] newer(byte[] key, byte[] value) {
    byte[] newer = value.clone();
    newer[0] = Codec.VERSION + 1;
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(newer[0]);
    crc.update(newer, 5, newer.length - 5);
    ByteBuffer.wrap(newer).putInt(1, (int) crc.getValue());
    return newer;
  }

  @Example
  void aHigherVersionWithARightChecksum_isANewerProgramAndNoDamage() {
    byte[] key = Codec.metaKey('f', 0);
    byte[] newer = newer(key, Codec.text(key, "x"));
    assertThatThrownBy(() -> Codec.decode(key, newer, Codec::readText))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("newer Tidings");
  }

  @Property(tries = 100)
  void topics_roundTrip(
      @ForAll @IntRange(max = (1 << 26) - 1) int incarnation,
      @ForAll String owner,
      @ForAll boolean isPublic,
      @ForAll Optional<String> description,
      @ForAll long createdAt,
      @ForAll Set<String> grantees)
      throws Exception {
    Topic topic =
        new Topic(
            "näme",
            incarnation,
            valid(owner),
            isPublic,
            description.map(CodecTest::valid),
            createdAt,
            grantees.stream().map(CodecTest::valid).collect(Collectors.toSet()),
            new TopicRetention(
                OptionalLong.of(Math.max(0, createdAt)), OptionalLong.empty(), OptionalLong.of(0)));
    assertRoundTrip(topic);
  }

  @Property(tries = 100)
  void users_roundTrip(
      @ForAll String id,
      @ForAll Optional<String> email,
      @ForAll Set<Permission> permissions,
      @ForAll boolean active,
      @ForAll long createdAt)
      throws Exception {
    User user =
        new User(
            valid(id), "u", email.map(CodecTest::valid), "$hash", permissions, active, createdAt);
    assertRoundTrip(user);
  }

  @Property(tries = 100)
  void loginsAndConsumers_roundTrip(
      @ForAll String id, @ForAll Optional<Long> at, @ForAll long time, @ForAll String clientId)
      throws Exception {
    assertRoundTrip(
        new Login("login-1", valid(id), "ada", time, time + 1, at, 7, "password-login", at));
    assertRoundTrip(
        new Consumer("näme", 5, valid(clientId), valid(id).replace("/", ""), time, time, time));
    assertRoundTrip(new Consumer("t", 5, "a/b", valid(id).replace("/", ""), time, time, time));
  }

  @Property(tries = 100)
  void clients_roundTrip(
      @ForAll String name, @ForAll String scopes, @ForAll boolean active, @ForAll long time)
      throws Exception {
    assertRoundTrip(
        new Client(
            "0190-id",
            valid(name),
            Scopes.stored(valid(scopes)),
            "$hash",
            active,
            Integer.MAX_VALUE,
            time,
            ~time));
  }

  @Property(tries = 100)
  void streamsAndSigningKeys_roundTrip(
      @ForAll String name,
      @ForAll @IntRange(min = DurableStream.FIRST_NUMBER) int number,
      @ForAll byte[] secret,
      @ForAll long time)
      throws Exception {
    assertRoundTrip(new DurableStream(valid(name), number, time));
    assertRoundTrip(new SigningKey(valid(name), Payload.wrap(secret), time));
  }

  @Property(tries = 200)
  void exchangesQueuesAndBindings_roundTrip(
      @ForAll String name,
      @ForAll @IntRange(max = (1 << 26) - 1) int number,
      @ForAll Exchange.Type type,
      @ForAll Queue.Mode mode,
      @ForAll Queue.Overflow overflow,
      @ForAll Optional<@LongRange(min = 1) Long> bound,
      @ForAll boolean durable,
      @ForAll long time)
      throws Exception {
    OptionalLong max = bound.map(OptionalLong::of).orElseGet(OptionalLong::empty);
    for (OptionalLong ttl : List.of(max, OptionalLong.empty(), OptionalLong.of(1))) {
      Queue queue =
          new Queue(
              valid(name),
              number,
              durable,
              mode,
              new Queue.Bounds(max, ttl, overflow),
              valid(name),
              time);
      Exchange exchange = new Exchange(valid(name), ~number >>> 6, type, valid(name), ~time);
      assertRoundTrip(queue);
      assertRoundTrip(exchange);
      for (String key : List.of("", "/", "a/b/", "#", valid(name))) {
        assertRoundTrip(Binding.of(exchange, queue, key, time));
      }
    }
  }

  @Example
  void queueOrExchangeThatCannotBe_isDamage() {
    byte[] exchange = EntryCodec.key(Entry.Kind.EXCHANGE, "x");
    assertThatThrownBy(() ->
            decoded(
                Entry.Kind.EXCHANGE,
                exchange,
                Codec.value(
                    exchange,
                    30,
                    body -> {
                      Codec.putVarint(body, 1);
                      Codec.putVarint(body, 3);
                      Codec.putText(body, "o");
                      Codec.putSigned(body, 7);
                    })))
        .isInstanceOf(DamagedValueException.class)
        .hasMessageContaining("type of an exchange");
    byte[] queue = EntryCodec.key(Entry.Kind.QUEUE, "q");
    assertThatThrownBy(() ->
            decoded(
                Entry.Kind.QUEUE,
                queue,
                Codec.value(
                    queue,
                    30,
                    body -> {
                      Codec.putVarint(body, 1);
                      Codec.putVarint(body, 0);
                      body.put((byte) 1);
                      Codec.putSigned(body, 0);
                      body.put((byte) 0);
                      Codec.putText(body, "o");
                      Codec.putSigned(body, 7);
                    })))
        .isInstanceOf(DamagedValueException.class)
        .hasMessageContaining("maxLength");
  }

  /// What version 5 did not change reads as before, whatever the version that wrote it.
  @Example
  void valuesOfOlderVersions_areRead() throws Exception {
    Topic topic = new Topic("t", 1, "o", false, Optional.empty(), 5, Set.of("g"));
    byte[] key = EntryCodec.key(topic);
    byte[] value = EntryCodec.value(key, topic);
    for (byte version = 1; version <= Codec.VERSION; version++) {
      value[0] = version;
      CRC32C crc = new CRC32C();
      crc.update(key);
      crc.update(version);
      crc.update(value, 5, value.length - 5);
      ByteBuffer.wrap(value).putInt(1, (int) crc.getValue());
      assertThat(decoded(Entry.Kind.TOPIC, key, value)).isEqualTo(topic);
    }
  }

  @Example
  void everyFlippedBitOfASmallEntry_isDamage() {
    Exchange exchange = new Exchange("x", 3, Exchange.Type.TOPIC, "o", 7);
    Queue queue =
        new Queue(
            "q",
            4,
            true,
            Queue.Mode.WORK,
            new Queue.Bounds(OptionalLong.of(5), OptionalLong.of(6), Queue.Overflow.REJECT),
            "o",
            7);
    for (Entry entry :
        List.of(
            exchange,
            queue,
            Binding.of(exchange, queue, "a.#", 7),
            new DurableStream("s", DurableStream.FIRST_NUMBER, 7),
            new SigningKey("k", Payload.of("secret"), 7))) {
      byte[] key = EntryCodec.key(entry);
      byte[] good = EntryCodec.value(key, entry);
      for (int bit = 0; bit < good.length * 8; bit++) {
        byte[] bad = good.clone();
        bad[bit / 8] ^= (byte) (1 << bit % 8);
        assertThatThrownBy(() -> decoded(entry.kind(), key, bad))
            .isInstanceOf(DamagedValueException.class);
      }
    }
  }

  @Example
  void streamUnderTheNumberOfATopic_isDamage() {
    byte[] key = EntryCodec.key(Entry.Kind.STREAM, "s");
    byte[] value =
        Codec.value(
            key,
            30,
            body -> {
              Codec.putVarint(body, DurableStream.FIRST_NUMBER - 1);
              Codec.putSigned(body, 7);
            });
    assertThatThrownBy(() -> decoded(Entry.Kind.STREAM, key, value))
        .isInstanceOf(DamagedValueException.class)
        .hasMessageContaining("number of a stream");
  }

  private static Entry decoded(Entry.Kind kind, byte[] key, byte[] value) throws Exception {
    return Codec.decode(key, value, body -> EntryCodec.read(kind, EntryCodec.keyIn(key), body));
  }

  private static void assertRoundTrip(Entry entry) throws Exception {
    byte[] key = EntryCodec.key(entry);
    assertThat(EntryCodec.kindOf(key)).contains(entry.kind());
    assertThat(decoded(entry.kind(), key, EntryCodec.value(key, entry))).isEqualTo(entry);
  }

  @Provide
  Arbitrary<SequenceRange> ranges() {
    return Combinators.combine(
            Arbitraries.longs().between(0, 1L << 48), Arbitraries.longs().between(0, 1L << 48))
        .as((first, more) -> new SequenceRange(first, first + more));
  }

  @Provide
  Arbitrary<List<SequenceRange>> settled() {
    return ranges().list().ofMaxSize(50);
  }

  @Provide
  Arbitrary<List<Outstanding>> outstanding() {
    return Combinators.combine(
            ranges(),
            Arbitraries.integers().greaterOrEqual(0),
            Arbitraries.longs().greaterOrEqual(0),
            Arbitraries.longs(),
            Arbitraries.longs(),
            Arbitraries.of(true, false))
        .as(Outstanding::new)
        .list()
        .ofMaxSize(50);
  }

  @Provide
  Arbitrary<List<Dead>> dead() {
    return Combinators.combine(ranges(), Arbitraries.integers().greaterOrEqual(0))
        .as(Dead::new)
        .list()
        .ofMaxSize(50);
  }

  @Property(tries = 200)
  void deliveryChanges_roundTrip(
      @ForAll @LongRange(min = 1) long ordinal,
      @ForAll boolean whole,
      @ForAll @LongRange long any,
      @ForAll("settled") List<SequenceRange> settled,
      @ForAll("outstanding") List<Outstanding> outstanding,
      @ForAll("dead") List<Dead> dead)
      throws Exception {
    DeliveryChange change =
        new DeliveryChange(
            ordinal, whole, any, ordinal, new Totals(any, 1, any), settled, outstanding, dead);
    byte[] key = DeliveryCodec.key(7, ordinal);
    assertThat(Codec.decode(key, DeliveryCodec.value(key, change), DeliveryCodec::read))
        .isEqualTo(change);
  }

  @Property(tries = 200)
  void deliveryKeys_sortLikeNumbersAndOrdinals(
      @ForAll @IntRange int numberA,
      @ForAll @LongRange long a,
      @ForAll @IntRange int numberB,
      @ForAll @LongRange long b) {
    int expected = numberA == numberB ? Long.compare(a, b) : Integer.compare(numberA, numberB);
    int actual =
        Arrays.compareUnsigned(DeliveryCodec.key(numberA, a), DeliveryCodec.key(numberB, b));
    assertThat(Integer.signum(actual)).isEqualTo(expected);
  }

  @Property(tries = 100)
  void subscriptions_roundTrip(
      @ForAll String id,
      @ForAll Optional<String> filter,
      @ForAll @IntRange(min = 1) int attempts,
      @ForAll @LongRange(min = 1) long any)
      throws Exception {
    assertRoundTrip(
        new Subscription(
            valid(id),
            9,
            "näme",
            5,
            valid(id),
            filter.map(CodecTest::valid).map(Payload::of),
            new DeliveryPolicy(
                attempts, any, 0, filter.isEmpty() ? OptionalLong.empty() : OptionalLong.of(any)),
            any,
            -any));
  }

  @Property(tries = 100)
  void trimMarksAndNumbers_roundTrip(@ForAll long[] numbers, @ForAll long any) throws Exception {
    byte[] key = Codec.metaKey('t', LOG);
    long[] readNumbers = Codec.decode(key, Codec.numbers(key, numbers), Codec::readNumbers);
    assertThat(readNumbers).isEqualTo(numbers);
    TrimMark mark = new TrimMark(any, any + 1, 7, any + 2, any + 3, any + 4, any + 5);
    TrimMark read = Codec.decode(key, Codec.trimMark(key, mark), Codec::readTrimMark);
    assertThat(read).isEqualTo(mark);
  }

  /// Halves of surrogate pairs are not text and have no UTF-8.
  private static String valid(String text) {
    StringBuilder valid = new StringBuilder();
    text.codePoints().filter(c -> c < 0xD800 || c > 0xDFFF).forEach(valid::appendCodePoint);
    return valid.toString();
  }
}
