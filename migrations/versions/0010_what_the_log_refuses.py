"""The log refuses gaps in versions and times that go back; whom the log calls erased is found fast.

Times may go back by a minute, since a transaction takes its time before it waits for its position,
and may be a minute ahead of the database's clock. What is refused has the code VZ001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

CHAIN_EVENT = """
CREATE OR REPLACE FUNCTION chain_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head record;
    field text;
    chained bytea;
    versions record;
    newest_time timestamptz;
BEGIN
    -- One appender at a time until its commit: position order is commit order.
    PERFORM pg_advisory_xact_lock(7163391, 1);
    SELECT notification_id, hash INTO head
        FROM public.stored_events ORDER BY notification_id DESC LIMIT 1;
    IF NEW.notification_id IS NOT NULL
            AND NEW.notification_id <> coalesce(head.notification_id, 0) + 1 THEN
        RAISE EXCEPTION 'position % does not follow %', NEW.notification_id, head.notification_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- A stream begins with version 0 or 1. A version that is taken is left to the primary key.
    SELECT min(originator_version) AS first, max(originator_version) AS last INTO versions
        FROM public.stored_events WHERE originator_id = NEW.originator_id;
    IF NEW.originator_version NOT BETWEEN coalesce(versions.first, 0)
            AND coalesce(versions.last + 1, 1) THEN
        RAISE EXCEPTION 'version % of stream % does not follow %',
            NEW.originator_version, NEW.originator_id, coalesce(versions.last, 0)
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT max(recorded_at) INTO newest_time FROM public.stored_events;
    IF NEW.recorded_at < newest_time - interval '1 minute'
            OR NEW.recorded_at > clock_timestamp() + interval '1 minute'
            OR NOT isfinite(NEW.recorded_at) THEN
        RAISE EXCEPTION 'time % is neither between % and now nor within a minute of them',
            NEW.recorded_at, newest_time USING ERRCODE = 'VZ001';
    END IF;
    NEW.notification_id := coalesce(head.notification_id, 0) + 1;
    NEW.previous_hash := coalesce(head.hash, decode(repeat('00', 32), 'hex'));
    chained := NEW.previous_hash;
    FOREACH field IN ARRAY ARRAY[
        NEW.notification_id::text,
        NEW.originator_id::text,
        NEW.originator_version::text,
        NEW.topic,
        to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        NEW.metadata::text
    ] LOOP
        chained := chained || int4send(octet_length(field)) || convert_to(field, 'UTF8');
    END LOOP;
    NEW.hash := sha256(chained || int4send(octet_length(NEW.state)) || NEW.state);
    RETURN NEW;
END $$
"""

EVENT_PERSON = """
CREATE FUNCTION event_person(state bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    fields json := convert_from(state, 'UTF8')::json;
BEGIN
    RETURN coalesce('user:' || (fields ->> 'user_id'), 'guest:' || (fields ->> 'guest_id'));
END $$
"""

ERASURES = "topic IN ('GuestErased', 'UserErased')"


def upgrade() -> None:
    op.execute(CHAIN_EVENT)
    op.execute(EVENT_PERSON)
    op.create_index(
        "stored_events_erased_idx",
        "stored_events",
        [sa.text("event_person(state)")],
        postgresql_where=sa.text(ERASURES),
    )
    op.add_column(
        "personal_keys",
        sa.Column("withheld", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    # So far an import without keys looked like an erasure.
    op.execute(
        "UPDATE personal_keys SET withheld = true, erased_at = NULL"
        " WHERE wrapped_key IS NULL AND erased_at IS NOT NULL AND NOT EXISTS ("
        f"SELECT FROM stored_events WHERE {ERASURES} AND event_person(state) = person)"
    )
    op.add_column("master_keys", sa.Column("previous_check_value", sa.LargeBinary))
