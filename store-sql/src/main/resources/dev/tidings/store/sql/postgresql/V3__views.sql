-- SPDX-License-Identifier: Apache-2.0
--
-- What people read. The views have the rights of their owner, and no secrets: who may select from
-- them alone sees no password hash, client secret or signing key.

create index tidings_directory_of_number on tidings_directory (number) where number is not null;

-- The time that is so many milliseconds after 1970.
create function tidings_time(ms bigint) returns timestamptz
language sql immutable parallel safe as $$
  select case
    when ms > 9224000000000000 then 'infinity'::timestamptz
    when ms < -210000000000000 then '-infinity'::timestamptz
    else to_timestamp(ms / 1000.0)
  end
$$;

-- The value of a JSON text, or null where jsonb cannot hold it: it knows neither NUL in strings,
-- nor halves of surrogate pairs, nor numbers beyond those of numeric.
create function tidings_jsonb(value text) returns jsonb
language plpgsql immutable strict as $$
begin
  return value::jsonb;
exception
  when data_exception or program_limit_exceeded or statement_too_complex then return null;
end $$;

-- The value of a column body. What jsonb cannot hold in strings, NUL and halves of surrogate pairs,
-- stands in them as its escape.
create function tidings_body(body json) returns jsonb
language sql immutable parallel safe as $$
  select case
    when strpos(body::text, '\u') = 0 then body::text::jsonb
    else regexp_replace(
      body::text, '(?<!\\)((?:\\\\)*)\\(u0000|u[dD][89a-fA-F])', '\1\\\\\2', 'g')::jsonb
  end
$$;

-- The id of a message (version 7), or of a scheduled one (8): its time, then its sequence or number,
-- then its log.
create function tidings_id(version integer, ms bigint, number bigint, log integer) returns uuid
language sql immutable parallel safe as $$
  select (
    lpad(to_hex(ms), 12, '0')
      || lpad(to_hex(version << 12 | (number >> 36)::integer), 4, '0')
      || to_hex((-9223372036854775807 - 1) | ((number & 68719476735) << 26) | log)
  )::uuid
$$;

-- The log that is named in an id of a message.
create function tidings_log(id uuid) returns integer
language sql immutable parallel safe as $$
  select ('x' || right(id::text, 8))::bit(32)::integer & 67108863
$$;

-- The sequence that is named in an id of a message: its place in the log.
create function tidings_sequence(id uuid) returns bigint
language sql immutable parallel safe as $$
  select (('x' || lpad(substr(id::text, 16, 3), 16, '0'))::bit(64)::bigint << 36)
    | ((('x' || replace(substr(id::text, 20), '-', ''))::bit(64)::bigint & 4611686018427387903) >> 26)
$$;

create view tidings_topics as
select d.key as name,
  d.number as log,
  b ->> 'owner_id' as owner_id,
  (b ->> 'is_public')::boolean as is_public,
  b ->> 'description' as description,
  array(select jsonb_array_elements_text(b -> 'grantees')) as grantees,
  (b ->> 'max_age_ms')::bigint as max_age_ms,
  (b ->> 'max_messages')::bigint as max_messages,
  (b ->> 'max_bytes')::bigint as max_bytes,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'topic' and not starts_with(d.key, '$queue/');

create view tidings_subscriptions as
select d.key as name,
  d.number,
  b ->> 'topic' as topic,
  (b ->> 'log')::integer as log,
  b ->> 'owner_id' as owner_id,
  b ->> 'filter' as filter,
  (b ->> 'max_attempts')::integer as max_attempts,
  (b ->> 'backoff_min_ms')::bigint as backoff_min_ms,
  (b ->> 'backoff_max_ms')::bigint as backoff_max_ms,
  (b ->> 'ack_deadline_ms')::bigint as ack_deadline_ms,
  (b ->> 'start')::bigint as start,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'subscription';

