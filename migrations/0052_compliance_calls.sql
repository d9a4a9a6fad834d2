-- What compliance is called for: terms that are over are told once for each deadline, addresses of lists are asked whether they have
-- something new, and what a person typed about a document is searched for before the client is approved.

ALTER TABLE kyc_cases ADD COLUMN typed_at timestamptz;
ALTER TABLE kyc_cases ADD COLUMN called_at timestamptz;
ALTER TABLE kyc_disputes ADD COLUMN called_at timestamptz;

CREATE INDEX idx_kyc_disputes_open_due_at ON kyc_disputes (due_at, id) WHERE status = 'open';

-- One for each address, as its server gave it with the files of the list in force.
ALTER TABLE sanctions_sources ADD COLUMN etags text[] NOT NULL DEFAULT '{}';

-- The picture of a document is taken away when its term is over; the row says that it was there.
ALTER TABLE kyc_documents ADD COLUMN ended_at timestamptz;

CREATE INDEX idx_kyc_documents_kept ON kyc_documents (id) WHERE ended_at IS NULL AND file_url IS NOT NULL;

-- Whatever waits for a person is told once for each time that it begins to; a list that no longer comes, once a day.
ALTER TABLE cash_requests ADD COLUMN called_at timestamptz;
ALTER TABLE aml_cases ADD COLUMN called_at timestamptz;
ALTER TABLE aml_reports ADD COLUMN called_at timestamptz;
ALTER TABLE aml_reports ADD COLUMN moved_at timestamptz;
ALTER TABLE sanctions_sources ADD COLUMN called_at timestamptz;

-- How far the search through all clients for a change of the list is, so that it goes on where a stop cut it.
ALTER TABLE sanctions_sources ADD COLUMN searched_event uuid;
ALTER TABLE sanctions_sources ADD COLUMN searched_after uuid;

-- A keyed hash of the address on a document, in one form: clients of one address are linked.
ALTER TABLE kyc_documents ADD COLUMN address_index bytea;

CREATE INDEX idx_kyc_documents_address_index ON kyc_documents (address_index) WHERE address_index IS NOT NULL;

-- Files on their way into the store of documents: written before the file, gone with the row that names it. What stays here was cut.
CREATE TABLE kyc_pending_files (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    file_url varchar(500) NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX idx_kyc_pending_files_created_at ON kyc_pending_files (created_at, id);

ALTER TABLE kyc_pending_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE kyc_pending_files FORCE ROW LEVEL SECURITY;
CREATE POLICY kyc_pending_files_system ON kyc_pending_files FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());

GRANT SELECT, INSERT, DELETE ON kyc_pending_files TO siaga_app;

CREATE TRIGGER kyc_pending_files_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kyc_pending_files
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
