-- The owner wants another address.
SET LOCAL app.current_user_id = 'system';
INSERT INTO sent_codes (user_id, purpose, digest, value_sealed, created_at) VALUES ('00000000-0000-7000-8000-000000000002', 'new_email', '\x01', '\x02', '2026-11-29 00:00Z');
