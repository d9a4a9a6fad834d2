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
