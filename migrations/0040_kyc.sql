-- Cases of identity: one per client, its documents, who decided what, disputes, and the trading account
-- that an approval opens. Everything is written by the program for whoever may; people read.

-- `attempt` numbers what is handed in, `failed` counts what was rejected and not given back. Who approved
-- first is kept until the second has, where a finding asks for two.
CREATE TABLE kyc_cases (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    team_id uuid,
    status text NOT NULL DEFAULT 'PENDING_UPLOAD'
        CHECK (status IN ('PENDING_UPLOAD', 'PROCESSING_OCR', 'REVIEW_REQUIRED', 'APPROVED', 'REJECTED', 'BLOCKED')),
    attempt bigint NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    failed smallint NOT NULL DEFAULT 0,
    risky boolean NOT NULL DEFAULT false,
    barred boolean NOT NULL DEFAULT false,
    watched boolean NOT NULL DEFAULT false,
    findings jsonb NOT NULL DEFAULT '[]',
    reason text CHECK (reason IN ('document_expired', 'image_unreadable', 'name_mismatch', 'watchlist', 'suspected_fraud', 'wrong_document', 'other')),
    first_reviewer uuid REFERENCES users (id),
    decided_by uuid REFERENCES users (id),
    decided_at timestamptz,
    submitted_at timestamptz,
    due_at timestamptz,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT kyc_cases_user UNIQUE (user_id),
    -- Three failed attempts block, and nothing else does.
    CONSTRAINT kyc_cases_attempts CHECK (failed BETWEEN 0 AND 3 AND ((failed = 3) = (status = 'BLOCKED'))),
    -- Nobody decides about themselves.
    CONSTRAINT kyc_cases_stranger CHECK (decided_by <> user_id AND first_reviewer <> user_id),
    -- What is barred is not approved; what is risky takes two persons.
    CONSTRAINT kyc_cases_four_eyes CHECK (status <> 'APPROVED' OR (NOT barred AND decided_by IS NOT NULL
        AND (NOT risky OR (first_reviewer IS NOT NULL AND first_reviewer <> decided_by))))
);

CREATE INDEX idx_kyc_cases_due_at ON kyc_cases (due_at, id) WHERE status = 'REVIEW_REQUIRED';
CREATE INDEX idx_kyc_cases_status ON kyc_cases (status, due_at, id);
CREATE INDEX idx_kyc_cases_team_id ON kyc_cases (team_id) WHERE team_id IS NOT NULL;

-- A picture of a document. The file lies sealed in the store of documents under `file_url`; what was read
-- on it is sealed here. The index columns are keyed hashes: of the pixels, and of the document's number.
CREATE TABLE kyc_documents (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    team_id uuid,
    kyc_case_id uuid NOT NULL REFERENCES kyc_cases (id),
    attempt bigint NOT NULL,
    document_type text NOT NULL CHECK (document_type IN ('ktp', 'passport', 'npwp', 'selfie', 'proof_of_address')),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'review', 'approved', 'rejected', 'replaced')),
    file_url varchar(500),
    media_type text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    content_index bytea,
    number_index bytea,
    quality smallint NOT NULL CHECK (quality BETWEEN 0 AND 100),
    hints text[] NOT NULL DEFAULT '{}',
    ocr_status text NOT NULL CHECK (ocr_status IN ('queued', 'read', 'low_confidence', 'by_hand', 'typed', 'not_needed')),
    ocr_confidence smallint CHECK (ocr_confidence BETWEEN 0 AND 100),
    ocr_sealed bytea,
    reviewed_by uuid REFERENCES users (id),
    reviewed_at timestamptz,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Three attempts with different documents: no picture twice in a case.
    CONSTRAINT kyc_documents_content UNIQUE (kyc_case_id, content_index)
);

-- One document of a kind counts in an attempt.
CREATE UNIQUE INDEX idx_kyc_documents_current ON kyc_documents (kyc_case_id, attempt, document_type) WHERE status <> 'replaced';
CREATE INDEX idx_kyc_documents_user_id ON kyc_documents (user_id, id);
CREATE INDEX idx_kyc_documents_content_index ON kyc_documents (content_index) WHERE content_index IS NOT NULL;
CREATE INDEX idx_kyc_documents_number_index ON kyc_documents (number_index) WHERE number_index IS NOT NULL;

-- Every decision of a person. A person decides about an attempt once.
CREATE TABLE kyc_reviews (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    team_id uuid,
    kyc_case_id uuid NOT NULL REFERENCES kyc_cases (id),
    attempt bigint NOT NULL,
    reviewer_id uuid NOT NULL REFERENCES users (id),
    action text NOT NULL CHECK (action IN ('approve', 'reject', 'override', 'upheld', 'dismissed')),
    reason text,
    notes_sealed bytea,
    created_at timestamptz NOT NULL,
    CHECK (reviewer_id <> user_id)
);

CREATE UNIQUE INDEX idx_kyc_reviews_once ON kyc_reviews (kyc_case_id, attempt, reviewer_id) WHERE action IN ('approve', 'reject');
CREATE INDEX idx_kyc_reviews_case ON kyc_reviews (kyc_case_id, created_at);

