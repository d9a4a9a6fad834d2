-- The event table becomes the outbox of the platform's events. Core outputs reach their readers by the
-- output log, so they stand here as published. A payload holds keys and numbers, never a person's data.

ALTER TABLE events ADD COLUMN event_id uuid;
ALTER TABLE events ADD COLUMN org_id uuid;
ALTER TABLE events ADD COLUMN aggregate_type text;
ALTER TABLE events ADD COLUMN aggregate_id uuid;
ALTER TABLE events ADD COLUMN subject_id uuid;
ALTER TABLE events ADD COLUMN status text NOT NULL DEFAULT 'published' CHECK (status IN ('pending', 'published', 'failed'));
ALTER TABLE events ADD COLUMN attempts integer NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN next_attempt_at timestamptz;
ALTER TABLE events ADD COLUMN published_at timestamptz;
ALTER TABLE events ADD COLUMN last_error text;

CREATE UNIQUE INDEX idx_events_event_id ON events (event_id) WHERE event_id IS NOT NULL;
-- What waits, in the order of each aggregate: an event waits for the earlier ones of its aggregate.
CREATE INDEX idx_events_pending ON events (aggregate_id, id) WHERE status = 'pending';
CREATE INDEX idx_events_due ON events (next_attempt_at, id) WHERE status = 'pending';
CREATE INDEX idx_events_failed ON events (id) WHERE status = 'failed';
CREATE INDEX idx_events_subject_id ON events (subject_id, id) WHERE subject_id IS NOT NULL;
-- What is old enough to be anonymised.
CREATE INDEX idx_events_named ON events (time, id) WHERE subject_id IS NOT NULL AND status = 'published';
CREATE INDEX idx_events_aggregate ON events (aggregate_type, aggregate_id, id DESC) WHERE aggregate_id IS NOT NULL;

DROP POLICY events_read ON events;
CREATE POLICY events_read ON events FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('audit', 'read')) = 'all'));
CREATE POLICY events_put ON events FOR INSERT
    WITH CHECK (source_seq IS NULL AND status = 'pending' AND event_id IS NOT NULL AND aggregate_id IS NOT NULL
        AND org_id = ANY ((SELECT app_orgs())::uuid[]));

-- Which consumer has applied which event; written in the transaction of what it did.
CREATE TABLE event_receipts (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    applied_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX idx_event_receipts_applied_at ON event_receipts (applied_at);

-- The answer a repeated request gets again, sealed under the key of who asked. Kept a day.
CREATE TABLE idempotency_keys (
    user_id text NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    request_hash bytea NOT NULL,
    answer_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, route, key)
);

CREATE INDEX idx_idempotency_keys_created_at ON idempotency_keys (created_at);

ALTER TABLE event_receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY event_receipts_system ON event_receipts FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_keys_own ON idempotency_keys FOR ALL
    USING (app_is_system() OR user_id = app_user_id()::text)
    WITH CHECK (app_is_system() OR user_id = app_user_id()::text);

GRANT UPDATE (status, attempts, next_attempt_at, published_at, last_error, subject_id, account, payload) ON events TO siaga_app;
GRANT SELECT, INSERT, DELETE ON event_receipts, idempotency_keys TO siaga_app;

CREATE TRIGGER events_changed AFTER INSERT OR UPDATE ON events
    FOR EACH ROW WHEN (NEW.source_seq IS NULL) EXECUTE FUNCTION count_platform_change();
