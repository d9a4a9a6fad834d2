SET LOCAL app.current_user_id = 'system';
INSERT INTO aml_cases (id, org_id, kind, user_id, severity, created_at)
    VALUES ('01930000-0000-7000-8000-000000000511', '00000000-0000-7000-8000-000000000001', 'sanctions', '00000000-0000-7000-8000-000000000002', 'high', now());
INSERT INTO aml_alerts (id, org_id, case_id, user_id, rule, key, detail, created_at)
    SELECT '01930000-0000-7000-8000-000000000512', org_id, id, user_id, 'sanctions', 'k', 'an entry is near', now() FROM aml_cases;
INSERT INTO aml_hits (id, org_id, case_id, user_id, source, uid, entry_digest, grade, created_at)
    SELECT '01930000-0000-7000-8000-000000000513', org_id, id, user_id, 'un', '1', 'e', '{}', now() FROM aml_cases;
INSERT INTO aml_notes (id, org_id, case_id, user_id, author, created_at)
    SELECT '01930000-0000-7000-8000-000000000514', org_id, id, user_id, 'system', now() FROM aml_cases;
INSERT INTO aml_steps (id, org_id, case_id, user_id, from_status, to_status, made_by, created_at)
    SELECT '01930000-0000-7000-8000-000000000515', org_id, id, user_id, 'open', 'investigating', 'system', now() FROM aml_cases;
INSERT INTO aml_reports (id, org_id, case_id, user_id, drafted_by, created_at)
    SELECT '01930000-0000-7000-8000-000000000516', org_id, id, user_id, 'system', now() FROM aml_cases;
INSERT INTO aml_screenings (id, org_id, user_id, cause, facts_digest, versions, hits, case_id, created_at)
    SELECT '01930000-0000-7000-8000-000000000517', org_id, user_id, 'onboarding', '\x00', '{"un": 1}', 1, id, now() FROM aml_cases;
INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at)
    VALUES ('01930000-0000-7000-8000-000000000518', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 1, 'deposit', 'USD',
        100, 100, 'system', now());
INSERT INTO cash_checks (request_id, org_id, alerts, created_at)
    VALUES ('01930000-0000-7000-8000-000000000518', '00000000-0000-7000-8000-000000000001', 0, now());
INSERT INTO cash_bookings (request_id, org_id, reference, created_at)
    VALUES ('01930000-0000-7000-8000-000000000518', '00000000-0000-7000-8000-000000000001', 4611686018427387905, now());
