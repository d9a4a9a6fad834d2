INSERT INTO signing_keys (kid, private_sealed, created_at) VALUES ('first', '\x01', '2026-11-29 00:00Z');
INSERT INTO api_keys (id, user_id, org_id, name, prefix, digest, scopes, created_at, expires_at)
VALUES ('00000000-0000-7000-8000-000000002201', '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'bridge', '0123456789ab', '\x02', '{desk.read}', '2026-11-29 00:00Z', '2027-02-27 00:00Z');
