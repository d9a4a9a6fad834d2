-- What the core calls by number has its outside name here. These rows exist nowhere else, so they
-- are part of the platform dump.

CREATE TABLE names (
    kind text NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (kind, id),
    UNIQUE (kind, name)
);

CREATE TABLE accounts_directory (
    account bigint PRIMARY KEY,
    system text NOT NULL,
    outside_id text NOT NULL,
    owner text,
    title text NOT NULL DEFAULT '',
    UNIQUE (system, outside_id)
);

CREATE INDEX accounts_directory_owner ON accounts_directory (owner) WHERE owner IS NOT NULL;

-- Free text never enters the journal: an input carries the hash, the text stands here.
CREATE TABLE notes (
    hash bigint PRIMARY KEY,
    text text NOT NULL,
    author text NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY notes_read ON notes FOR SELECT USING (app_user() IS NOT NULL);
CREATE POLICY notes_write ON notes FOR INSERT WITH CHECK (author = app_user() OR app_user() = 'system');

GRANT SELECT, INSERT, UPDATE, DELETE ON names, accounts_directory TO siaga_app;
GRANT SELECT, INSERT ON notes TO siaga_app;
