SET LOCAL app.current_user_id = 'system';
INSERT INTO events (source_seq, source_index, type, time, account, payload) VALUES (12, 1, 'risk.margin_warning', '2025-04-09 00:00Z', 1, '{}');
INSERT INTO audit_log (source_seq, source_index, time, actor, action, scope, detail) VALUES (13, 0, '2025-04-09 00:00Z', 7, 'mode', 'house', '{}');
