// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.directory.Entry;
import dev.tidings.core.idempotency.KeyedRequest;
import dev.tidings.core.idempotency.Receipt;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledId;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.store.sql.BatchPlan.Dead;
import dev.tidings.store.sql.BatchPlan.DeadKey;
import dev.tidings.store.sql.BatchPlan.EntryKey;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/// Writes a batch to PostgreSQL in one round trip: a transaction whose statements each take all
/// their rows as arrays.
final class PostgresBatch {

  /// Runs of several messages are cut out of arrays that hold those of many runs, and finding where
  /// one begins takes time in proportion to what lies before it: no more than so many messages go
  /// into one array, but for a single run.
  private static final int MESSAGES_AN_ARRAY = 1000;

  private static final String INSERT_RUNS =
      """
      insert into tidings_runs (log, first_sequence, last_sequence, slot, messages_before,
        bytes_before, bytes, first_timestamp, last_timestamp, payloads, metadata, timestamps,
        expires_at, ordering_keys, priorities)
      """;

  private static final String SINGLES =
      INSERT_RUNS
          + """
          select log, sequence, sequence, slot, messages_before, bytes_before, bytes, timestamp,
            timestamp, array[payload],
            case when metadata is not null then array[metadata] end, null,
            case when expires_at is not null then array[expires_at] end,
            case when ordering_key is not null then array[ordering_key] end,
            case when priority is not null then array[priority] end
          from unnest(?::integer[], ?::bigint[], ?::smallint[], ?::bigint[], ?::bigint[],
            ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::smallint[])
            as r (log, sequence, slot, messages_before, bytes_before, bytes, timestamp, payload,
              metadata, expires_at, ordering_key, priority)\
          """;

  private static final String SEVERAL =
      INSERT_RUNS
          + """
          select log, first_sequence, last_sequence, slot, messages_before, bytes_before, bytes,
            first_timestamp, last_timestamp, a.payloads[low:high],
            case when has & 1 <> 0 then a.metadata[low:high] end,
            case when has & 2 <> 0 then a.timestamps[low:high] end,
            case when has & 4 <> 0 then a.expires_at[low:high] end,
            case when has & 8 <> 0 then a.ordering_keys[low:high] end,
            case when has & 16 <> 0 then a.priorities[low:high] end
          from unnest(?::integer[], ?::bigint[], ?::bigint[], ?::smallint[], ?::bigint[],
            ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::integer[], ?::integer[],
            ?::integer[])
            as r (log, first_sequence, last_sequence, slot, messages_before, bytes_before, bytes,
              first_timestamp, last_timestamp, low, high, has),
            (select ?::text[] as payloads, ?::text[] as metadata, ?::bigint[] as timestamps,
              ?::bigint[] as expires_at, ?::text[] as ordering_keys, ?::smallint[] as priorities)
            as a\
          """;

  private static final int METADATA = 1;
  private static final int TIMESTAMPS = 2;
  private static final int EXPIRY = 4;
  private static final int KEYS = 8;
  private static final int PRIORITIES = 16;

  private final Sections sections = new Sections();
  private final BatchPlan plan;

  private PostgresBatch(Batch batch, BatchPlan plan) {
    this.plan = plan;
    sections.add("begin isolation level read committed read write");
    sections.add(
        "select tidings_begin_batch(?, ?, ?, ?::smallint[])",
        batch.lane(),
        batch.epoch(),
        batch.number(),
        shorts(plan.slots(), Integer::shortValue));
  }

  /// Writes it.
  ///
  /// @param known numbers that are in the table already
  static void write(Connection connection, Batch batch, BatchPlan plan, Numbers known)
      throws SQLException {
    PostgresBatch writer = new PostgresBatch(batch, plan);
    writer.numbers(known);
    writer.entries();
    writer.runs();
    writer.trims();
    writer.removedNumbers();
    writer.deadLetters();
    writer.deliveries();
    writer.receipts();
    writer.scheduled();
    writer.outbox();
    writer.sections.add("commit");
    writer.sections.execute(connection);
  }

