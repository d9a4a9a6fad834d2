-- Persons as subjects of data: the key under which theirs is sealed, what they consented to, who asked
-- for export or erasure, and what holds or ends the keeping of rows.

-- A subject is a user or a lead's contact. A destroyed key leaves the row: it says that there was one.
CREATE TABLE subject_keys (
    subject_id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    wrapped bytea,
    wrapped_under text,
    created_at timestamptz NOT NULL,
    rewrapped_at timestamptz,
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (wrapped_under IS NULL))
);

CREATE INDEX idx_subject_keys_wrapped_under ON subject_keys (wrapped_under, subject_id) WHERE wrapped IS NOT NULL;

-- Every yes and no of a subject, newest counts; nothing is changed afterwards.
CREATE TABLE consents (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    subject_id uuid NOT NULL,
    purpose text NOT NULL,
    granted boolean NOT NULL,
    source text NOT NULL,
    text_version text NOT NULL,
    recorded_by text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX idx_consents_subject_id ON consents (subject_id, purpose, id DESC);

-- A request of a subject for its data, or for their end, and the day by which it must be done.
CREATE TABLE subject_requests (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    subject_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('export', 'erasure')),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'held', 'done', 'refused')),
    reason text,
    requested_by text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    done_at timestamptz
);

CREATE INDEX idx_subject_requests_due_at ON subject_requests (due_at, id) WHERE status IN ('open', 'held');
CREATE INDEX idx_subject_requests_subject_id ON subject_requests (subject_id, id DESC);

-- The ledger of an erasure: what was done in each store.
CREATE TABLE erasure_ledger (
    request_id uuid NOT NULL REFERENCES subject_requests (id),
    store text NOT NULL,
    action text NOT NULL CHECK (action IN ('deleted', 'anonymised', 'key_destroyed', 'kept_by_law', 'nothing_found')),
    items bigint NOT NULL,
    reason text,
    done_at timestamptz NOT NULL,
    PRIMARY KEY (request_id, store)
);

-- Stops the retention of a category, or of one subject in it, until it is lifted.
CREATE TABLE legal_holds (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    category text NOT NULL,
    subject_id uuid,
    reason text NOT NULL,
    placed_by text NOT NULL,
    created_at timestamptz NOT NULL,
    lifted_by text,
    lifted_at timestamptz
);

CREATE INDEX idx_legal_holds_active ON legal_holds (category, subject_id) WHERE lifted_at IS NULL;

CREATE TABLE retention_runs (
    id uuid PRIMARY KEY,
    category text NOT NULL,
    before timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'held', 'failed')),
    items bigint NOT NULL,
    detail text,
    created_at timestamptz NOT NULL
);

CREATE INDEX idx_retention_runs_category ON retention_runs (category, created_at DESC);

-- Words by which things are found. Text about no person stands in `words`; a person's words are kept as
-- keyed hashes of their trigrams, which find a misspelled name and do not say it.
CREATE TABLE search_entries (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    org_id uuid NOT NULL REFERENCES organizations (id),
    area text NOT NULL CHECK (area IN ('crm', 'kyc', 'finance', 'trading', 'aml', 'content', 'people', 'audit')),
    owner_id uuid,
    team_id uuid,
    subject_id uuid,
    words text NOT NULL DEFAULT '',
    grams bigint[] NOT NULL DEFAULT '{}',
    document tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (entity_type, entity_id)
);

CREATE INDEX idx_search_entries_document ON search_entries USING gin (document);
CREATE INDEX idx_search_entries_grams ON search_entries USING gin (grams);
CREATE INDEX idx_search_entries_subject_id ON search_entries (subject_id) WHERE subject_id IS NOT NULL;

