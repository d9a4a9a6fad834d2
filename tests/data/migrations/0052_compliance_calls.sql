SET LOCAL app.current_user_id = 'system';
UPDATE kyc_cases SET typed_at = '2026-07-01 00:00Z', called_at = '2026-07-03 06:01Z';
UPDATE kyc_disputes SET called_at = '2026-07-04 00:01Z';
UPDATE sanctions_sources SET etags = '{"\"v1\""}' WHERE name = 'un';
UPDATE cash_requests SET called_at = '2026-07-04 00:01Z';
UPDATE aml_cases SET called_at = '2026-07-04 00:01Z';
UPDATE aml_reports SET called_at = '2026-07-04 00:01Z', moved_at = '2026-07-03 00:00Z';
UPDATE sanctions_sources SET called_at = '2026-07-04 00:01Z', searched_event = '01930000-0000-7000-8000-000000000521',
    searched_after = '00000000-0000-7000-8000-000000000011' WHERE name = 'un';
UPDATE kyc_documents SET address_index = '\x02';
INSERT INTO kyc_pending_files (id, org_id, user_id, file_url, created_at)
    VALUES ('01930000-0000-7000-8000-000000000522', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'kyc/00/43',
        '2026-07-04 00:00Z');
-- Two movements that compliance holds; one had been approved.
INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, status, requested_by, decided_at, revision, created_at)
    VALUES ('01930000-0000-7000-8000-000000000523', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 1, 'deposit', 'USD',
        100, 100, 'held', 'system', '2026-07-04 00:00Z', 3, '2026-07-03 00:00Z'),
    ('01930000-0000-7000-8000-000000000524', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 1, 'deposit', 'USD',
        100, 100, 'held', 'system', '2026-07-04 00:00Z', 2, '2026-07-03 00:00Z');
INSERT INTO audit_log (created_at, org_id, actor_id, action, entity_type, entity_id, old_value, new_value)
    VALUES ('2026-07-03 01:00Z', '00000000-0000-7000-8000-000000000001', 'system', 'update', 'cash_request', '01930000-0000-7000-8000-000000000523',
        '{"status": "requested"}', '{"status": "approved", "by": "finance"}');
