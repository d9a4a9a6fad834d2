INSERT INTO names (kind, id, name) VALUES ('instrument', 1, 'EURUSD'), ('currency', 1, 'USD');
INSERT INTO accounts_directory (account, system, outside_id, owner) VALUES (1, 'mt5', '10001', '7');
INSERT INTO notes (hash, text, author) VALUES (-42, 'Closed by telephone', 'system');