  private void numbers(Numbers known) {
    if (plan.highest().or(known).equals(known)) {
      return;
    }
    Numbers now = plan.highest().or(known);
    sections.add(
        """
        insert into tidings_numbers as n
        select * from unnest(?::text[], ?::bigint[]) as r (kind, highest)
        on conflict (kind) do update set highest = excluded.highest
          where n.highest < excluded.highest\
        """,
        new String[] {Numbers.ENTRY, Numbers.STREAM, Numbers.SCHEDULED},
        new long[] {now.entry(), now.stream(), now.scheduled()});
  }

  private void entries() {
    List<EntryKey> removed = plan.removedEntries();
    if (!removed.isEmpty()) {
      sections.add(
          """
          delete from tidings_directory as d using unnest(?::text[], ?::text[]) as r (kind, key)
          where d.kind = r.kind and md5(d.key) = md5(r.key) and d.key = r.key\
          """,
          texts(removed, it -> it.kind().word()),
          texts(removed, it -> Texts.stored(it.key())));
    }
    List<Entry> entries = plan.entries();
    if (!entries.isEmpty()) {
      sections.add(
          """
          insert into tidings_directory (kind, key, slot, number, body)
          select kind, key, slot, number, body::json
          from unnest(?::text[], ?::text[], ?::smallint[], ?::integer[], ?::text[])
            as r (kind, key, slot, number, body)
          on conflict (kind, md5(key)) do update set
            slot = excluded.slot, number = excluded.number, body = excluded.body\
          """,
          texts(entries, it -> it.kind().word()),
          texts(entries, it -> Texts.stored(it.key())),
          shorts(entries, it -> (short) it.slot()),
          entries.stream()
              .map(it -> it.ownNumber().isEmpty() ? null : it.ownNumber().getAsInt())
              .toArray(Integer[]::new),
          texts(entries, EntryJson::write));
    }
  }

  // Messages

  private void runs() {
    List<MessagesAppended> singles = new ArrayList<>();
    List<MessagesAppended> several = new ArrayList<>();
    int messages = 0;
    for (MessagesAppended run : plan.runs()) {
      int size = run.messages().size();
      if (size == 1) {
        singles.add(run);
        continue;
      }
      if (messages + size > MESSAGES_AN_ARRAY && !several.isEmpty()) {
        several(several);
        several = new ArrayList<>();
        messages = 0;
      }
      several.add(run);
      messages += size;
    }
    if (!several.isEmpty()) {
      several(several);
    }
    if (!singles.isEmpty()) {
      singles(singles);
    }
  }

  private void singles(List<MessagesAppended> runs) {
    List<Message> messages = runs.stream().map(it -> it.messages().getFirst()).toList();
    sections.add(
        SINGLES,
        ints(runs, MessagesAppended::incarnation),
        longs(messages, Message::sequence),
        shorts(runs, it -> (short) it.slot()),
        longs(runs, MessagesAppended::messagesBefore),
        longs(runs, MessagesAppended::bytesBefore),
        longs(messages, Message::size),
        longs(messages, Message::timestamp),
        payloads(messages),
        metadata(messages),
        expiries(messages),
        keys(messages),
        priorities(messages));
  }

  private void several(List<MessagesAppended> runs) {
    List<Message> messages = new ArrayList<>();
    int[] low = new int[runs.size()];
    int[] high = new int[runs.size()];
    int[] has = new int[runs.size()];
    int all = 0;
    for (int i = 0; i < runs.size(); i++) {
      List<Message> ofRun = runs.get(i).messages();
      low[i] = messages.size() + 1;
      messages.addAll(ofRun);
      high[i] = messages.size();
      has[i] = whatIsThere(ofRun);
      all |= has[i];
    }
    sections.add(
        SEVERAL,
        ints(runs, MessagesAppended::incarnation),
        longs(runs, MessagesAppended::firstSequence),
        longs(runs, MessagesAppended::lastSequence),
        shorts(runs, it -> (short) it.slot()),
        longs(runs, MessagesAppended::messagesBefore),
        longs(runs, MessagesAppended::bytesBefore),
        longs(runs, it -> it.messages().stream().mapToLong(Message::size).sum()),
        longs(runs, it -> it.messages().getFirst().timestamp()),
        longs(runs, it -> it.messages().getLast().timestamp()),
        low,
        high,
        has,
        payloads(messages),
        (all & METADATA) == 0 ? new String[0] : metadata(messages),
        (all & TIMESTAMPS) == 0 ? new long[0] : longs(messages, Message::timestamp),
        (all & EXPIRY) == 0 ? new Long[0] : expiries(messages),
        (all & KEYS) == 0 ? new String[0] : keys(messages),
        (all & PRIORITIES) == 0 ? new Short[0] : priorities(messages));
  }

