-- requires: vector
-- Meanings are compared by an index of pgvector, over the same column: without the extension the exact comparison stays.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE INDEX idx_ai_embeddings_embedding ON ai_embeddings USING hnsw ((embedding::vector(1536)) vector_cosine_ops);

-- Row-level security takes rows out behind the index: it is read on, nearest first, until there are enough. pgvector before 0.8 cannot
-- read on; there more are taken at once.
CREATE OR REPLACE FUNCTION ai_nearest(asked real[], of_org uuid, of_model text, above double precision, most integer)
    RETURNS TABLE (source_type text, source_id uuid, similarity double precision)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    wanted vector(1536) := asked::vector(1536); -- loads the library, so that it knows its settings
BEGIN
    IF current_setting('hnsw.iterative_scan', true) IS NULL THEN
        PERFORM set_config('hnsw.ef_search', '1000', true);
    ELSE
        PERFORM set_config('hnsw.iterative_scan', 'strict_order', true);
        PERFORM set_config('hnsw.max_scan_tuples', '100000', true);
    END IF;
    RETURN QUERY
        SELECT n.source_type, n.source_id, n.similarity FROM (
            SELECT e.source_type, e.source_id, 1 - ((e.embedding::vector(1536)) <=> wanted) AS similarity
            FROM ai_embeddings AS e WHERE e.org_id = of_org AND e.metadata ->> 'model' = of_model
            ORDER BY (e.embedding::vector(1536)) <=> wanted LIMIT most) AS n
        WHERE n.similarity > above ORDER BY n.similarity DESC, n.source_id;
END
$$;
