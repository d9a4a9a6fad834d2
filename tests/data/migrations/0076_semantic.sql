-- A page of the house and its vector.
SET LOCAL app.current_user_id = 'system';
INSERT INTO projects (id, org_id, name) VALUES ('00000000-0000-7000-8000-000000000761', '00000000-0000-7000-8000-000000000001', 'Knowledge');
INSERT INTO documents (id, org_id, project_id, author_id, title, content, status)
VALUES ('00000000-0000-7000-8000-000000000762', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000761',
    '00000000-0000-7000-8000-000000000002', 'Margin', 'What a margin call is.', 'published');
INSERT INTO ai_embeddings (id, org_id, source_id, source_type, source_version, embedding, metadata)
SELECT '00000000-0000-7000-8000-000000000763', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000762', 'document', 1,
    array_agg(CASE WHEN n = 1 THEN 1 ELSE 0 END::real ORDER BY n), '{"model": "test", "version": "1"}' FROM generate_series(1, 1536) AS n;
