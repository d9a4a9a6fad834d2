SET LOCAL app.current_user_id = 'system';
INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000040', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 1, 'deposit', 'USD', 100000, 100000, 'system', '2026-11-01 08:00Z');
