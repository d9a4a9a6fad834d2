-- The one event table, of the core and of the platform alike, and the record of who did what.

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_seq bigint,
    source_index bigint,
    type text NOT NULL,
    time timestamptz NOT NULL,
    account bigint,
    instrument bigint,
    payload jsonb NOT NULL,
    CHECK ((source_seq IS NULL) = (source_index IS NULL)),
    UNIQUE (source_seq, source_index)
);

CREATE INDEX events_account ON events (account, id DESC) WHERE account IS NOT NULL;
CREATE INDEX events_type ON events (type, id DESC);

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY events_read ON events FOR SELECT USING (app_user() IS NOT NULL);
CREATE POLICY events_write ON events FOR ALL USING (app_user() = 'system') WITH CHECK (app_user() = 'system');

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_seq bigint,
    source_index bigint,
    time timestamptz NOT NULL,
    actor bigint NOT NULL,
    action text NOT NULL,
    scope text NOT NULL,
    note bigint NOT NULL DEFAULT 0,
    detail jsonb NOT NULL,
    UNIQUE (source_seq, source_index)
);

CREATE INDEX audit_log_actor ON audit_log (actor, id DESC);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_log_read ON audit_log FOR SELECT USING (app_user() IS NOT NULL);
CREATE POLICY audit_log_append ON audit_log FOR INSERT WITH CHECK (app_user() IS NOT NULL);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit_log is append only: % is refused', TG_OP; END $$;

CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

GRANT SELECT, INSERT, DELETE ON events TO siaga_app;
GRANT SELECT, INSERT ON audit_log TO siaga_app;