  /// Which arrays a run needs, as it has not the default of all its messages.
  private static int whatIsThere(List<Message> run) {
    long timestamp = run.getFirst().timestamp();
    return (any(run, it -> !it.metadata().isEmpty()) ? METADATA : 0)
        | (any(run, it -> it.timestamp() != timestamp) ? TIMESTAMPS : 0)
        | (any(run, it -> it.expiresAt() != Message.NEVER) ? EXPIRY : 0)
        | (any(run, it -> it.ordering().hasKey()) ? KEYS : 0)
        | (any(run, it -> it.ordering().priority() != 0) ? PRIORITIES : 0);
  }

  private static boolean any(List<Message> run, Predicate<Message> condition) {
    return run.stream().anyMatch(condition);
  }

  private static @Nullable String[] payloads(Collection<Message> messages) {
    return texts(messages, it -> it.payload().text());
  }

  private static @Nullable String[] metadata(Collection<Message> messages) {
    return texts(messages, it -> text(it.metadata()));
  }

  private static Long[] expiries(Collection<Message> messages) {
    return messages.stream().map(it -> time(it.expiresAt())).toArray(Long[]::new);
  }

  private static @Nullable String[] keys(Collection<Message> messages) {
    return texts(messages, it -> key(it.ordering()));
  }

  private static Short[] priorities(Collection<Message> messages) {
    return messages.stream().map(it -> priority(it.ordering())).toArray(Short[]::new);
  }

  private static @Nullable String text(Payload payload) {
    return payload.isEmpty() ? null : payload.text();
  }

  private static @Nullable Long time(long ms) {
    return ms == Message.NEVER ? null : ms;
  }

  private static @Nullable String key(Ordering ordering) {
    return ordering.hasKey() ? Texts.stored(ordering.key()) : null;
  }

  private static @Nullable Short priority(Ordering ordering) {
    return ordering.priority() == 0 ? null : (short) ordering.priority();
  }

  // What is no longer needed

  private void trims() {
    if (plan.trims().isEmpty()) {
      return;
    }
    sections.add(
        """
        insert into tidings_logs as l
          (log, first_retained, next_sequence, last_timestamp, messages_ever, bytes_ever)
        select t.log, t.first_retained, coalesce(r.last_sequence + 1, 1),
          coalesce(r.last_timestamp, 0),
          coalesce(r.messages_before + r.last_sequence - r.first_sequence + 1, 0),
          coalesce(r.bytes_before + r.bytes, 0)
        from unnest(?::integer[], ?::bigint[]) as t (log, first_retained) left join lateral
          (select * from tidings_runs as u where u.log = t.log order by first_sequence desc limit 1)
          as r on true
        on conflict (log) do update set
          first_retained = greatest(l.first_retained, excluded.first_retained),
          next_sequence = greatest(l.next_sequence, excluded.next_sequence),
          last_timestamp = greatest(l.last_timestamp, excluded.last_timestamp),
          messages_ever = greatest(l.messages_ever, excluded.messages_ever),
          bytes_ever = greatest(l.bytes_ever, excluded.bytes_ever)\
        """,
        ints(plan.trims().keySet(), it -> it),
        longs(plan.trims().values(), it -> it));
  }

