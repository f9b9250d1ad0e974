-- SPDX-License-Identifier: Apache-2.0
--
-- Where applications publish in transactions of their own.

-- Whether a text is a JSON object of strings; null of null; fails if it is no JSON at all.
create function tidings_is_attributes(in_text text) returns boolean language sql stable strict
set search_path = pg_catalog as $$
  select case when json_typeof(in_text::json) = 'object'
    then not exists (select from json_each(in_text::json) where json_typeof(value) <> 'string')
    else false end;
$$;

-- Whether a text is a name as the server writes it: with each backslash doubled, but for \0 (NUL)
-- and \uD800 to \uDFFF (half of a surrogate pair).
create function tidings_is_name(in_text text) returns boolean language sql immutable
set search_path = pg_catalog as $$
  select in_text ~ '^([^\\]|\\\\|\\0|\\u[dD][89a-fA-F][0-9a-fA-F]{2})*$';
$$;

-- Takes messages out, in the transaction that appends them: all of them or none (TD003), so that
-- none is appended twice.
create function tidings_take(in_ids bigint[]) returns void language plpgsql as $$
declare
  taken integer;
begin
  delete from tidings_outbox where id = any(in_ids);
  get diagnostics taken = row_count;
  if taken <> cardinality(in_ids) then
    raise 'only % of % messages lie in the outbox', taken, cardinality(in_ids)
      using errcode = 'TD003';
  end if;
end $$;

-- Messages on their way into their topics: the server takes them out in the transaction that brings
-- them in. What does not belong there is kept out here, whoever writes it.
create table tidings_outbox (
  id bigint generated always as identity (sequence name tidings_outbox_id cache 1) primary key,
  topic text not null,
  payload text not null
    constraint payload_is_json check (payload::json is not null),
  metadata text
    constraint attributes_are_an_object_of_strings check (tidings_is_attributes(metadata)),
  ordering_key text
    constraint ordering_key_has_1_to_256_bytes check (octet_length(
      replace(ordering_key, repeat(chr(92), 2), chr(92))) between 1 and 256),
  -- Backslashes begin an escape in names, and stand for themselves if there are two.
  constraint topic_is_written_with_escapes check (tidings_is_name(topic)),
  constraint ordering_key_is_written_with_escapes check (tidings_is_name(ordering_key)),
  constraint payload_and_attributes_are_at_most_8_mib
    check (octet_length(payload) + coalesce(octet_length(metadata), 0) <= 8388608)
) with (
  -- All rows come and go; the server looks for the first ones again and again.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);

-- Publishes a message to a topic if the transaction commits.
create function tidings_publish(
  topic text, payload text, attributes text default null, ordering_key text default null)
returns void language plpgsql security definer
set search_path = "${flyway:defaultSchema}", pg_temp as $$
#variable_conflict use_variable
declare
  -- As the server writes names.
  stored_topic text := replace(topic, chr(92), repeat(chr(92), 2));
begin
  if topic is null then
    raise 'topic: null (expected: the name of a topic)' using errcode = 'null_value_not_allowed';
  end if;
  if payload is null then
    raise 'payload: null (expected: a JSON value; for JSON''s own null, ''null'')'
      using errcode = 'null_value_not_allowed';
  end if;
  if starts_with(topic, '$queue/') then
    raise 'topic "%" belongs to a queue', topic using errcode = 'invalid_parameter_value',
      hint = 'Publish to a topic, or over HTTP to the exchange of the queue.';
  end if;
  if not exists (
      select from tidings_directory d where d.kind = 'topic' and md5(d.key) = md5(stored_topic)
        and d.key = stored_topic) then
    raise 'there is no topic "%"', topic using errcode = 'undefined_object',
      hint = 'Create it first, as with POST /api/v1/topics; see docs/sql.md.';
  end if;
  if octet_length(payload) + coalesce(octet_length(attributes), 0) > 8388608 then
    raise 'payload and attributes: % bytes (expected: at most 8388608)',
      octet_length(payload) + coalesce(octet_length(attributes), 0)
      using errcode = 'program_limit_exceeded';
  end if;
  if not tidings_is_attributes(attributes) then
    raise 'attributes: % (expected: a JSON object whose values are strings)', left(attributes, 100)
      using errcode = 'invalid_parameter_value';
  end if;
  if octet_length(ordering_key) not between 1 and 256 then
    raise 'ordering_key: % bytes (expected: 1 to 256, or null for none)', octet_length(ordering_key)
      using errcode = 'invalid_parameter_value';
  end if;
  insert into tidings_outbox (topic, payload, metadata, ordering_key)
    values (stored_topic, payload, attributes, replace(ordering_key, chr(92), repeat(chr(92), 2)));
  -- Told once for the transaction, however often this is called, as the text is the same.
  -- Named in full: a function of that name in this schema might fit the arguments better.
  perform pg_catalog.pg_notify('tidings_outbox', pg_catalog.current_schema()::text);
end $$;

-- The same for JSON that the database has made.
create function tidings_publish(
  topic text, payload jsonb, attributes jsonb default null, ordering_key text default null)
returns void language sql security definer
set search_path = "${flyway:defaultSchema}", pg_temp as $$
  select tidings_publish(topic, payload::text, attributes::text, ordering_key);
$$;

create function tidings_publish(
  topic text, payload json, attributes json default null, ordering_key text default null)
returns void language sql security definer
set search_path = "${flyway:defaultSchema}", pg_temp as $$
  select tidings_publish(topic, payload::text, attributes::text, ordering_key);
$$;

-- Whoever may publish is to be named.
revoke execute on function tidings_publish(text, text, text, text) from public;
revoke execute on function tidings_publish(text, jsonb, jsonb, text) from public;
revoke execute on function tidings_publish(text, json, json, text) from public;
