-- How people sign in: passwords, what is counted of failures, sessions and their refresh tokens. All of it
-- is the sign-in's own: no policy lets a person read a row, not even their own, except of their sessions.

CREATE TABLE credentials (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    password_hash text NOT NULL,
    changed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Failures of an account or of an address of the network, named by a keyed hash. `attempts` holds those
-- of the window only (microseconds of UTC), never more than lock.
CREATE TABLE sign_in_counts (
    id bytea PRIMARY KEY,
    attempts bigint[] NOT NULL DEFAULT '{}' CHECK (cardinality(attempts) <= 20),
    locked_until timestamptz,
    locks integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL
);

CREATE INDEX idx_sign_in_counts_updated_at ON sign_in_counts (updated_at);

-- A person has three places for sessions; a place is free when its session has ended.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    org_id uuid NOT NULL REFERENCES organizations (id),
    place smallint NOT NULL CHECK (place BETWEEN 1 AND 3),
    client text NOT NULL CHECK (client IN ('browser', 'api')),
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('signed_out', 'replaced', 'idle', 'reused', 'revoked')),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);

CREATE UNIQUE INDEX idx_sessions_place ON sessions (user_id, place) WHERE ended_at IS NULL;
CREATE INDEX idx_sessions_user_id ON sessions (user_id, created_at DESC);
CREATE INDEX idx_sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- Kept as digests. A used token stays until the session is swept: its second use tells of a copy.
CREATE TABLE refresh_tokens (
    digest bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    again smallint NOT NULL DEFAULT 0
);

CREATE INDEX idx_refresh_tokens_session_id ON refresh_tokens (session_id);

-- Sign-ins that wait for their second factor, and ceremonies of passkeys and providers in between their
-- two requests. `state` is sealed: it holds what the other side must not choose.
CREATE TABLE sign_in_challenges (
    digest bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('mfa', 'passkey', 'provider')),
    user_id uuid REFERENCES users (id),
    session_id uuid REFERENCES sessions (id) ON DELETE CASCADE,
    client text NOT NULL CHECK (client IN ('browser', 'api')),
    state_sealed bytea,
    tries smallint NOT NULL DEFAULT 0,
    used_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX idx_sign_in_challenges_created_at ON sign_in_challenges (created_at);

ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials FORCE ROW LEVEL SECURITY;
CREATE POLICY credentials_system ON credentials FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE sign_in_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY sign_in_counts_system ON sign_in_counts FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_read ON sessions FOR SELECT
    USING (app_is_system() OR user_id = (SELECT app_user_id())
        OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('people', 'read')) = 'all'));
CREATE POLICY sessions_add ON sessions FOR INSERT WITH CHECK (app_is_system());
CREATE POLICY sessions_change ON sessions FOR UPDATE USING (app_is_system()) WITH CHECK (app_is_system());
CREATE POLICY sessions_sweep ON sessions FOR DELETE USING (app_is_system());
ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE refresh_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY refresh_tokens_system ON refresh_tokens FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE sign_in_challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_challenges FORCE ROW LEVEL SECURITY;
CREATE POLICY sign_in_challenges_system ON sign_in_challenges FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());

GRANT SELECT, INSERT, UPDATE, DELETE ON credentials, sign_in_counts, sessions, refresh_tokens, sign_in_challenges TO siaga_app;

CREATE TRIGGER credentials_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON credentials
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER sign_in_counts_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sign_in_counts
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
-- That a session was seen again is no change worth a dump.
CREATE TRIGGER sessions_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF ended_at, confirmed_at ON sessions
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER refresh_tokens_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON refresh_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER sign_in_challenges_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sign_in_challenges
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