  private void removedNumbers() {
    if (!plan.removedNumbers().isEmpty()) {
      sections.add(
          """
          insert into tidings_logs
            (log, first_retained, next_sequence, last_timestamp, messages_ever, bytes_ever, removed)
          select log, 1, 1, 0, 0, 0, true from unnest(?::integer[]) as log
          on conflict (log) do update set removed = true\
          """,
          (Object) ints(plan.removedNumbers(), it -> it));
    }
  }

  // Subscriptions

  private void deadLetters() {
    if (!plan.deadRemoved().isEmpty()) {
      sections.add(
          """
          delete from tidings_dead_letters as d
          using unnest(?::integer[], ?::bigint[], ?::bigint[]) as r (subscription, first, last)
          where d.subscription = r.subscription and d.sequence between r.first and r.last\
          """,
          ints(plan.deadRemoved(), BatchPlan.DeadRange::subscription),
          longs(plan.deadRemoved(), it -> it.range().first()),
          longs(plan.deadRemoved(), it -> it.range().last()));
    }
    if (!plan.dead().isEmpty()) {
      Collection<DeadKey> keys = plan.dead().keySet();
      List<Message> messages = plan.dead().values().stream().map(Dead::message).toList();
      sections.add(
          """
          insert into tidings_dead_letters (subscription, sequence, slot, published_at, expires_at,
            payload, metadata, ordering_key, priority)
          select * from unnest(?::integer[], ?::bigint[], ?::smallint[], ?::bigint[], ?::bigint[],
            ?::text[], ?::text[], ?::text[], ?::smallint[])
          on conflict (subscription, sequence) do update set
            published_at = excluded.published_at, expires_at = excluded.expires_at,
            payload = excluded.payload, metadata = excluded.metadata,
            ordering_key = excluded.ordering_key, priority = excluded.priority\
          """,
          ints(keys, DeadKey::subscription),
          longs(keys, DeadKey::sequence),
          shorts(plan.dead().values(), it -> (short) it.slot()),
          longs(messages, Message::timestamp),
          expiries(messages),
          payloads(messages),
          metadata(messages),
          keys(messages),
          priorities(messages));
    }
  }

  private void deliveries() {
    Map<Integer, Long> below = plan.needlessBelow();
    if (!below.isEmpty()) {
      sections.add(
          """
          delete from tidings_deliveries as d
          using unnest(?::integer[], ?::bigint[]) as r (subscription, ordinal)
          where d.subscription = r.subscription and d.ordinal < r.ordinal\
          """,
          ints(below.keySet(), it -> it),
          longs(below.values(), it -> it));
    }
    List<DeliveryChanged> changed = plan.deliveries();
    if (!changed.isEmpty()) {
      List<DeliveryChange> changes = changed.stream().map(DeliveryChanged::change).toList();
      sections.add(
          """
          insert into tidings_deliveries (subscription, ordinal, slot, whole, next_sequence, passed,
            acked, expired, lost, settled, outstanding, dead)
          select subscription, ordinal, slot, whole, next_sequence, passed, acked, expired, lost,
            settled::json, outstanding::json, dead::json
          from unnest(?::integer[], ?::bigint[], ?::smallint[], ?::boolean[], ?::bigint[],
            ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[])
            as r (subscription, ordinal, slot, whole, next_sequence, passed, acked, expired, lost,
              settled, outstanding, dead)\
          """,
          ints(changed, DeliveryChanged::number),
          longs(changes, DeliveryChange::ordinal),
          shorts(changed, it -> (short) it.slot()),
          changes.stream().map(DeliveryChange::whole).toArray(Boolean[]::new),
          longs(changes, DeliveryChange::next),
          longs(changes, DeliveryChange::passed),
          longs(changes, it -> it.totals().acked()),
          longs(changes, it -> it.totals().expired()),
          longs(changes, it -> it.totals().lost()),
          texts(changes, it -> DeliveryJson.settled(it.settled())),
          texts(changes, it -> DeliveryJson.outstanding(it.outstanding())),
          texts(changes, it -> DeliveryJson.dead(it.dead())));
    }
  }

  // The rest

