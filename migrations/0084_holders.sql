-- Who holds what, folded from the output log, and of which halts and windows holders are still to be told. Both are made anew from the
-- core's own positions where the log does not lead on from them.

CREATE TABLE open_positions (
    id bigint PRIMARY KEY,
    account bigint NOT NULL,
    instrument bigint NOT NULL
);

CREATE INDEX idx_open_positions_instrument ON open_positions (instrument, account);

CREATE TABLE holder_tellings (
    seq bigint NOT NULL,
    index bigint NOT NULL,
    time timestamptz NOT NULL,
    type text NOT NULL,
    instrument bigint NOT NULL,
    payload jsonb NOT NULL,
    -- Accounts up to this one are told.
    told_to bigint NOT NULL DEFAULT -1,
    PRIMARY KEY (seq, index)
);

ALTER TABLE open_positions ENABLE ROW LEVEL SECURITY;
ALTER TABLE open_positions FORCE ROW LEVEL SECURITY;
CREATE POLICY open_positions_system ON open_positions FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE holder_tellings ENABLE ROW LEVEL SECURITY;
ALTER TABLE holder_tellings FORCE ROW LEVEL SECURITY;
CREATE POLICY holder_tellings_system ON holder_tellings FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());

GRANT SELECT, INSERT, UPDATE, DELETE ON open_positions, holder_tellings TO siaga_app;
