SET LOCAL app.current_user_id = 'system';
INSERT INTO subject_keys (subject_id, org_id, wrapped, wrapped_under, created_at)
    VALUES ('00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', '\x01', 'k1', '2026-11-01 08:00Z');
INSERT INTO consents (id, org_id, subject_id, purpose, granted, source, text_version, recorded_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000030', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'profiling', true, 'web', '1', 'system', '2026-11-01 08:00Z');
INSERT INTO subject_requests (id, org_id, subject_id, kind, requested_by, created_at, due_at)
    VALUES ('00000000-0000-7000-8000-000000000031', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'erasure', 'system', '2026-11-01 08:00Z', '2026-12-01 08:00Z');
INSERT INTO erasure_ledger (request_id, store, action, items, done_at) VALUES ('00000000-0000-7000-8000-000000000031', 'users', 'anonymised', 1, '2026-11-01 08:00Z');
INSERT INTO legal_holds (id, org_id, category, reason, placed_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000032', '00000000-0000-7000-8000-000000000001', 'chat', 'a case', 'system', '2026-11-01 08:00Z');
INSERT INTO retention_runs (id, category, before, outcome, items, created_at)
    VALUES ('00000000-0000-7000-8000-000000000033', 'chat', '2026-10-01 08:00Z', 'done', 1, '2026-11-01 08:00Z');
INSERT INTO search_entries (entity_type, entity_id, org_id, area, words, updated_at)
    VALUES ('user', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', 'people', 'agent jakarta', '2026-11-01 08:00Z');
INSERT INTO search_grams (gram, ref) SELECT 42, ref FROM search_entries;
