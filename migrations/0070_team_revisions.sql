-- Whoever changes a team says which state of it they saw, as with other rows that are patched.
ALTER TABLE teams ADD COLUMN revision bigint NOT NULL DEFAULT 1;
