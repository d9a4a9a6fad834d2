INSERT INTO instruments VALUES (1, 'forex', 5, 2, 2, 1, 100000, 0, 'full', 0, 3);
INSERT INTO bars SELECT 1, 1, '2025-04-09 00:00Z'::timestamptz + n * interval '1 minute',
    110000, 110010, 109990, 110005, 110002, 110012, 109992, 110007, 220002, 220022, 219982, 220012, 60, 0, 0, n
FROM generate_series(1, 500) AS n;
