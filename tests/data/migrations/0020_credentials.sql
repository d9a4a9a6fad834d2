INSERT INTO credentials (user_id, password_hash, changed_at) VALUES ('00000000-0000-7000-8000-000000000002', '$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$aGFzaA', '2026-11-29 00:00Z');
INSERT INTO sign_in_counts (id, attempts, locks, updated_at) VALUES ('\x01', '{1795910400000000}', 1, '2026-11-29 00:00Z');
INSERT INTO sessions (id, user_id, org_id, place, client, created_at, seen_at)
VALUES ('00000000-0000-7000-8000-000000002001', '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 1, 'browser', '2026-11-29 00:00Z', '2026-11-29 00:01Z');
INSERT INTO refresh_tokens (digest, session_id, created_at) VALUES ('\x02', '00000000-0000-7000-8000-000000002001', '2026-11-29 00:00Z');
INSERT INTO sign_in_challenges (digest, kind, user_id, client, created_at) VALUES ('\x03', 'mfa', '00000000-0000-7000-8000-000000000002', 'browser', '2026-11-29 00:00Z');