create view tidings_users as
select d.key as username,
  b ->> 'id' as id,
  b ->> 'email' as email,
  array(select jsonb_array_elements_text(b -> 'permissions')) as permissions,
  (b ->> 'active')::boolean as active,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'user';

create view tidings_clients as
select d.key as id,
  b ->> 'name' as name,
  b ->> 'scopes' as scopes,
  (b ->> 'active')::boolean as active,
  tidings_time((b ->> 'created_at')::bigint) as created_at,
  tidings_time((b ->> 'updated_at')::bigint) as updated_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'client';

create view tidings_streams as
select d.key as name,
  d.number as log,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'stream';

create view tidings_exchanges as
select d.key as name,
  d.number,
  b ->> 'type' as type,
  b ->> 'owner_id' as owner_id,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'exchange';

create view tidings_queues as
select d.key as name,
  (b ->> 'log')::integer as log,
  (b ->> 'durable')::boolean as durable,
  b ->> 'mode' as mode,
  (b ->> 'max_length')::bigint as max_length,
  (b ->> 'message_ttl_ms')::bigint as message_ttl_ms,
  b ->> 'overflow' as overflow,
  b ->> 'owner_id' as owner_id,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'queue';

-- A binding outlives its exchange for a while, and counts for nothing then.
create view tidings_bindings as
select b ->> 'exchange' as exchange,
  b ->> 'type' as type,
  b ->> 'queue' as queue,
  regexp_replace(d.key, '^-?\d+/-?\d+/', '') as routing_key,
  tidings_time((b ->> 'created_at')::bigint) as created_at
from tidings_directory d cross join lateral (select tidings_body(d.body) as b offset 0) body
where d.kind = 'binding'
  and exists (
    select from tidings_directory x
    where x.kind = 'exchange' and x.key = b ->> 'exchange'
      and x.number = split_part(d.key, '/', 1)::integer);

-- What every log retains, found by its first and last rows.
create view tidings_extents as
select d.number as log,
  d.kind,
  d.key as name,
  extent.first_retained,
  extent.next_sequence,
  extent.messages_ever
    - coalesce(
      oldest.messages_before + greatest(0, extent.first_retained - oldest.first_sequence),
      extent.messages_ever) as messages,
  extent.bytes_ever - coalesce(oldest.bytes_before, extent.bytes_ever) as bytes,
  extent.messages_ever,
  extent.bytes_ever,
  tidings_time(nullif(extent.last_timestamp, 0)) as last_published_at
from tidings_directory d
left join tidings_logs l on l.log = d.number
left join lateral (
  select * from tidings_runs r where r.log = d.number order by r.first_sequence desc limit 1
) newest on true
cross join lateral (
  select coalesce(l.first_retained, 1) as first_retained,
    greatest(l.next_sequence, newest.last_sequence + 1, 1) as next_sequence,
    greatest(
      l.messages_ever,
      newest.messages_before + newest.last_sequence - newest.first_sequence + 1,
      0) as messages_ever,
    greatest(l.bytes_ever, newest.bytes_before + newest.bytes, 0) as bytes_ever,
    greatest(l.last_timestamp, newest.last_timestamp, 0) as last_timestamp
  offset 0
) extent
left join lateral (
  select * from (
    (select r.first_sequence, r.last_sequence, r.messages_before, r.bytes_before
      from tidings_runs r
      where r.log = d.number and r.first_sequence <= extent.first_retained
      order by r.first_sequence desc limit 1)
    union all
    (select r.first_sequence, r.last_sequence, r.messages_before, r.bytes_before
      from tidings_runs r
      where r.log = d.number and r.first_sequence > extent.first_retained
      order by r.first_sequence limit 1)
  ) around
  where around.last_sequence >= extent.first_retained
  order by around.first_sequence limit 1
) oldest on true
where d.kind in ('topic', 'stream') and not coalesce(l.removed, false);

