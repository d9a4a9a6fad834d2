SET LOCAL app.current_user_id = 'system';
INSERT INTO audit_log (created_at, org_id, actor_id, action, entity_type, entity_id, old_value, new_value)
    VALUES ('2026-11-01 08:00Z', '00000000-0000-7000-8000-000000000001', 'system', 'update', 'user', '00000000-0000-7000-8000-000000000011', '{"status": "pending"}', '{"status": "active"}');
