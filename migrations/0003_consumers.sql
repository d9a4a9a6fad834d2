-- How far each reader of the output log has come; moved in the transaction of the rows it wrote.

CREATE TABLE consumers (
    name text PRIMARY KEY,
    cursor_seq bigint NOT NULL DEFAULT 0,
    cursor_index bigint NOT NULL DEFAULT 0,
    moved timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON consumers TO siaga_app;
