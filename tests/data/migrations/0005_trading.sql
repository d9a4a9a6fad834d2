INSERT INTO orders SELECT n, 1, 1, 1, 'buy', 'market', 'ioc', 100, NULL, NULL, NULL, NULL, false, NULL, NULL, 0,
    '\x00000000000000000000000000000001', 0, 0, 0, 'client', 'filled', 100, 11000000, 0, 110000,
    '2025-04-09 00:00Z', '2025-04-09 00:00Z', n, 0
FROM generate_series(1, 200) AS n;
INSERT INTO deals VALUES (5, 1, '2025-04-09 00:00Z', 4, 1, 1, 5, 'buy', 100, 110000, 350, 0, 1000000, 'client', '\x01');
INSERT INTO positions_closed VALUES (5, 1, 1, 'buy', 110000, '2025-04-09 00:00Z', '2025-04-09 01:00Z', 0, 700, -1200, 9);
INSERT INTO cash_movements VALUES
    (2, 0, 0, '2025-04-09 00:00Z', 1, 'account', 'deposit', 1000000, 1000000, 0, 77),
    (2, 0, 1, '2025-04-09 00:00Z', 1, 'house:deposit', 'deposit', -1000000, NULL, NULL, 77);
