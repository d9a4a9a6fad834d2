INSERT INTO alerts (id, revision, rule, rule_revision, fingerprint, state, severity, account, title, summary, started, changed, body, seq, index)
VALUES (1, 2, 'margin_warning', 1, 'margin:1', 'firing', 'warning', 1, 'Margin level 92 %', 'Account 1', '2025-04-09 00:00Z', '2025-04-09 00:00Z', '\x00', 12, 1);
INSERT INTO alert_events (alert, revision, time, kind, seq, index) VALUES (1, 1, '2025-04-09 00:00Z', 'raised', 12, 1);
