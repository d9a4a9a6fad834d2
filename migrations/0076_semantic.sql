-- What is found by its meaning: workspaces and their documents (N4.18, N4.19), a vector of each text (N4.20), and what the assistant may
-- see of them (N4.32, N4.34, N4.51). There is no table of comments, so none has a vector.

CREATE TABLE projects (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    ai_context jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(ai_context) = 'object' AND octet_length(ai_context::text) <= 10000),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived', 'deleted')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_projects_org_id ON projects (org_id, id);

-- Texts about no person, as they are: what is said of one belongs to their lead, sealed. `version` counts changes of the text.
CREATE TABLE documents (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    project_id uuid NOT NULL REFERENCES projects (id),
    author_id uuid REFERENCES users (id),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    content text NOT NULL DEFAULT '' CHECK (length(content) <= 50000),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'deleted')),
    version integer NOT NULL DEFAULT 1,
    ai_summary jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(ai_summary) = 'object' AND octet_length(ai_summary::text) <= 10000),
    ai_metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(ai_metadata) = 'object' AND octet_length(ai_metadata::text) <= 10000),
    search_vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || content)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_documents_search_vector ON documents USING gin (search_vector);
CREATE INDEX idx_documents_project_id ON documents (project_id, status, created_at);
CREATE INDEX idx_documents_deleted ON documents (updated_at, id) WHERE status = 'deleted';

-- Whether it is a direction: of length one, so that a product of two is their cosine, and neither zero nor NaN spoils an order.
CREATE FUNCTION app_is_direction(v real[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT coalesce(bool_and(n.x IS NOT NULL) AND abs(sum(n.x::double precision * n.x::double precision) - 1) < 0.001, false) FROM unnest(v) AS n (x) $$;

-- One vector a source; `metadata` says by which model, of which version, it was made. It is sight of the text it was made of: it is seen
-- by whoever sees the source, and ends with it.
CREATE TABLE ai_embeddings (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    source_id uuid NOT NULL,
    source_type text NOT NULL CHECK (source_type IN ('document', 'task')),
    -- The version of the document that was read.
    source_version integer CHECK ((source_version IS NULL) = (source_type = 'task')),
    embedding real[] NOT NULL CHECK (cardinality(embedding) = 1536 AND app_is_direction(embedding)),
    metadata jsonb NOT NULL CHECK (coalesce(length(metadata ->> 'model'), 0) BETWEEN 1 AND 100 AND octet_length(metadata::text) <= 500),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX idx_ai_embeddings_source_id ON ai_embeddings (source_id, source_type);
CREATE INDEX idx_ai_embeddings_org_id ON ai_embeddings (org_id, created_at DESC, id DESC);

DO $$
BEGIN
    -- One row a page: a search reads no second place for each, and a slice of a dump stays small.
    ALTER TABLE ai_embeddings ALTER COLUMN embedding SET STORAGE PLAIN;
END
$$;

-- A vector that comes behind a change of its text is not kept: the row is read as it stands now, under a lock, since whoever changes it at
-- this moment does not see the vector, and the statement that brings it does not see the change.
CREATE FUNCTION ai_embeddings_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
    stands integer;
BEGIN
    IF NEW.source_type <> 'document' THEN
        RETURN NEW;
    END IF;
    PERFORM set_config('app.current_user_id', 'system', true);
    SELECT d.version INTO stands FROM public.documents AS d WHERE d.id = NEW.source_id FOR SHARE;
    PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
    IF stands IS DISTINCT FROM NEW.source_version THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER ai_embeddings_guard BEFORE INSERT ON ai_embeddings FOR EACH ROW EXECUTE FUNCTION ai_embeddings_guard();

-- A text that changes, or goes, takes with it what was made of it before.
CREATE FUNCTION documents_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
BEGIN
    IF NEW.id <> OLD.id OR NEW.org_id <> OLD.org_id THEN
        RAISE EXCEPTION 'the keys of a document do not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF ROW(NEW.title, NEW.content) IS DISTINCT FROM ROW(OLD.title, OLD.content) OR (NEW.status = 'deleted' AND OLD.status <> 'deleted') THEN
        NEW.version := OLD.version + 1;
        NEW.ai_summary := '{}';
        NEW.ai_metadata := '{}';
        PERFORM set_config('app.current_user_id', 'system', true);
        DELETE FROM public.ai_embeddings WHERE source_type = 'document' AND source_id = OLD.id;
        PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER documents_guard BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION documents_guard();
CREATE TRIGGER documents_touch BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER projects_touch BEFORE UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects FORCE ROW LEVEL SECURITY;
CREATE POLICY projects_read ON projects FOR SELECT USING (app_is_system() OR org_id = ANY ((SELECT app_orgs())::uuid[]));
CREATE POLICY projects_add ON projects FOR INSERT
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('content', 'write')) = 'all'));
CREATE POLICY projects_change ON projects FOR UPDATE
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('content', 'write')) = 'all'))
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('content', 'write')) = 'all'));

