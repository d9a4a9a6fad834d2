SET LOCAL app.current_user_id = 'system';
UPDATE kyc_cases SET typed_at = '2026-07-01 00:00Z', called_at = '2026-07-03 06:01Z';
UPDATE kyc_disputes SET called_at = '2026-07-04 00:01Z';
UPDATE sanctions_sources SET etags = '{"\"v1\""}' WHERE name = 'un';
