INSERT INTO crm_settings (org_id, rule) VALUES ('00000000-0000-7000-8000-000000000001', 'round_robin');
INSERT INTO sales_agents (user_id, org_id) VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001');
INSERT INTO leads (id, org_id, subject_id, source, stage_since, created_at, assigned_to, phone_index, past_contacts)
SELECT ('00000000-0000-7000-8000-0000000030' || lpad(n::text, 2, '0'))::uuid, '00000000-0000-7000-8000-000000000001',
    ('00000000-0000-7000-8000-0000000031' || lpad(n::text, 2, '0'))::uuid, 'web', '2026-01-05 08:00Z', '2026-01-05 08:00Z',
    '00000000-0000-7000-8000-000000000002', decode(lpad(n::text, 2, '0'), 'hex'),
    ARRAY[decode('aa' || lpad(n::text, 2, '0'), 'hex')]
FROM generate_series(1, 20) AS n;
