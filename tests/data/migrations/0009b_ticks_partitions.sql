SELECT ensure_tick_partitions('2025-04-09', 2);
INSERT INTO ticks SELECT '2025-04-09 00:00Z'::timestamptz + n * interval '1 second', 1, 1, 110000, 110002, 0, 0, n
FROM generate_series(1, 1000) AS n;
