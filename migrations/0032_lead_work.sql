-- What sales does about leads: follow-up tasks, deals, who may read a lead's conversation, the first word of the system, and what
-- people of sales were told. Titles and texts may name a person, so they are sealed under the lead's key.

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    lead_id uuid NOT NULL REFERENCES leads (id),
    assignee_id uuid REFERENCES users (id),
    creator_id uuid REFERENCES users (id),
    title_sealed bytea,
    description_sealed bytea,
    priority text NOT NULL DEFAULT 'medium' CHECK (priority IN ('critical', 'high', 'medium', 'low')),
    status text NOT NULL DEFAULT 'todo' CHECK (status IN ('todo', 'in_progress', 'review', 'done')),
    due_date timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 1
);

CREATE INDEX idx_tasks_lead_id ON tasks (lead_id, status);
CREATE INDEX idx_tasks_assignee_id ON tasks (assignee_id, due_date, id) WHERE status <> 'done';
CREATE INDEX idx_tasks_due_date ON tasks (due_date, id) WHERE status <> 'done';

CREATE TABLE lead_deals (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    lead_id uuid NOT NULL REFERENCES leads (id),
    owner_id uuid REFERENCES users (id),
    title_sealed bytea,
    expected_usd_cents bigint NOT NULL CHECK (expected_usd_cents >= 0),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'won', 'lost')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 1
);

CREATE INDEX idx_lead_deals_lead_id ON lead_deals (lead_id, id);
CREATE INDEX idx_lead_deals_owner_id ON lead_deals (owner_id) WHERE status = 'open';

-- Who may read what a lead wrote. Archived when the lead goes to somebody else, or its agent leaves.
CREATE TABLE conversation_access (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    lead_id uuid NOT NULL REFERENCES leads (id),
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    archived_at timestamptz
);

CREATE UNIQUE INDEX idx_conversation_access_open ON conversation_access (lead_id, user_id) WHERE archived_at IS NULL;
CREATE INDEX idx_conversation_access_user_id ON conversation_access (user_id) WHERE archived_at IS NULL;

-- The first word of the system: one for each lead.
CREATE TABLE lead_outreaches (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    lead_id uuid NOT NULL UNIQUE REFERENCES leads (id),
    channel text CHECK (channel IN ('email', 'whatsapp', 'sms')),
    template text NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'sending', 'sent', 'failed', 'not_needed')),
    due_at timestamptz NOT NULL,
    sent_at timestamptz,
    reference text,
    failure text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL))
);

CREATE INDEX idx_lead_outreaches_due_at ON lead_outreaches (due_at, id) WHERE status = 'waiting';

-- `told` names the cause, so that nobody is told twice of one.
CREATE TABLE crm_notices (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    kind text NOT NULL CHECK (kind IN ('score', 'merged', 'assigned', 'sla', 'left', 'hot')),
    lead_id uuid REFERENCES leads (id),
    detail jsonb NOT NULL DEFAULT '{}',
    told text NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    UNIQUE (user_id, told)
);

CREATE INDEX idx_crm_notices_user_id ON crm_notices (user_id, created_at DESC, id DESC);
CREATE INDEX idx_crm_notices_unread ON crm_notices (user_id, created_at DESC, id DESC) WHERE read_at IS NULL;

ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
CREATE POLICY tasks_read ON tasks FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_staff())
        AND (assignee_id = (SELECT app_user_id()) OR EXISTS (SELECT FROM leads AS l WHERE l.id = lead_id))));
CREATE POLICY tasks_add ON tasks FOR INSERT
    WITH CHECK (app_is_system() OR (creator_id = app_user_id() AND app_writes_lead(lead_id)));
CREATE POLICY tasks_change ON tasks FOR UPDATE
    USING (app_is_system() OR app_writes_lead(lead_id)
        OR (assignee_id = (SELECT app_user_id()) AND (SELECT app_scope('crm', 'write')) <> 'none'))
    WITH CHECK (app_is_system() OR app_writes_lead(lead_id)
        OR (assignee_id = (SELECT app_user_id()) AND (SELECT app_scope('crm', 'write')) <> 'none'));

ALTER TABLE lead_deals ENABLE ROW LEVEL SECURITY;
ALTER TABLE lead_deals FORCE ROW LEVEL SECURITY;
CREATE POLICY lead_deals_read ON lead_deals FOR SELECT
    USING (app_is_system() OR ((SELECT app_staff()) AND EXISTS (SELECT FROM leads AS l WHERE l.id = lead_id)));
CREATE POLICY lead_deals_add ON lead_deals FOR INSERT WITH CHECK (app_is_system() OR app_writes_lead(lead_id));
CREATE POLICY lead_deals_change ON lead_deals FOR UPDATE
    USING (app_is_system() OR app_writes_lead(lead_id)) WITH CHECK (app_is_system() OR app_writes_lead(lead_id));

ALTER TABLE conversation_access ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation_access FORCE ROW LEVEL SECURITY;
CREATE POLICY conversation_access_read ON conversation_access FOR SELECT
    USING (app_is_system() OR user_id = (SELECT app_user_id())
        OR ((SELECT app_staff()) AND EXISTS (SELECT FROM leads AS l WHERE l.id = lead_id)));
CREATE POLICY conversation_access_add ON conversation_access FOR INSERT WITH CHECK (app_is_system() OR app_writes_lead(lead_id));
CREATE POLICY conversation_access_change ON conversation_access FOR UPDATE
    USING (app_is_system() OR app_writes_lead(lead_id)) WITH CHECK (app_is_system() OR app_writes_lead(lead_id));

ALTER TABLE lead_outreaches ENABLE ROW LEVEL SECURITY;
ALTER TABLE lead_outreaches FORCE ROW LEVEL SECURITY;
CREATE POLICY lead_outreaches_read ON lead_outreaches FOR SELECT
    USING (app_is_system() OR ((SELECT app_staff()) AND EXISTS (SELECT FROM leads AS l WHERE l.id = lead_id)));
CREATE POLICY lead_outreaches_write ON lead_outreaches FOR ALL USING (app_is_system()) WITH CHECK (app_is_system());

ALTER TABLE crm_notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm_notices FORCE ROW LEVEL SECURITY;
CREATE POLICY crm_notices_read ON crm_notices FOR SELECT USING (app_is_system() OR user_id = (SELECT app_user_id()));
CREATE POLICY crm_notices_add ON crm_notices FOR INSERT
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_staff())
        AND (SELECT app_scope('crm', 'write')) <> 'none'));
CREATE POLICY crm_notices_change ON crm_notices FOR UPDATE
    USING (app_is_system() OR user_id = (SELECT app_user_id())) WITH CHECK (app_is_system() OR user_id = (SELECT app_user_id()));

CREATE TRIGGER tasks_touch BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER lead_deals_touch BEFORE UPDATE ON lead_deals FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER lead_outreaches_touch BEFORE UPDATE ON lead_outreaches FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

GRANT SELECT, INSERT, UPDATE ON tasks, lead_deals, conversation_access, lead_outreaches TO siaga_app;
GRANT SELECT, INSERT ON crm_notices TO siaga_app;
GRANT UPDATE (read_at) ON crm_notices TO siaga_app;

CREATE TRIGGER tasks_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tasks
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER lead_deals_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON lead_deals
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER conversation_access_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON conversation_access
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER lead_outreaches_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON lead_outreaches
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER crm_notices_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_notices
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
