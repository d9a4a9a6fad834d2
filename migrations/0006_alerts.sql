-- Alerts as they stand, and the timeline of each. The body is the alert in the core's own encoding,
-- from which texts are written in the reader's language; title and summary are for searching.

CREATE TABLE alerts (
    id bigint PRIMARY KEY,
    revision bigint NOT NULL,
    rule text NOT NULL,
    rule_revision integer NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL,
    severity text NOT NULL,
    silenced boolean NOT NULL DEFAULT false,
    inhibited boolean NOT NULL DEFAULT false,
    flapping boolean NOT NULL DEFAULT false,
    snoozed_until timestamptz,
    escalated smallint NOT NULL DEFAULT 0,
    account bigint,
    instrument bigint,
    labels jsonb NOT NULL DEFAULT '{}',
    title text NOT NULL,
    summary text NOT NULL,
    value text,
    raise_level text,
    clear_level text,
    hold_ns bigint NOT NULL DEFAULT 0,
    started timestamptz NOT NULL,
    changed timestamptz NOT NULL,
    ended timestamptz,
    evidence jsonb NOT NULL DEFAULT '{}',
    money_at_risk bigint,
    owner bigint,
    acknowledged_by bigint,
    acknowledged timestamptz,
    body bytea NOT NULL,
    seq bigint NOT NULL,
    index bigint NOT NULL
);

CREATE INDEX alerts_active ON alerts (id DESC) WHERE state IN ('pending', 'firing', 'acknowledged');
CREATE INDEX alerts_account ON alerts (account, id DESC) WHERE account IS NOT NULL;

CREATE TABLE alert_events (
    alert bigint NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL,
    kind text NOT NULL,
    actor bigint NOT NULL DEFAULT 0,
    note bigint NOT NULL DEFAULT 0,
    detail jsonb NOT NULL DEFAULT '{}',
    seq bigint NOT NULL,
    index bigint NOT NULL,
    PRIMARY KEY (alert, revision, kind)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON alerts, alert_events TO siaga_app;
