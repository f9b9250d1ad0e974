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
import dev.tidings.core.idempotency.Fingerprint;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
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
    return Combinators.combine(Arbitraries.longs(), expiry, payload, payload, ordering())
        .as((timestamp, expiresAt, p, m, o) -> new Message(0, timestamp, expiresAt, p, m, o))
        .list()
        .ofMinSize(1)
        .ofMaxSize(20);
  }

  private static Arbitrary<Ordering> ordering() {
    return Combinators.combine(
            Arbitraries.strings().ofMaxLength(Ordering.MAX_KEY_BYTES / 3).map(CodecTest::valid),
            Arbitraries.integers().between(0, Ordering.MAX_PRIORITY))
        .as(Ordering::new);
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
              message.metadata(),
              message.ordering()));
    }
    return numbered;
  }

  private static ByteBuffer run(byte[] key, List<Message> messages) {
    long bytes = messages.stream().mapToLong(Message::size).sum();
    long orderings = messages.stream().mapToLong(it -> Codec.orderingBytes(it.ordering())).sum();
    ByteBuffer target = ByteBuffer.allocate(Codec.maxRunBytes(messages.size(), bytes + orderings));
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
            new Message(
                6, 100, Message.NEVER, Payload.of("[]"), Payload.EMPTY, new Ordering("key", 9)));
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
    return ofVersion(Codec.VERSION + 1, key, value);
  }

  /// The same body under another version.
  static byte[] ofVersion(int version, byte[] key, byte[] value) {
    byte[] other = value.clone();
    other[0] = (byte) version;
    CRC32C crc = new CRC32C();
    crc.update(key);
    crc.update(version);
    crc.update(other, 5, other.length - 5);
    ByteBuffer.wrap(other).putInt(1, (int) crc.getValue());
    return other;
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

  /// What no version changed reads as before, whatever the version that wrote it.
  @Example
  void valuesOfOlderVersions_areRead() throws Exception {
    Topic topic = new Topic("t", 1, "o", false, Optional.empty(), 5, Set.of("g"));
    byte[] key = EntryCodec.key(topic);
    byte[] value = EntryCodec.value(key, topic);
    for (byte version = 1; version <= Codec.VERSION; version++) {
      assertThat(decoded(Entry.Kind.TOPIC, key, ofVersion(version, key, value))).isEqualTo(topic);
    }
  }

  /// A run as versions 1 to 5 wrote it.
  static byte[] oldRun(byte[] key, int lapses, List<Message> messages) {
    int bytes = messages.stream().mapToInt(Message::size).sum();
    byte[] value =
        Codec.value(
            key,
            200 + bytes + messages.size() * 40,
            body -> {
              Codec.putVarint(body, lapses);
              Codec.putVarint(body, 17);
              Codec.putVarint(body, 1 << 20);
              Codec.putVarint(body, messages.size());
              Codec.putVarint(body, bytes);
              Codec.putSigned(body, messages.getFirst().timestamp());
              Codec.putSigned(body, messages.getLast().timestamp());
              long timestamp = messages.getFirst().timestamp();
              for (Message message : messages) {
                Codec.putSigned(body, message.timestamp() - timestamp);
                timestamp = message.timestamp();
                boolean expires = message.expiresAt() != Message.NEVER;
                boolean hasMetadata = !message.metadata().isEmpty();
                long size = message.payload().size();
                Codec.putVarint(body, size * 4 + (expires ? 2 : 0) + (hasMetadata ? 1 : 0));
                if (expires) {
                  Codec.putSigned(body, message.expiresAt() - timestamp);
                }
                if (hasMetadata) {
                  Codec.putVarint(body, message.metadata().size());
                }
                message.payload().putInto(body);
                message.metadata().putInto(body);
              }
            });
    return ofVersion(5, key, value);
  }

  private static List<Message> withoutOrder(List<Message> messages) {
    return messages.stream()
        .map(it ->
            new Message(it.sequence(), it.timestamp(), it.expiresAt(), it.payload(), it.metadata()))
        .toList();
  }

  @Property(tries = 100)
  void runsOfVersion5_areReadFromEveryPlace_besideThoseOfVersion6(
      @ForAll("runs") List<Message> any, @ForAll @LongRange(min = 1, max = 1L << 40) long first)
      throws Exception {
    List<Message> messages = withoutOrder(numbered(any, first));
    byte[] key = Codec.runKey(LOG, first);
    byte[] old = oldRun(key, 3, messages);
    byte[] now = new byte[run(key, messages).limit()];
    run(key, messages).get(now);
    // Without an order a message may cost one byte more: a size of 2^5, 2^12 or so.
    assertThat(now.length - old.length).isBetween(0, messages.size());
    for (int version = 1; version <= 6; version++) {
      byte[] value = version == 6 ? now : ofVersion(version, key, old);
      for (int skip = 0; skip <= messages.size(); skip++) {
        ByteBuffer buffer = ByteBuffer.wrap(value);
        RunHeader header = Codec.openRun(key, buffer);
        PageBuilder page = new PageBuilder(Integer.MAX_VALUE, Long.MAX_VALUE);
        Codec.readRun(header, buffer, first + skip, page);
        assertThat(page.page().messages()).isEqualTo(messages.subList(skip, messages.size()));
      }
    }
  }

  /// A change of deliveries as versions 3 to 5 wrote it.
  private static byte[] oldDeliveries(byte[] key, DeliveryChange change) {
    byte[] value =
        Codec.value(
            key,
            20_000,
            body -> {
              Codec.putVarint(body, change.ordinal());
              body.put((byte) (change.whole() ? 1 : 0));
              Codec.putVarint(body, change.next());
              Codec.putVarint(body, change.passed());
              Codec.putVarint(body, change.totals().acked());
              Codec.putVarint(body, change.totals().expired());
              Codec.putVarint(body, change.totals().lost());
              Codec.putVarint(body, change.settled().size());
              change.settled().forEach(range -> putOldRange(body, range));
              Codec.putVarint(body, change.outstanding().size());
              for (Outstanding outstanding : change.outstanding()) {
                putOldRange(body, outstanding.range());
                Codec.putVarint(body, outstanding.attempts());
                Codec.putVarint(body, outstanding.lease());
                Codec.putSigned(body, outstanding.since());
                Codec.putSigned(body, outstanding.forMs());
                body.put((byte) (outstanding.kept() ? 1 : 0));
              }
              Codec.putVarint(body, change.dead().size());
              for (Dead dead : change.dead()) {
                putOldRange(body, dead.range());
                Codec.putVarint(body, dead.attempts());
              }
            });
    return ofVersion(5, key, value);
  }

  private static void putOldRange(ByteBuffer body, SequenceRange range) {
    Codec.putVarint(body, range.first());
    Codec.putVarint(body, range.size());
  }

  @Property(tries = 100)
  void deliveriesOfVersion5_areRead(
      @ForAll boolean whole,
      @ForAll("settled") List<SequenceRange> settled,
      @ForAll("outstanding") List<Outstanding> outstanding,
      @ForAll("dead") List<Dead> dead)
      throws Exception {
    DeliveryChange change =
        new DeliveryChange(
            5,
            whole,
            9,
            8,
            Totals.NONE,
            settled,
            outstanding.stream().filter(it -> it.orderings().isEmpty()).toList(),
            dead.stream().filter(it -> it.orderings().isEmpty()).toList());
    byte[] key = DeliveryCodec.key(7, 5);
    byte[] old = oldDeliveries(key, change);
    for (int version = 3; version <= 5; version++) {
      assertThat(Codec.decode(key, ofVersion(version, key, old), DeliveryCodec::read))
          .isEqualTo(change);
    }
    assertThat(Codec.decode(key, DeliveryCodec.value(key, change), DeliveryCodec::read))
        .isEqualTo(change);
  }

  @Property(tries = 100)
  void receiptsOfVersion5_areRead_besideThoseOfVersion6(
      @ForAll @LongRange(max = 1L << 48) long first,
      @ForAll @IntRange(min = 1) int count,
      @ForAll long timestamp,
      @ForAll String user)
      throws Exception {
    KeyedRequest request = new KeyedRequest(valid(user), "key", 3, new Fingerprint(-1, first));
    Receipt.Run run = new Receipt.Run(false, timestamp, first, count);
    Receipt receipt = new Receipt(1023, request, 9_000, LOG, List.of(run));
    byte[] key = ReceiptCodec.key(receipt);
    byte[] old =
        Codec.value(
            key,
            200 + Codec.maxBytes(request.userId()),
            body -> {
              Codec.putVarint(body, 1023);
              Codec.putText(body, request.userId());
              Codec.putText(body, request.key());
              Codec.putVarint(body, request.item());
              Codec.putSigned(body, request.fingerprint().high());
              Codec.putSigned(body, request.fingerprint().low());
              Codec.putSigned(body, receipt.expiresAt());
              Codec.putVarint(body, receipt.incarnation());
              Codec.putVarint(body, first);
              Codec.putVarint(body, count);
              Codec.putSigned(body, timestamp);
            });
    for (int version = 1; version <= 5; version++) {
      assertThat(Codec.decode(key, ofVersion(version, key, old), ReceiptCodec::read))
          .isEqualTo(receipt);
    }
    Receipt mixed =
        new Receipt(
            1023,
            request,
            9_000,
            LOG,
            List.of(run, new Receipt.Run(true, timestamp, first, count), run));
    for (Receipt any : List.of(receipt, mixed)) {
      byte[] value = ReceiptCodec.value(key, any);
      assertThat(Codec.decode(key, value, ReceiptCodec::read)).isEqualTo(any);
    }
  }

  @Example
  void queuesOfVersion5_areNotPrioritised() throws Exception {
    Queue queue = new Queue("q", 4, true, Queue.Mode.WORK, Queue.Bounds.NONE, "o", 7);
    byte[] key = EntryCodec.key(queue);
    byte[] plain = EntryCodec.value(key, queue);
    assertThat(decoded(Entry.Kind.QUEUE, key, ofVersion(5, key, plain))).isEqualTo(queue);
    assertRoundTrip(queue.asPrioritised());
    assertThat(EntryCodec.value(key, queue.asPrioritised())).hasSameSizeAs(plain);
  }

  @Provide
  Arbitrary<ScheduledMessage> scheduled() {
    Arbitrary<Long> any48 = Arbitraries.longs().between(0, ScheduledId.MAX);
    Arbitrary<Long> ttl =
        Arbitraries.oneOf(Arbitraries.just(Message.NEVER), Arbitraries.longs().greaterOrEqual(0));
    Arbitrary<Payload> payload =
        Arbitraries.bytes().array(byte[].class).ofMaxSize(300).map(Payload::wrap);
    Arbitrary<NewMessage> message =
        Combinators.combine(payload, payload, ttl, ordering(), any48).as(NewMessage::new);
    return Combinators.combine(
            Arbitraries.strings().map(CodecTest::valid),
            Arbitraries.integers().between(0, (1 << 26) - 1),
            any48,
            message)
        .as(ScheduledMessage::new);
  }

  @Property(tries = 300)
  void scheduledMessages_roundTrip(
      @ForAll("scheduled") ScheduledMessage message, @ForAll @IntRange(max = 1023) int slot)
      throws Exception {
    ScheduledId id = message.id();
    byte[] due = ScheduledCodec.dueKey(id, slot);
    byte[] log = ScheduledCodec.logKey(id, slot);
    assertThat(due).hasSize(ScheduledCodec.KEY_BYTES);
    assertThat(log).hasSize(ScheduledCodec.KEY_BYTES);
    assertThat(ScheduledCodec.idOfDue(due)).isEqualTo(id);
    assertThat(ScheduledCodec.idOfLog(log)).isEqualTo(id);
    assertThat(ScheduledCodec.slotOf(due)).isEqualTo(slot);
    assertThat(ScheduledCodec.slotOf(log)).isEqualTo(slot);
    byte[] value = ScheduledCodec.value(due, message);
    ScheduledMessage read = Codec.decode(due, value, body -> ScheduledCodec.read(id, body));
    assertThat(read).isEqualTo(message);
  }

  @Property(tries = 300)
  void scheduledKeys_sortLikeTheirIds(
      @ForAll("scheduled") ScheduledMessage a,
      @ForAll("scheduled") ScheduledMessage b,
      @ForAll @IntRange(max = 1023) int slotA,
      @ForAll @IntRange(max = 1023) int slotB) {
    byte[] dueA = ScheduledCodec.dueKey(a.id(), slotA);
    byte[] dueB = ScheduledCodec.dueKey(b.id(), slotB);
    byte[] logA = ScheduledCodec.logKey(a.id(), slotA);
    if (!a.id().equals(b.id())) {
      assertThat(Arrays.compareUnsigned(dueA, dueB) < 0).isEqualTo(a.id().compareTo(b.id()) < 0);
    }
    long before = b.message().dueAt();
    assertThat(Arrays.compareUnsigned(dueA, ScheduledCodec.dueEnd(before)) < 0)
        .isEqualTo(a.message().dueAt() < before);
    assertThat(Arrays.compareUnsigned(dueA, ScheduledCodec.dueEnd(Long.MAX_VALUE))).isNegative();
    assertThat(Arrays.compareUnsigned(dueA, ScheduledCodec.dueEnd(Long.MIN_VALUE))).isNotNegative();
    assertThat(Arrays.compareUnsigned(logA, ScheduledCodec.logsStart())).isNotNegative();
    assertThat(Arrays.compareUnsigned(logA, ScheduledCodec.logsEnd())).isNegative();
    assertThat(Arrays.compareUnsigned(dueA, ScheduledCodec.logsStart())).isNegative();
    int log = b.incarnation();
    boolean isOfLog =
        Arrays.compareUnsigned(logA, ScheduledCodec.logStart(log, ScheduledId.FIRST)) >= 0
            && Arrays.compareUnsigned(logA, ScheduledCodec.logEnd(log)) < 0;
    assertThat(isOfLog).isEqualTo(a.incarnation() == log);
  }

  @Example
  void everyFlippedBitOfAScheduledMessage_isDamage() {
    ScheduledMessage message =
        new ScheduledMessage(
            "t",
            LOG,
            7,
            new NewMessage(
                Payload.of("{}"), Payload.of("{\"a\":\"b\"}"), 5, new Ordering("k", 3), 1000));
    byte[] key = ScheduledCodec.dueKey(message.id(), 3);
    byte[] good = ScheduledCodec.value(key, message);
    for (int bit = 0; bit < good.length * 8; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(
              () -> Codec.decode(key, bad, body -> ScheduledCodec.read(message.id(), body)))
          .isInstanceOf(DamagedValueException.class);
    }
  }

  @Example
  void priorityThatCannotBe_isDamage() {
    byte[] key = ScheduledCodec.dueKey(new ScheduledId(1, 2, 3), 4);
    byte[] value =
        Codec.value(
            key,
            30,
            body -> {
              Codec.putText(body, "t");
              body.put((byte) 4);
              Codec.putVarint(body, 10);
              Codec.putPayload(body, Payload.of("1"));
            });
    assertThatThrownBy(() ->
            Codec.decode(key, value, body -> ScheduledCodec.read(new ScheduledId(1, 2, 3), body)))
        .isInstanceOf(DamagedValueException.class)
        .hasMessageContaining("priority: 10");
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
            Arbitraries.of(true, false),
            orderings())
        .as((range, attempts, lease, since, forMs, kept, orderings) ->
            new Outstanding(
                fitting(range, orderings), attempts, lease, since, forMs, kept, orderings))
        .list()
        .ofMaxSize(50);
  }

  @Provide
  Arbitrary<List<Dead>> dead() {
    return Combinators.combine(ranges(), Arbitraries.integers().greaterOrEqual(0), orderings())
        .as((range, attempts, orderings) ->
            new Dead(fitting(range, orderings), attempts, orderings))
        .list()
        .ofMaxSize(50);
  }

  private static Arbitrary<List<Ordering>> orderings() {
    return ordering().list().ofMaxSize(4);
  }

  /// The range, or one that begins there and has as many as there are orderings.
  private static SequenceRange fitting(SequenceRange range, List<Ordering> orderings) {
    return orderings.isEmpty()
        ? range
        : new SequenceRange(range.first(), range.first() + orderings.size() - 1);
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
