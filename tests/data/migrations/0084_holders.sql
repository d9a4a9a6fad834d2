SET LOCAL app.current_user_id = 'system';
INSERT INTO open_positions (id, account, instrument) VALUES (5, 1, 1);
INSERT INTO holder_tellings (seq, index, time, type, instrument, payload) VALUES (9, 0, '2025-04-09 00:00Z', 'risk.halt_held', 1, '{}');
