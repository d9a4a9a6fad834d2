INSERT INTO totp_secrets (user_id, secret_sealed, confirmed_at, last_counter, created_at) VALUES ('00000000-0000-7000-8000-000000000002', '\x01', '2026-11-29 00:00Z', 59863680, '2026-11-29 00:00Z');
INSERT INTO recovery_codes (id, user_id, digest, created_at) VALUES ('00000000-0000-7000-8000-000000002101', '00000000-0000-7000-8000-000000000002', '\x02', '2026-11-29 00:00Z');
INSERT INTO sent_codes (user_id, purpose, digest, created_at) VALUES ('00000000-0000-7000-8000-000000000002', 'password', '\x03', '2026-11-29 00:00Z');
INSERT INTO passkeys (id, user_id, credential_id, name, passkey, created_at) VALUES ('00000000-0000-7000-8000-000000002102', '00000000-0000-7000-8000-000000000002', '\x04', 'laptop', '{}', '2026-11-29 00:00Z');
INSERT INTO confirmed_contacts (user_id, what, value_index, confirmed_at) VALUES ('00000000-0000-7000-8000-000000000002', 'email', '\x05', '2026-11-29 00:00Z');
INSERT INTO provider_identities (id, user_id, provider, subject_index, created_at) VALUES ('00000000-0000-7000-8000-000000002103', '00000000-0000-7000-8000-000000000002', 'google', '\x06', '2026-11-29 00:00Z');
