-- requires: server timescaledb
-- Bars in chunks of a month; their key holds the time already.

CREATE EXTENSION IF NOT EXISTS timescaledb;

SELECT create_hypertable('bars', 'start', chunk_time_interval => INTERVAL '30 days', migrate_data => true, create_default_indexes => false);
