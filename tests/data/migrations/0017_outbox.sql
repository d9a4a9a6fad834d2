SET LOCAL app.current_user_id = 'system';
INSERT INTO events (type, time, payload, event_id, org_id, aggregate_type, aggregate_id, status, next_attempt_at)
    VALUES ('user.registered', '2026-11-01 08:00Z', '{}', '00000000-0000-7000-8000-000000000020', '00000000-0000-7000-8000-000000000001', 'user', '00000000-0000-7000-8000-000000000011', 'pending', '2026-11-01 08:00Z');
INSERT INTO event_receipts (consumer, event_id, applied_at) VALUES ('cache', '00000000-0000-7000-8000-000000000020', '2026-11-01 08:00Z');
INSERT INTO idempotency_keys (user_id, key, route, request_hash, answer_sealed, created_at)
    VALUES ('00000000-0000-7000-8000-000000000011', 'k', 'POST /x', '\x00', '\x01', '2026-11-01 08:00Z');
