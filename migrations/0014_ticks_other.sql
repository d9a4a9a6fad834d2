-- after: 0009b_ticks_partitions
-- Ticks of days without a partition of their own go too, once the youngest of them is old enough.

CREATE OR REPLACE FUNCTION drop_ticks_before(day date) RETURNS integer
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
    IF EXISTS (SELECT FROM public.ticks_other)
        AND NOT EXISTS (SELECT FROM public.ticks_other WHERE time >= day::timestamp AT TIME ZONE 'UTC')
    THEN
        TRUNCATE public.ticks_other;
        dropped := dropped + 1;
    END IF;
    RETURN dropped;
END
$$;
