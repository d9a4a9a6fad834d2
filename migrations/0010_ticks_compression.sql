-- after: 0009a_ticks_hypertable
-- requires: timescaledb-community
-- Chunks older than two days are compressed by instrument.

ALTER TABLE ticks SET (timescaledb.compress = true, timescaledb.compress_segmentby = 'instrument', timescaledb.compress_orderby = 'time DESC, seq DESC');

SELECT add_compression_policy('ticks', INTERVAL '2 days');