-- A client who does not accept a decision: the ticket, with 72 hours of the clock to resolve it.
CREATE TABLE kyc_disputes (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    team_id uuid,
    kyc_case_id uuid NOT NULL REFERENCES kyc_cases (id),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved')),
    priority text NOT NULL DEFAULT 'HIGH' CHECK (priority IN ('HIGH')),
    reason_sealed bytea,
    status_before text NOT NULL CHECK (status_before IN ('pending', 'active', 'suspended', 'under_review')),
    outcome text CHECK (outcome IN ('upheld', 'dismissed')),
    due_at timestamptz NOT NULL,
    resolved_by uuid REFERENCES users (id),
    resolved_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK ((status = 'resolved') = (outcome IS NOT NULL)),
    CHECK (resolved_by <> user_id)
);

CREATE UNIQUE INDEX idx_kyc_disputes_open ON kyc_disputes (user_id) WHERE status = 'open';
CREATE INDEX idx_kyc_disputes_due_at ON kyc_disputes (status, due_at, id);

-- The trading account that an approval opens: its number is given here, before the core is asked, so that
-- asking twice opens one.
CREATE TABLE kyc_accounts (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    org_id uuid NOT NULL REFERENCES organizations (id),
    team_id uuid,
    account bigint GENERATED BY DEFAULT AS IDENTITY (START WITH 1000000) UNIQUE CHECK (account BETWEEN 1 AND 4194303),
    core_seq bigint,
    opened_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((core_seq IS NULL) = (opened_at IS NULL))
);

-- An open dispute freezes the person in the transaction that opens it; its end lets the person go on.
CREATE FUNCTION kyc_disputes_freeze() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.status = 'open' THEN
        UPDATE users SET status = 'under_review' WHERE id = NEW.user_id AND status IN ('pending', 'active');
    ELSIF TG_OP = 'UPDATE' AND OLD.status = 'open' THEN
        UPDATE users SET status = NEW.status_before WHERE id = NEW.user_id AND status = 'under_review';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER kyc_disputes_freeze AFTER INSERT OR UPDATE OF status ON kyc_disputes
    FOR EACH ROW EXECUTE FUNCTION kyc_disputes_freeze();

-- A person is verified as long as their case is approved.
CREATE FUNCTION kyc_cases_verify() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE users SET verified = (NEW.status = 'APPROVED') WHERE id = NEW.user_id AND verified IS DISTINCT FROM (NEW.status = 'APPROVED');
    RETURN NULL;
END
$$;

CREATE TRIGGER kyc_cases_verify AFTER INSERT OR UPDATE OF status ON kyc_cases
    FOR EACH ROW EXECUTE FUNCTION kyc_cases_verify();

ALTER TABLE kyc_cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE kyc_cases FORCE ROW LEVEL SECURITY;
CREATE POLICY kyc_cases_system ON kyc_cases FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
CREATE POLICY kyc_cases_read ON kyc_cases FOR SELECT
    USING (org_id = ANY ((SELECT app_orgs())::uuid[]) AND app_within(
        (SELECT app_scope('kyc', 'read')), user_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[]));

ALTER TABLE kyc_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE kyc_documents FORCE ROW LEVEL SECURITY;
CREATE POLICY kyc_documents_system ON kyc_documents FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
CREATE POLICY kyc_documents_read ON kyc_documents FOR SELECT
    USING (org_id = ANY ((SELECT app_orgs())::uuid[]) AND app_within(
        (SELECT app_scope('kyc', 'read')), user_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[]));

ALTER TABLE kyc_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE kyc_reviews FORCE ROW LEVEL SECURITY;
CREATE POLICY kyc_reviews_system ON kyc_reviews FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
CREATE POLICY kyc_reviews_read ON kyc_reviews FOR SELECT
    USING (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_staff()) AND app_within(
        (SELECT app_scope('kyc', 'read')), user_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[]));

ALTER TABLE kyc_disputes ENABLE ROW LEVEL SECURITY;
ALTER TABLE kyc_disputes FORCE ROW LEVEL SECURITY;
CREATE POLICY kyc_disputes_system ON kyc_disputes FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
CREATE POLICY kyc_disputes_read ON kyc_disputes FOR SELECT
    USING (org_id = ANY ((SELECT app_orgs())::uuid[]) AND app_within(
        (SELECT app_scope('kyc', 'read')), user_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[]));

ALTER TABLE kyc_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE kyc_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY kyc_accounts_system ON kyc_accounts FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
CREATE POLICY kyc_accounts_read ON kyc_accounts FOR SELECT
    USING (org_id = ANY ((SELECT app_orgs())::uuid[]) AND app_within(
        (SELECT app_scope('kyc', 'read')), user_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[]));

GRANT SELECT, INSERT, UPDATE ON kyc_cases, kyc_documents, kyc_disputes, kyc_accounts TO siaga_app;
GRANT SELECT, INSERT ON kyc_reviews TO siaga_app;
-- What a reviewer wrote about a person ends with the term of keeping.
GRANT UPDATE (notes_sealed) ON kyc_reviews TO siaga_app;

CREATE TRIGGER kyc_cases_touch BEFORE UPDATE ON kyc_cases FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER kyc_documents_touch BEFORE UPDATE ON kyc_documents FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER kyc_disputes_touch BEFORE UPDATE ON kyc_disputes FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER kyc_accounts_touch BEFORE UPDATE ON kyc_accounts FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TRIGGER kyc_cases_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kyc_cases
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER kyc_documents_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kyc_documents
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER kyc_reviews_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kyc_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER kyc_disputes_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kyc_disputes
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER kyc_accounts_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kyc_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
