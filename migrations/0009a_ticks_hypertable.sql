-- choice: ticks
-- requires: server timescaledb
-- Ticks as a hypertable of daily chunks.

CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE ticks (
    time timestamptz NOT NULL,
    instrument bigint NOT NULL,
    source integer NOT NULL,
    bid bigint NOT NULL,
    ask bigint NOT NULL,
    bid_qty bigint NOT NULL,
    ask_qty bigint NOT NULL,
    seq bigint NOT NULL
);

SELECT create_hypertable('ticks', 'time', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);

CREATE INDEX ticks_instrument ON ticks (instrument, time DESC, seq DESC);

CREATE FUNCTION ensure_tick_partitions(first_day date, days integer) RETURNS integer
    LANGUAGE sql
    AS $$ SELECT 0 $$;

CREATE FUNCTION drop_ticks_before(day date) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$ SELECT count(*)::integer FROM drop_chunks('ticks', older_than => day::timestamp AT TIME ZONE 'UTC') $$;

REVOKE EXECUTE ON FUNCTION drop_ticks_before(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_ticks_before(date) TO siaga_app;
GRANT SELECT, INSERT ON ticks TO siaga_app;