  private void receipts() {
    Map<Integer, Long> expired = plan.receiptsExpired();
    if (!expired.isEmpty()) {
      sections.add(
          """
          delete from tidings_receipts as t
          using unnest(?::smallint[], ?::bigint[]) as r (slot, expired_before)
          where t.slot = r.slot and t.expires_at < r.expired_before\
          """,
          shorts(expired.keySet(), Integer::shortValue),
          longs(expired.values(), it -> it));
    }
    List<Receipt> receipts = plan.receipts();
    if (!receipts.isEmpty()) {
      List<KeyedRequest> requests = receipts.stream().map(Receipt::request).toList();
      sections.add(
          """
          insert into tidings_receipts (user_id, key, item, slot, expires_at, log, body)
          select user_id, key, item, slot, expires_at, log, body::json
          from unnest(?::text[], ?::text[], ?::integer[], ?::smallint[], ?::bigint[], ?::integer[],
            ?::text[]) as r (user_id, key, item, slot, expires_at, log, body)
          on conflict (user_id, key, item) do update set slot = excluded.slot,
            expires_at = excluded.expires_at, log = excluded.log, body = excluded.body\
          """,
          texts(requests, it -> Texts.stored(it.userId())),
          texts(requests, it -> Texts.stored(it.key())),
          ints(requests, KeyedRequest::item),
          shorts(receipts, it -> (short) it.slot()),
          longs(receipts, Receipt::expiresAt),
          ints(receipts, Receipt::incarnation),
          texts(receipts, ReceiptJson::write));
    }
  }

  private void scheduled() {
    List<ScheduledId> removed = plan.scheduledRemoved();
    if (!removed.isEmpty()) {
      sections.add(
          """
          delete from tidings_scheduled as s
          using unnest(?::bigint[], ?::bigint[], ?::integer[]) as r (due_at, number, log)
          where s.due_at = r.due_at and s.number = r.number and s.log = r.log\
          """,
          longs(removed, ScheduledId::dueAt),
          longs(removed, ScheduledId::number),
          ints(removed, ScheduledId::incarnation));
    }
    List<ScheduledMessage> messages = plan.scheduled();
    if (!messages.isEmpty()) {
      sections.add(
          """
          insert into tidings_scheduled (due_at, number, log, slot, topic, ttl_ms, payload,
            metadata, ordering_key, priority)
          select * from unnest(?::bigint[], ?::bigint[], ?::integer[], ?::smallint[], ?::text[],
            ?::bigint[], ?::text[], ?::text[], ?::text[], ?::smallint[])\
          """,
          longs(messages, it -> it.message().dueAt()),
          longs(messages, ScheduledMessage::number),
          ints(messages, ScheduledMessage::incarnation),
          shorts(messages, it -> (short) it.slot()),
          texts(messages, it -> Texts.stored(it.topic())),
          messages.stream().map(it -> time(it.message().ttlMs())).toArray(Long[]::new),
          texts(messages, it -> it.message().payload().text()),
          texts(messages, it -> text(it.message().metadata())),
          texts(messages, it -> key(it.message().ordering())),
          messages.stream().map(it -> priority(it.message().ordering())).toArray(Short[]::new));
    }
  }

  private void outbox() {
    if (!plan.outboxTaken().isEmpty()) {
      sections.add(
          "select tidings_take(?::bigint[])", (Object) longs(plan.outboxTaken(), it -> it));
    }
  }

  // Columns

  private static <T> int[] ints(Collection<T> rows, ToIntFunction<T> column) {
    return rows.stream().mapToInt(column).toArray();
  }

  private static <T> long[] longs(Collection<T> rows, ToLongFunction<T> column) {
    return rows.stream().mapToLong(column).toArray();
  }

  private static <T> Short[] shorts(Collection<T> rows, Function<T, Short> column) {
    return rows.stream().map(column).toArray(Short[]::new);
  }

  private static <T> @Nullable String[] texts(
      Collection<T> rows, Function<T, @Nullable String> column) {
    return rows.stream().map(column).toArray(String[]::new);
  }
}