-- What is published is read by every member of its organisation, the rest by whom the area content lets. The policies look into no other
-- table: the assistant, who updates a summary under them, reads none.
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
CREATE POLICY documents_read ON documents FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (status = 'published'
        OR app_within((SELECT app_scope('content', 'read')), author_id, NULL, (SELECT app_user_id()), (SELECT app_teams())::uuid[]))));
CREATE POLICY documents_add ON documents FOR INSERT
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND app_within((SELECT app_scope('content', 'write')), author_id, NULL, (SELECT app_user_id()), (SELECT app_teams())::uuid[])));
CREATE POLICY documents_change ON documents FOR UPDATE
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND app_within((SELECT app_scope('content', 'write')), author_id, NULL, (SELECT app_user_id()), (SELECT app_teams())::uuid[])))
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND app_within((SELECT app_scope('content', 'write')), author_id, NULL, (SELECT app_user_id()), (SELECT app_teams())::uuid[])));
CREATE POLICY documents_end ON documents FOR DELETE USING (app_is_system());

-- How urgent a task is (N4.34); the program has the same rule.
CREATE FUNCTION app_urgency(due timestamptz, moment timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN due < moment THEN 'overdue' WHEN due - moment < INTERVAL '24 hours' THEN 'urgent'
                      WHEN due - moment < INTERVAL '168 hours' THEN 'upcoming' ELSE 'scheduled' END $$;

ALTER TABLE ai_embeddings ENABLE ROW LEVEL SECURITY;
ALTER TABLE ai_embeddings FORCE ROW LEVEL SECURITY;
CREATE POLICY ai_embeddings_read ON ai_embeddings FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND CASE source_type
        WHEN 'document' THEN EXISTS (SELECT FROM documents AS d WHERE d.id = source_id AND d.org_id = ai_embeddings.org_id)
        ELSE EXISTS (SELECT FROM tasks AS t WHERE t.id = source_id AND t.org_id = ai_embeddings.org_id) END));
CREATE POLICY ai_embeddings_end ON ai_embeddings FOR DELETE USING (app_is_system());

-- The names are the requirements', the kind is not: a materialized view has no row-level security, and would show every organisation to
-- each, as of its last refresh. These are read through the policies of their tables, now. They belong to the program's role, and not to
-- whoever migrates: a view reads as its owner, and a superuser passes every policy. So the assistant, who reads no table, sees here what
-- the user of the transaction would see, and no more. The barrier keeps its conditions ahead of anybody's functions.
CREATE VIEW mv_ai_document_context WITH (security_barrier = true) AS
    SELECT d.id AS document_id, d.org_id, o.name AS organization_name, d.project_id, p.name AS project_name, p.ai_context,
        d.author_id, u.role AS author_role, d.title, d.content, d.status, d.version, d.ai_summary, d.ai_metadata, d.updated_at,
        e.embedding, e.metadata AS embedding_metadata
    FROM documents AS d
    JOIN projects AS p ON p.id = d.project_id
    LEFT JOIN organizations AS o ON o.id = d.org_id
    LEFT JOIN users AS u ON u.id = d.author_id
    LEFT JOIN ai_embeddings AS e ON e.source_type = 'document' AND e.source_id = d.id
    WHERE d.status <> 'deleted' AND p.status <> 'deleted';

