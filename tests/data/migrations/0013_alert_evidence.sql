INSERT INTO alert_evidence (alert, instrument, fired, complete, times_ns, bids, asks)
SELECT n, 1, to_timestamp(1744156800 + n), n % 2 = 0, ARRAY[n, n + 1], ARRAY[110000, 110001], ARRAY[110002, 110003]
FROM generate_series(1, 100) AS n;

INSERT INTO alert_engine (seq, index, state) VALUES (1, 0, '\x0102');