ALTER TABLE subject_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE subject_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY subject_keys_read ON subject_keys FOR SELECT USING (app_is_system() OR org_id = ANY ((SELECT app_orgs())::uuid[]));
CREATE POLICY subject_keys_add ON subject_keys FOR INSERT WITH CHECK (app_is_system() OR org_id = ANY ((SELECT app_orgs())::uuid[]));
CREATE POLICY subject_keys_change ON subject_keys FOR UPDATE USING (app_is_system()) WITH CHECK (app_is_system());

ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE consents FORCE ROW LEVEL SECURITY;
CREATE POLICY consents_read ON consents FOR SELECT
    USING (app_is_system() OR subject_id = (SELECT app_user_id()) OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_staff())));
CREATE POLICY consents_add ON consents FOR INSERT
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (subject_id = (SELECT app_user_id()) OR (SELECT app_staff()))));

ALTER TABLE subject_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE subject_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY subject_requests_read ON subject_requests FOR SELECT
    USING (app_is_system() OR subject_id = (SELECT app_user_id())
        OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('people', 'read')) = 'all'));
CREATE POLICY subject_requests_add ON subject_requests FOR INSERT
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND (subject_id = (SELECT app_user_id()) OR (SELECT app_scope('people', 'write')) = 'all')));
CREATE POLICY subject_requests_change ON subject_requests FOR UPDATE USING (app_is_system()) WITH CHECK (app_is_system());

ALTER TABLE erasure_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_ledger FORCE ROW LEVEL SECURITY;
CREATE POLICY erasure_ledger_read ON erasure_ledger FOR SELECT USING (app_is_system() OR (SELECT app_scope('people', 'read')) = 'all');
CREATE POLICY erasure_ledger_add ON erasure_ledger FOR INSERT WITH CHECK (app_is_system());

ALTER TABLE legal_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_holds FORCE ROW LEVEL SECURITY;
CREATE POLICY legal_holds_read ON legal_holds FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('audit', 'read')) = 'all'));
CREATE POLICY legal_holds_write ON legal_holds FOR ALL
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND ((SELECT app_scope('aml', 'write')) = 'all' OR (SELECT app_scope('audit', 'write')) = 'all')))
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND ((SELECT app_scope('aml', 'write')) = 'all' OR (SELECT app_scope('audit', 'write')) = 'all')));

ALTER TABLE retention_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY retention_runs_read ON retention_runs FOR SELECT USING (app_is_system() OR (SELECT app_scope('audit', 'read')) = 'all');
CREATE POLICY retention_runs_add ON retention_runs FOR INSERT WITH CHECK (app_is_system());

ALTER TABLE search_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE search_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY search_entries_read ON search_entries FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND app_within(
        CASE area WHEN 'crm' THEN (SELECT app_scope('crm', 'read')) WHEN 'kyc' THEN (SELECT app_scope('kyc', 'read'))
            WHEN 'finance' THEN (SELECT app_scope('finance', 'read')) WHEN 'trading' THEN (SELECT app_scope('trading', 'read'))
            WHEN 'aml' THEN (SELECT app_scope('aml', 'read')) WHEN 'content' THEN (SELECT app_scope('content', 'read'))
            WHEN 'people' THEN (SELECT app_scope('people', 'read')) ELSE (SELECT app_scope('audit', 'read')) END,
        owner_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[])));
CREATE POLICY search_entries_write ON search_entries FOR ALL
    USING (app_is_system() OR org_id = ANY ((SELECT app_orgs())::uuid[]))
    WITH CHECK (app_is_system() OR org_id = ANY ((SELECT app_orgs())::uuid[]));

GRANT SELECT, INSERT, UPDATE ON subject_keys, subject_requests, legal_holds TO siaga_app;
GRANT SELECT, INSERT ON consents, erasure_ledger, retention_runs TO siaga_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON search_entries TO siaga_app;

CREATE TRIGGER subject_keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON subject_keys
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER consents_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON consents
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER subject_requests_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON subject_requests
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER erasure_ledger_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON erasure_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER legal_holds_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON legal_holds
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER retention_runs_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON retention_runs
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER search_entries_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON search_entries
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