-- What a task says may name a person and stays sealed: the assistant sees when it is due and for whom.
CREATE VIEW mv_ai_task_intelligence WITH (security_barrier = true) AS
    SELECT t.id AS task_id, t.org_id, t.lead_id, t.assignee_id, t.creator_id, t.priority, t.status, t.due_date,
        app_urgency(t.due_date, now()) AS urgency_level, t.created_at, t.updated_at, e.embedding, e.metadata AS embedding_metadata
    FROM tasks AS t
    LEFT JOIN ai_embeddings AS e ON e.source_type = 'task' AND e.source_id = t.id
    WHERE t.status <> 'done';

-- The organisation of a source that the user sees. A policy that named the views would meet itself in them; a function does not.
CREATE FUNCTION app_ai_source(kind text, source uuid) RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT CASE kind WHEN 'document' THEN (SELECT d.org_id FROM mv_ai_document_context AS d WHERE d.document_id = source)
                           WHEN 'task' THEN (SELECT t.org_id FROM mv_ai_task_intelligence AS t WHERE t.task_id = source) END $$;

CREATE POLICY ai_embeddings_add ON ai_embeddings FOR INSERT
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND org_id = app_ai_source(source_type, source_id)));

-- The nearest texts of an organisation that the user may see, nearest first: exactly, over the newest 2,000 vectors of a model, since
-- each is read whole. Where pgvector is, the next file reads an index instead, without that end.
CREATE FUNCTION ai_nearest(asked real[], of_org uuid, of_model text, above double precision, most integer)
    RETURNS TABLE (source_type text, source_id uuid, similarity double precision)
    LANGUAGE sql STABLE
    AS $$
    SELECT n.source_type, n.source_id, n.similarity FROM (
        SELECT e.source_type, e.source_id,
            (SELECT sum(p.a::double precision * p.b::double precision) FROM unnest(e.embedding, asked) AS p (a, b)) AS similarity
        FROM (SELECT v.source_type, v.source_id, v.embedding FROM ai_embeddings AS v
              WHERE v.org_id = of_org AND v.metadata ->> 'model' = of_model ORDER BY v.created_at DESC, v.id DESC LIMIT 2000) AS e) AS n
    WHERE n.similarity > above ORDER BY n.similarity DESC, n.source_id LIMIT most
    $$;

GRANT SELECT, INSERT, UPDATE ON projects TO siaga_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO siaga_app;
GRANT SELECT, INSERT, DELETE ON ai_embeddings TO siaga_app;

-- The assistant: its views, vectors, and summaries of documents. Key and version of a document are there to say which one; a change counts for the
-- dump as everybody's does.
GRANT SELECT ON mv_ai_document_context, mv_ai_task_intelligence TO siaga_assistant;
GRANT INSERT ON ai_embeddings TO siaga_assistant;
GRANT SELECT (id, version), UPDATE (ai_summary, ai_metadata) ON documents TO siaga_assistant;
GRANT USAGE ON SEQUENCE platform_changes TO siaga_assistant;

CREATE TRIGGER projects_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON projects
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER documents_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON documents
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER ai_embeddings_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ai_embeddings
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();

DO $$
BEGIN
    -- Whoever is to own a view has to be allowed to make one at that moment.
    GRANT CREATE ON SCHEMA public TO siaga_app;
    ALTER VIEW mv_ai_document_context OWNER TO siaga_app;
    ALTER VIEW mv_ai_task_intelligence OWNER TO siaga_app;
    REVOKE CREATE ON SCHEMA public FROM siaga_app;
END
$$;
