-- Why a person's rows are held may say who they are: it is sealed under the key that the law's term keeps. `reason` has what is said of a
-- hold on everybody, and of one on a person what was written before, until the daily job has sealed it.
ALTER TABLE legal_holds ADD COLUMN reason_sealed bytea;
