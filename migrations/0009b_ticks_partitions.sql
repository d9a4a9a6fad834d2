-- choice: ticks
-- requires: server
-- Ticks in native daily partitions, made ahead by ensure_tick_partitions.

CREATE TABLE ticks (
    time timestamptz NOT NULL,
    instrument bigint NOT NULL,
    source integer NOT NULL,
    bid bigint NOT NULL,
    ask bigint NOT NULL,
    bid_qty bigint NOT NULL,
    ask_qty bigint NOT NULL,
    seq bigint NOT NULL
) PARTITION BY RANGE (time);

CREATE INDEX ticks_instrument ON ticks (instrument, time DESC, seq DESC);

-- A tick of a day nobody made a partition for is kept and not refused.
CREATE TABLE ticks_other PARTITION OF ticks DEFAULT;

CREATE FUNCTION ensure_tick_partitions(first_day date, days integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    day date;
    made integer := 0;
BEGIN
    FOR day IN SELECT first_day + n FROM generate_series(0, days - 1) AS n LOOP
        IF to_regclass('public.' || to_char(day, '"ticks_"YYYYMMDD')) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE public.%I PARTITION OF public.ticks FOR VALUES FROM (%L) TO (%L)',
                to_char(day, '"ticks_"YYYYMMDD'),
                day::timestamp AT TIME ZONE 'UTC',
                (day + 1)::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

CREATE FUNCTION drop_ticks_before(day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    old regclass;
    dropped integer := 0;
BEGIN
    FOR old IN
        SELECT inhrelid FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'public.ticks'::regclass
          AND relname ~ '^ticks_[0-9]{8}$'
          AND relname < to_char(day, '"ticks_"YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %s', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

REVOKE EXECUTE ON FUNCTION ensure_tick_partitions(date, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION drop_ticks_before(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_tick_partitions(date, integer) TO siaga_app;
GRANT EXECUTE ON FUNCTION drop_ticks_before(date) TO siaga_app;
GRANT SELECT, INSERT ON ticks TO siaga_app;
