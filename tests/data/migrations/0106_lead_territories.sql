-- Leads of an older program, which wrote the city in the clear and did not say who answers for a contact. A page's; one whose address came
-- later; one that sales worked on; one with a number alone, worked on; one that had another number; one that came in twice; a client's.
SET LOCAL app.current_user_id = 'system';
INSERT INTO users (id, org_id, username, role, status)
VALUES ('00000000-0000-7000-8000-000000011507', '00000000-0000-7000-8000-000000000001', 'client_of_before', 'end_user', 'active');
INSERT INTO leads (id, org_id, subject_id, user_id, source, territory, stage_since, created_at, updated_at, touched_at, data, data_at, past_contacts)
SELECT ('00000000-0000-7000-8000-00000001150' || n)::uuid, '00000000-0000-7000-8000-000000000001', ('00000000-0000-7000-8000-00000001150' || n)::uuid,
    CASE WHEN n = 7 THEN '00000000-0000-7000-8000-000000011507'::uuid END, 'web', 'bandung', '2026-01-05 08:00Z', '2026-01-05 08:00Z', '2026-01-05 08:00Z',
    CASE WHEN n IN (3, 4) THEN '2026-01-05 09:00Z'::timestamptz END,
    CASE WHEN n IN (4, 5) THEN '{"phone": "x"}'::jsonb ELSE '{"phone": "x", "email": "x"}'::jsonb END,
    CASE WHEN n IN (4, 5) THEN '{"phone": 5}'::jsonb WHEN n = 2 THEN '{"phone": 5, "email": 6}'::jsonb ELSE '{"phone": 5, "email": 5}'::jsonb END,
    CASE WHEN n = 5 THEN ARRAY['\x15'::bytea] ELSE '{}'::bytea[] END
FROM generate_series(1, 7) AS n;
INSERT INTO lead_merges (id, org_id, lead_id, created_at)
VALUES ('00000000-0000-7000-8000-000000011511', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000011506', '2026-01-05 09:00Z');
