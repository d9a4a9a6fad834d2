-- One client was a lead of the owner before they registered; the other was one already when a lead was made of them.
SET LOCAL app.current_user_id = 'system';
INSERT INTO users (id, org_id, username, role, status, created_at)
VALUES ('00000000-0000-7000-8000-000000000711', '00000000-0000-7000-8000-000000000001', 'came_by_a_lead', 'end_user', 'active', '2026-02-01 08:00Z'),
       ('00000000-0000-7000-8000-000000000712', '00000000-0000-7000-8000-000000000001', 'was_there', 'end_user', 'active', '2026-01-01 08:00Z');
INSERT INTO leads (id, org_id, subject_id, user_id, source, stage_since, created_at, referrer_id)
SELECT ('00000000-0000-7000-8000-0000000072' || right(u.id::text, 2))::uuid, u.org_id, u.id, u.id, 'web', '2026-01-05 08:00Z', '2026-01-05 08:00Z',
    '00000000-0000-7000-8000-000000000002'
FROM users AS u WHERE u.username IN ('came_by_a_lead', 'was_there');
