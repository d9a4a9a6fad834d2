-- A row of every kind that a route names by its key, all of the client Rina of the house: what strangers must not reach.
INSERT INTO organizations (id, name, slug) VALUES ('00000000-0000-7000-8000-000000000077', 'Another house', 'another-house');
INSERT INTO teams (id, org_id, name) VALUES ('00000000-0000-7000-8000-000000000010', '00000000-0000-7000-8000-000000000001', 'Jakarta');
INSERT INTO users (id, org_id, username, role, team_id, status)
    VALUES ('00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', 'rina', 'end_user', '00000000-0000-7000-8000-000000000010', 'active');
INSERT INTO org_members (id, org_id, user_id, role)
    VALUES ('00000000-0000-7000-8000-000000000012', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'member');
INSERT INTO sessions (id, user_id, org_id, place, client, created_at, seen_at)
    VALUES ('00000000-0000-7000-8000-000000002001', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', 1, 'browser', now(), now());
INSERT INTO api_keys (id, user_id, org_id, name, prefix, digest, scopes, created_at, expires_at)
    VALUES ('00000000-0000-7000-8000-000000002201', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', 'robot', '0123456789ab', '\x02', '{desk.read}', now(), now() + interval '90 days');
INSERT INTO passkeys (id, user_id, credential_id, name, passkey, created_at)
    VALUES ('00000000-0000-7000-8000-000000002102', '00000000-0000-7000-8000-000000000011', '\x04', 'laptop', '{}', now());
INSERT INTO provider_identities (id, user_id, provider, subject_index, created_at)
    VALUES ('00000000-0000-7000-8000-000000002103', '00000000-0000-7000-8000-000000000011', 'google', '\x05', now());
INSERT INTO subject_requests (id, org_id, subject_id, kind, status, requested_by, created_at, due_at, done_at)
    VALUES ('00000000-0000-7000-8000-000000000031', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'export', 'done', 'system', now(), now() + interval '30 days', now());
INSERT INTO erasure_ledger (request_id, store, action, items, done_at)
    VALUES ('00000000-0000-7000-8000-000000000031', 'users', 'nothing_found', 0, now());
INSERT INTO legal_holds (id, org_id, category, subject_id, reason, placed_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000032', '00000000-0000-7000-8000-000000000001', 'erasure', '00000000-0000-7000-8000-000000000011', 'a case', 'system', now());
INSERT INTO sales_agents (user_id, org_id) VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001');
-- The second one is lost, so that nobody is given it while the test runs.
INSERT INTO leads (id, org_id, subject_id, source, stage_since, assigned_to, team_id, status)
    VALUES ('00000000-0000-7000-8000-000000003001', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000003101', 'web', now(), '00000000-0000-7000-8000-000000000002', NULL, 'open'),
           ('00000000-0000-7000-8000-000000003002', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000003102', 'web', now(), NULL, '00000000-0000-7000-8000-000000000010', 'lost');
INSERT INTO lead_facts (id, org_id, lead_id, kind, source, recorded_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000003201', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000003001', 'name', 'web', 'system', now());
INSERT INTO lead_merges (id, org_id, lead_id, created_at)
    VALUES ('00000000-0000-7000-8000-000000003601', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000003001', now());
INSERT INTO lead_sources (id, org_id, name, channel, secret_sealed)
    VALUES ('00000000-0000-7000-8000-000000003701', '00000000-0000-7000-8000-000000000001', 'landing', 'web', '\x01');
INSERT INTO tasks (id, org_id, lead_id, due_date)
    VALUES ('00000000-0000-7000-8000-000000003801', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000003001', now());
INSERT INTO lead_deals (id, org_id, lead_id, expected_usd_cents)
    VALUES ('00000000-0000-7000-8000-000000003901', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000003001', 500000);
INSERT INTO crm_notices (id, org_id, user_id, kind, told, created_at)
    VALUES ('00000000-0000-7000-8000-000000003c01', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'left', 'x', now());
INSERT INTO kyc_cases (id, org_id, user_id, team_id, status, submitted_at, due_at, created_at)
    VALUES ('00000000-0000-7000-8000-000000000041', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000010',
            'REVIEW_REQUIRED', now(), now() + interval '3 days', now());
INSERT INTO kyc_documents (id, org_id, user_id, team_id, kyc_case_id, attempt, document_type, status, media_type, bytes, width, height, quality, ocr_status, created_at)
    VALUES ('00000000-0000-7000-8000-000000000042', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000010',
            '00000000-0000-7000-8000-000000000041', 1, 'ktp', 'review', 'image/jpeg', 1000, 640, 400, 80, 'by_hand', now());
INSERT INTO kyc_disputes (id, org_id, user_id, team_id, kyc_case_id, status, status_before, outcome, due_at, resolved_by, resolved_at, created_at)
    VALUES ('00000000-0000-7000-8000-000000000044', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000010',
            '00000000-0000-7000-8000-000000000041', 'resolved', 'active', 'dismissed', now(), '00000000-0000-7000-8000-000000000002', now(), now());
INSERT INTO aml_cases (id, org_id, kind, user_id, severity, created_at)
    VALUES ('00000000-0000-7000-8000-000000000511', '00000000-0000-7000-8000-000000000001', 'sanctions', '00000000-0000-7000-8000-000000000011', 'high', now());
INSERT INTO aml_hits (id, org_id, case_id, user_id, source, uid, entry_digest, grade, created_at)
    VALUES ('00000000-0000-7000-8000-000000000513', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000511', '00000000-0000-7000-8000-000000000011', 'un', '1', 'e', '{}', now());
INSERT INTO aml_reports (id, org_id, case_id, user_id, drafted_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000516', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000511', '00000000-0000-7000-8000-000000000011', 'system', now());
INSERT INTO sanctions_whitelist (id, org_id, user_id, source, uid, entry_digest, added_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000502', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'un', '1', 'e', 'system', now());
INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at)
    VALUES ('00000000-0000-7000-8000-000000000518', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 1, 'deposit', 'USD', 100, 100, 'system', now());
INSERT INTO accounts_directory AS known (account, system, outside_id, user_id, org_id)
    VALUES (8, 'siaga', '8', '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001')
    ON CONFLICT (account) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id;
-- A client of no team, and their case: what only those reach who see all.
INSERT INTO users (id, org_id, username, role, status)
    VALUES ('00000000-0000-7000-8000-000000000013', '00000000-0000-7000-8000-000000000001', 'joko', 'end_user', 'active');
INSERT INTO kyc_cases (id, org_id, user_id, status, submitted_at, due_at, created_at)
    VALUES ('00000000-0000-7000-8000-000000000045', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000013',
            'REVIEW_REQUIRED', now(), now() + interval '3 days', now());
