SET LOCAL app.current_user_id = 'system';
INSERT INTO kyc_cases (id, org_id, user_id, status, attempt, failed, first_reviewer, submitted_at, due_at, created_at)
    VALUES ('00000000-0000-7000-8000-000000000041', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'REVIEW_REQUIRED', 2, 1,
            '00000000-0000-7000-8000-000000000002', '2026-07-01 00:00Z', '2026-07-03 06:00Z', '2026-06-30 00:00Z');
INSERT INTO kyc_documents (id, org_id, user_id, kyc_case_id, attempt, document_type, status, file_url, media_type, bytes, width, height, content_index, quality, ocr_status, created_at)
    VALUES ('00000000-0000-7000-8000-000000000042', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011',
            '00000000-0000-7000-8000-000000000041', 2, 'ktp', 'review', 'kyc/00/42', 'image/jpeg', 1000, 640, 400, '\x01', 80, 'by_hand', '2026-07-01 00:00Z');
INSERT INTO kyc_reviews (id, org_id, user_id, kyc_case_id, attempt, reviewer_id, action, reason, created_at)
    VALUES ('00000000-0000-7000-8000-000000000043', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011',
            '00000000-0000-7000-8000-000000000041', 1, '00000000-0000-7000-8000-000000000002', 'reject', 'other', '2026-06-30 12:00Z');
INSERT INTO kyc_disputes (id, org_id, user_id, kyc_case_id, status, status_before, outcome, due_at, resolved_by, resolved_at, created_at)
    VALUES ('00000000-0000-7000-8000-000000000044', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011',
            '00000000-0000-7000-8000-000000000041', 'resolved', 'active', 'dismissed', '2026-07-04 00:00Z', '00000000-0000-7000-8000-000000000002',
            '2026-07-02 00:00Z', '2026-07-01 00:00Z');
INSERT INTO kyc_accounts (user_id, org_id, created_at)
    VALUES ('00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', '2026-07-01 00:00Z');
