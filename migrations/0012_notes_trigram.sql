-- requires: pg_trgm
-- Notes are found by any part of a word; without the extension ILIKE reads the table.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE INDEX notes_text_trigram ON notes USING gin (text gin_trgm_ops);
