SET LOCAL app.current_user_id = 'system';
INSERT INTO sanctions_versions (id, source, version, status, digest, entries, added, changed, removed, taken_by, created_at)
    VALUES ('01930000-0000-7000-8000-000000000501', 'un', 1, 'adopted', 'd', 1, 1, 0, 0, 'system', now());
INSERT INTO sanctions_entries (source, uid, digest, entry, from_version) VALUES ('un', '1', 'e', '{"uid": "1"}', 1);
INSERT INTO sanctions_whitelist (id, org_id, user_id, source, uid, entry_digest, added_by, created_at)
    VALUES ('01930000-0000-7000-8000-000000000502', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'un', '1', 'e',
        'system', now());
