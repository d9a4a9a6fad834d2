-- The keys that sign access tokens, and the keys of programs.

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    private_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX idx_signing_keys_created_at ON signing_keys (created_at);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    org_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    prefix text NOT NULL UNIQUE,
    digest bytea NOT NULL,
    scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 50),
    tier text NOT NULL DEFAULT 'standard' CHECK (tier IN ('standard', 'plus', 'bridge')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz
);

CREATE INDEX idx_api_keys_user_id ON api_keys (user_id, id);

ALTER TABLE signing_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE signing_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY signing_keys_system ON signing_keys FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY api_keys_own ON api_keys FOR ALL
    USING (app_is_system() OR user_id = (SELECT app_user_id()))
    WITH CHECK (app_is_system() OR (user_id = (SELECT app_user_id()) AND org_id = ANY ((SELECT app_orgs())::uuid[])));

GRANT SELECT, INSERT, DELETE ON signing_keys TO siaga_app;
GRANT SELECT, INSERT, UPDATE ON api_keys TO siaga_app;

CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER api_keys_changed AFTER INSERT OR UPDATE OF revoked_at OR DELETE OR TRUNCATE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