create view tidings_messages as
select d.key as topic,
  case when starts_with(d.key, '$queue/') then substr(d.key, 8) end as queue,
  r.log,
  r.first_sequence + m.place - 1 as sequence,
  tidings_id(7, coalesce(m.published, r.first_timestamp), r.first_sequence + m.place - 1, r.log)
    as id,
  tidings_time(coalesce(m.published, r.first_timestamp)) as published_at,
  tidings_time(m.expires) as expires_at,
  m.payload,
  m.metadata as attributes,
  m.ordering_key,
  coalesce(m.priority, 0::smallint) as priority,
  r.first_sequence as run_first,
  r.last_sequence as run_last,
  tidings_time(r.last_timestamp) as run_until
from tidings_directory d
join tidings_runs r on r.log = d.number
left join tidings_logs l on l.log = r.log
cross join lateral unnest(
  r.payloads, r.metadata, r.timestamps, r.expires_at, r.ordering_keys, r.priorities
) with ordinality as m(payload, metadata, published, expires, ordering_key, priority, place)
where d.kind = 'topic'
  and not coalesce(l.removed, false)
  and r.last_sequence >= coalesce(l.first_retained, 1)
  and r.first_sequence + m.place - 1 >= coalesce(l.first_retained, 1);

create view tidings_messages_jsonb as
select topic, queue, log, sequence, id, published_at, expires_at,
  tidings_jsonb(payload) as payload,
  tidings_jsonb(attributes) as attributes,
  ordering_key, priority, run_first, run_last, run_until
from tidings_messages;

create view tidings_waiting as
select s.topic,
  s.log,
  tidings_id(8, s.due_at, s.number, s.log) as id,
  tidings_time(s.due_at) as due_at,
  s.ttl_ms,
  s.payload,
  s.metadata as attributes,
  s.ordering_key,
  coalesce(s.priority, 0::smallint) as priority
from tidings_scheduled s;

-- Behind is what the log has been given from the place of the subscription on, and so may be more
-- than a filter lets through.
create view tidings_backlog as
select d.key as subscription,
  d.number,
  e.name as topic,
  e.log,
  coalesce(last.next_sequence, begins.start) as next_sequence,
  coalesce(last.acked, 0) as acked,
  coalesce(last.expired, 0) as expired,
  coalesce(last.lost, 0) as lost,
  e.messages_ever
    - coalesce(last.passed, at_start.passed, after_start.passed, e.messages_ever) as behind
from tidings_directory d
cross join lateral (
  select (tidings_body(d.body) ->> 'log')::integer as log,
    (tidings_body(d.body) ->> 'start')::bigint as start
  offset 0
) begins
join tidings_extents e on e.log = begins.log and e.kind = 'topic'
left join lateral (
  select c.next_sequence, c.passed, c.acked, c.expired, c.lost
  from tidings_deliveries c where c.subscription = d.number order by c.ordinal desc limit 1
) last on true
left join lateral (
  select r.messages_before
    + least(begins.start - r.first_sequence, r.last_sequence - r.first_sequence + 1) as passed
  from tidings_runs r
  where r.log = begins.log and r.first_sequence <= begins.start
  order by r.first_sequence desc limit 1
) at_start on true
left join lateral (
  select r.messages_before as passed
  from tidings_runs r
  where r.log = begins.log and r.first_sequence > begins.start
  order by r.first_sequence limit 1
) after_start on true
where d.kind = 'subscription';

create view tidings_dead_letter_messages as
select d.key as subscription,
  tidings_body(d.body) ->> 'topic' as topic,
  m.sequence,
  tidings_id(7, m.published_at, m.sequence, (tidings_body(d.body) ->> 'log')::integer) as id,
  tidings_time(m.published_at) as published_at,
  tidings_time(m.expires_at) as expires_at,
  m.payload,
  m.metadata as attributes,
  m.ordering_key,
  coalesce(m.priority, 0::smallint) as priority
from tidings_dead_letters m
join tidings_directory d on d.number = m.subscription and d.kind = 'subscription';
