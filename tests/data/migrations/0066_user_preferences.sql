-- The owner likes gold, and little risk.
SET LOCAL app.current_user_id = 'system';
INSERT INTO user_preferences (user_id, org_id, risk_appetite, preferred_assets, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'low', '{metal,XAU/USD}', '2026-01-05 08:00Z', '2026-01-05 08:00Z');
