-- Second factors: authenticator apps, recovery codes, sent codes, passkeys, and who a person is at a provider.

-- One app per person. `last_counter` is the step of the newest code that was taken: none of it or before is taken again.
CREATE TABLE totp_secrets (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    secret_sealed bytea,
    confirmed_at timestamptz,
    last_counter bigint,
    created_at timestamptz NOT NULL
);

CREATE TABLE recovery_codes (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    digest bytea NOT NULL UNIQUE,
    used_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX idx_recovery_codes_user_id ON recovery_codes (user_id) WHERE used_at IS NULL;

-- One code per person and purpose: a new one replaces the old.
CREATE TABLE sent_codes (
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('confirm_email', 'confirm_phone', 'mfa_email', 'mfa_sms', 'password')),
    digest bytea NOT NULL,
    tries smallint NOT NULL DEFAULT 0 CHECK (tries <= 5),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, purpose)
);

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    credential_id bytea NOT NULL UNIQUE,
    name text NOT NULL,
    passkey jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX idx_passkeys_user_id ON passkeys (user_id, id);

-- What was shown to be the person's: an address or a number that a code reached. `as_factor`: the person
-- wants to be asked for a code by it at every sign-in.
CREATE TABLE confirmed_contacts (
    user_id uuid NOT NULL REFERENCES users (id),
    what text NOT NULL CHECK (what IN ('email', 'phone')),
    value_index bytea NOT NULL,
    as_factor boolean NOT NULL DEFAULT false,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, what)
);

CREATE TABLE provider_identities (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    provider text NOT NULL,
    subject_index bytea NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE UNIQUE INDEX idx_provider_identities_subject ON provider_identities (provider, subject_index);
CREATE INDEX idx_provider_identities_user_id ON provider_identities (user_id);

ALTER TABLE totp_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE totp_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY totp_secrets_system ON totp_secrets FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY recovery_codes_system ON recovery_codes FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE sent_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE sent_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY sent_codes_system ON sent_codes FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY;
ALTER TABLE passkeys FORCE ROW LEVEL SECURITY;
CREATE POLICY passkeys_system ON passkeys FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE confirmed_contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE confirmed_contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY confirmed_contacts_system ON confirmed_contacts FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());
ALTER TABLE provider_identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_identities FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_identities_system ON provider_identities FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());

GRANT SELECT, INSERT, UPDATE, DELETE ON totp_secrets, recovery_codes, sent_codes, passkeys, confirmed_contacts, provider_identities TO siaga_app;

CREATE TRIGGER totp_secrets_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON totp_secrets
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER recovery_codes_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON recovery_codes
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER sent_codes_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sent_codes
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER passkeys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON passkeys
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER confirmed_contacts_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON confirmed_contacts
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER provider_identities_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON provider_identities
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
