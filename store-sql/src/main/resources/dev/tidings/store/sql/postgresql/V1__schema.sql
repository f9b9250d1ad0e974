-- SPDX-License-Identifier: Apache-2.0
--
-- What Tidings keeps. Times are milliseconds since 1970.

-- The unit of ownership: whoever opens a slot raises its epoch, and everyone with a lower one can
-- write nothing of it any more.
create table tidings_slots (
  slot smallint primary key,
  epoch bigint not null
);
insert into tidings_slots select slot, 0 from generate_series(0, 1023) as slot;

-- The last batches of each writer: those that were committed, and those of which it was said that
-- they were not, so that they must not be any more. A row for each, since a row that is changed by
-- each batch would get slower with every one while somebody else's long transaction runs.
create table tidings_batches (
  lane integer,
  epoch bigint,
  number bigint,
  committed boolean not null,
  primary key (lane, epoch, number)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The highest number ever given of each kind: entry, stream, scheduled.
create table tidings_numbers (
  kind text primary key,
  highest bigint not null
) with (fillfactor = 50);

-- What must not change while there is data.
create table tidings_facts (
  name text primary key,
  value text not null
);

-- The server that uses these tables; no row if none does.
create table tidings_server (
  id smallint primary key default 1 check (id = 1),
  owner uuid not null,
  host text not null,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null
) with (fillfactor = 10);

-- Topics, users, subscriptions and all else that has a name.
create table tidings_directory (
  kind text not null,
  key text not null,
  slot smallint not null,
  number integer,
  body json not null
);
-- Some keys are longer than what an index can hold.
create unique index tidings_directory_of_key on tidings_directory (kind, md5(key));

-- Messages: those which one batch appended to one log are one row.
create table tidings_runs (
  log integer,
  first_sequence bigint,
  last_sequence bigint not null,
  slot smallint not null,
  messages_before bigint not null,
  bytes_before bigint not null,
  bytes bigint not null,
  first_timestamp bigint not null,
  last_timestamp bigint not null,
  payloads text[] not null,
  metadata text[],
  timestamps bigint[],
  expires_at bigint[],
  ordering_keys text[],
  priorities smallint[],
  primary key (log, first_sequence)
) with (
  -- Rows come at one end and go at the other: what went is to be reused early.
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1
);
-- Payloads are small or do not get much smaller; compressing each run costs more than it saves.
alter table tidings_runs alter column payloads set storage external;

-- Where a log goes on, as of the last time it was trimmed; no row for one that never was.
create table tidings_logs (
  log integer primary key,
  first_retained bigint not null,
  next_sequence bigint not null,
  last_timestamp bigint not null,
  messages_ever bigint not null,
  bytes_ever bigint not null,
  deleted_below bigint not null default 0,
  removed boolean not null default false
) with (fillfactor = 50);
-- What the server still has to delete.
create index tidings_logs_to_delete on tidings_logs (log)
  where removed or deleted_below < first_retained;

-- Copies of messages that a subscription has given up on.
create table tidings_dead_letters (
  subscription integer,
  sequence bigint,
  slot smallint not null,
  published_at bigint not null,
  expires_at bigint,
  payload text not null,
  metadata text,
  ordering_key text,
  priority smallint,
  primary key (subscription, sequence)
);

-- What became of the deliveries of a subscription: the last row that tells the whole state, and the
-- changes after it.
create table tidings_deliveries (
  subscription integer,
  ordinal bigint,
  slot smallint not null,
  whole boolean not null,
  next_sequence bigint not null,
  passed bigint not null,
  acked bigint not null,
  expired bigint not null,
  lost bigint not null,
  settled json not null,
  outstanding json not null,
  dead json not null,
  primary key (subscription, ordinal)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

-- Messages that wait until they are due.
create table tidings_scheduled (
  due_at bigint,
  number bigint,
  log integer,
  slot smallint not null,
  topic text not null,
  ttl_ms bigint,
  payload text not null,
  metadata text,
  ordering_key text,
  priority smallint,
  primary key (due_at, number, log)
) with (autovacuum_vacuum_scale_factor = 0.02);
create index tidings_scheduled_of_log on tidings_scheduled (log, due_at, number);

-- Requests under idempotency keys that were carried out.
create table tidings_receipts (
  user_id text,
  key text,
  item integer,
  slot smallint not null,
  expires_at bigint not null,
  log integer not null,
  body json not null,
  primary key (user_id, key, item)
) with (autovacuum_vacuum_scale_factor = 0.02);
create index tidings_receipts_of_slot on tidings_receipts (slot, expires_at);

-- Begins the transaction of a batch: notes its number, unless one of its slots has been opened by
-- another writer (TD001) or its number has been settled already (TD002). Whoever settles numbers or
-- opens slots holds the same lock alone, and so waits for batches under way and is waited for.
create function tidings_begin_batch(
  in_lane integer, in_epoch bigint, in_number bigint, in_slots smallint[])
returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(1953064036, 'tidings_slots'::regclass::oid::integer);
  if exists (select from tidings_slots where slot = any(in_slots) and epoch > in_epoch) then
    raise 'a slot of the batch belongs to another writer' using errcode = 'TD001';
  end if;
  insert into tidings_batches (lane, epoch, number, committed)
    values (in_lane, in_epoch, in_number, true) on conflict do nothing;
  if not found then
    raise 'batch % of lane % is settled already', in_number, in_lane using errcode = 'TD002';
  end if;
end $$;

-- After an older copy of these tables was put back, with no server running: lets every log and
-- number go on higher than it may have been given out after the copy was made.
create function tidings_restored() returns void language plpgsql
set search_path = "${flyway:defaultSchema}", pg_temp as $$
begin
  if exists (select from tidings_server
      where clock_timestamp() - heartbeat_at < interval '5 seconds') then
    raise 'a server uses these tables' using
      hint = 'Stop it first: it would not know of what is changed here.';
  end if;
  insert into tidings_logs as l
      (log, first_retained, next_sequence, last_timestamp, messages_ever, bytes_ever)
    select distinct on (log) log, 1, last_sequence + 1 + 1048576, last_timestamp,
        messages_before + last_sequence - first_sequence + 1, bytes_before + bytes
      from tidings_runs order by log, first_sequence desc
    on conflict (log) do update set
      next_sequence = greatest(l.next_sequence, excluded.next_sequence - 1048576) + 1048576,
      last_timestamp = greatest(l.last_timestamp, excluded.last_timestamp),
      messages_ever = greatest(l.messages_ever, excluded.messages_ever),
      bytes_ever = greatest(l.bytes_ever, excluded.bytes_ever);
  update tidings_logs l set next_sequence = next_sequence + 1048576
    where not exists (select from tidings_runs r where r.log = l.log);
  -- Logs that were empty then, and were given messages afterwards.
  insert into tidings_logs
      (log, first_retained, next_sequence, last_timestamp, messages_ever, bytes_ever)
    select number, 1048577, 1048577, 0, 0, 0 from tidings_directory
      where kind in ('topic', 'stream') and number is not null
    on conflict (log) do nothing;
  update tidings_numbers set highest = highest + case kind
    when 'entry' then 16384 when 'stream' then 1048576 else 16777216 end;
  delete from tidings_server;
end $$;
