-- The prices half a minute either side of an alert. Prices are in no output log, so these rows exist
-- nowhere else and are part of the platform dump.

CREATE TABLE alert_evidence (
    alert bigint PRIMARY KEY,
    instrument bigint NOT NULL,
    fired timestamptz NOT NULL,
    complete boolean NOT NULL,
    times_ns bigint[] NOT NULL,
    bids bigint[] NOT NULL,
    asks bigint[] NOT NULL
);

CREATE INDEX alert_evidence_open ON alert_evidence (alert) WHERE NOT complete;

CREATE TRIGGER alert_evidence_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON alert_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();

-- The alert engine after an output, written with the rows of that output: a program that starts
-- again folds the log from there and not from its beginning.
CREATE TABLE alert_engine (
    seq bigint PRIMARY KEY,
    index bigint NOT NULL,
    state bytea NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON alert_evidence, alert_engine TO siaga_app;
