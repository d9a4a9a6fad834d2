-- Leads, who works them, and how many one person may have. What identifies a lead's person is sealed text inside of `data`,
-- under the key of `subject_id`; the index columns are keyed hashes, and unique: two leads never have one contact.

CREATE TABLE crm_settings (
    org_id uuid PRIMARY KEY REFERENCES organizations (id),
    rule text NOT NULL DEFAULT 'round_robin' CHECK (rule IN ('round_robin', 'territory', 'skill')),
    limits jsonb NOT NULL DEFAULT '{}', -- most open leads of a column of the board; more are shown as too many, none is refused
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- `available` follows users: active, not on leave, in sales. `active_leads` follows leads. Neither is written by the program.
CREATE TABLE sales_agents (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    org_id uuid NOT NULL REFERENCES organizations (id),
    active_leads integer NOT NULL DEFAULT 0 CONSTRAINT sales_agents_active_leads CHECK (active_leads BETWEEN 0 AND 50),
    cap integer NOT NULL DEFAULT 50 CHECK (cap BETWEEN 0 AND 50),
    accepting boolean NOT NULL DEFAULT true,
    available boolean NOT NULL DEFAULT false,
    turn bigint NOT NULL DEFAULT 0,
    territories text[] NOT NULL DEFAULT '{}',
    skills text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_sales_agents_org_id ON sales_agents (org_id, turn);

-- `data` holds name, phone, email and city; `data_at` when each was said, microseconds: the newest wins.
CREATE TABLE leads (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations (id),
    subject_id uuid NOT NULL,
    user_id uuid REFERENCES users (id),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 50),
    channel text NOT NULL DEFAULT 'web' CHECK (length(channel) BETWEEN 1 AND 30),
    utm jsonb NOT NULL DEFAULT '{}',
    stage text NOT NULL DEFAULT 'new'
        CHECK (stage IN ('new', 'contacted', 'interested', 'demo', 'kyc', 'verified', 'deposit', 'active')),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'lost', 'merged')),
    reason_sealed bytea,
    score integer NOT NULL DEFAULT 0 CHECK (score BETWEEN 0 AND 100),
    engaged_until timestamptz,
    budget_confirmed boolean NOT NULL DEFAULT false,
    crossings integer NOT NULL DEFAULT 0,
    data jsonb NOT NULL DEFAULT '{}',
    data_at jsonb NOT NULL DEFAULT '{}',
    phone_index bytea,
    email_index bytea,
    past_contacts bytea[] NOT NULL DEFAULT '{}', -- keyed hashes of contacts that were replaced, oldest first
    territory text,
    interests text[] NOT NULL DEFAULT '{}',
    assigned_to uuid REFERENCES users (id),
    team_id uuid REFERENCES teams (id),
    referrer_id uuid REFERENCES users (id),
    merged_into uuid, -- no reference: a dump is read back in the order of its pages, not of its merges
    kyc_passed integer NOT NULL DEFAULT 0,
    kyc_failed integer NOT NULL DEFAULT 0,
    stage_since timestamptz NOT NULL,
    due_at timestamptz,
    breached_at timestamptz,
    touched_at timestamptz,
    converted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 1,
    CHECK ((status = 'merged') = (merged_into IS NOT NULL)),
    CHECK (status <> 'merged' OR (phone_index IS NULL AND email_index IS NULL))
);

CREATE UNIQUE INDEX idx_leads_phone_index ON leads (org_id, phone_index) WHERE phone_index IS NOT NULL;
CREATE UNIQUE INDEX idx_leads_email_index ON leads (org_id, email_index) WHERE email_index IS NOT NULL;
-- A client's lead is found by its present contacts alone.
CREATE INDEX idx_leads_past_contacts ON leads USING gin (past_contacts) WHERE status <> 'merged' AND user_id IS NULL;
CREATE UNIQUE INDEX idx_leads_user_id ON leads (user_id) WHERE user_id IS NOT NULL AND status <> 'merged';
CREATE INDEX idx_leads_subject_id ON leads (subject_id);
CREATE INDEX idx_leads_merged_into ON leads (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX idx_leads_stage ON leads (org_id, stage, created_at DESC, id DESC) WHERE status = 'open';
CREATE INDEX idx_leads_created_at ON leads (org_id, created_at DESC, id DESC);
CREATE INDEX idx_leads_assigned_to ON leads (assigned_to, created_at DESC, id DESC) WHERE assigned_to IS NOT NULL;
CREATE INDEX idx_leads_team_id ON leads (team_id) WHERE team_id IS NOT NULL;
CREATE INDEX idx_leads_referrer_id ON leads (referrer_id) WHERE referrer_id IS NOT NULL;
-- The pool, oldest first.
CREATE INDEX idx_leads_pool ON leads (org_id, created_at, id) WHERE assigned_to IS NULL AND status = 'open' AND stage <> 'active';
CREATE INDEX idx_leads_due_at ON leads (due_at, id) WHERE status = 'open' AND breached_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX idx_leads_untouched ON leads (created_at, id) WHERE status = 'open' AND stage = 'new' AND touched_at IS NULL;

-- Counts the active leads of an agent, and refuses one more than there is room for: SG050 the cap, SG051 absent or no agent. A new
-- row that has an agent comes out of a dump: it counts, whether or not the agent is on leave.
CREATE FUNCTION leads_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
    was uuid;
    becomes uuid;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF OLD.status = 'open' AND OLD.stage <> 'active' THEN
            was := OLD.assigned_to;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF NEW.status = 'open' AND NEW.stage <> 'active' THEN
            becomes := NEW.assigned_to;
        END IF;
    END IF;
    IF was IS NOT DISTINCT FROM becomes THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('app.current_user_id', 'system', true);
    IF was IS NOT NULL THEN
        UPDATE public.sales_agents SET active_leads = active_leads - 1 WHERE user_id = was;
    END IF;
    IF becomes IS NOT NULL THEN
        UPDATE public.sales_agents AS a
            SET active_leads = a.active_leads + 1,
                turn = CASE WHEN TG_OP = 'INSERT' THEN a.turn ELSE (SELECT coalesce(max(o.turn), 0) + 1 FROM public.sales_agents AS o WHERE o.org_id = a.org_id) END
            WHERE a.user_id = becomes AND ((a.available AND a.accepting AND a.active_leads < a.cap) OR TG_OP = 'INSERT');
        IF NOT FOUND THEN
            IF EXISTS (SELECT FROM public.sales_agents WHERE user_id = becomes AND available AND accepting) THEN
                RAISE EXCEPTION 'the agent has all the leads they can have' USING ERRCODE = 'SG050';
            END IF;
            RAISE EXCEPTION 'the agent takes no leads' USING ERRCODE = 'SG051';
        END IF;
    END IF;
    PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
    RETURN NULL;
END
$$;

CREATE TRIGGER leads_count AFTER INSERT OR UPDATE OR DELETE ON leads FOR EACH ROW EXECUTE FUNCTION leads_count();

CREATE FUNCTION sales_available(who uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
    found boolean;
BEGIN
    PERFORM set_config('app.current_user_id', 'system', true);
    SELECT u.status = 'active' AND NOT u.on_leave AND u.role IN ('sales_agent', 'sales_manager', 'super_admin') INTO found
        FROM public.users u WHERE u.id = who;
    PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
    RETURN coalesce(found, false);
END
$$;

CREATE FUNCTION sales_agents_begin() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.active_leads := 0;
    NEW.available := sales_available(NEW.user_id);
    RETURN NEW;
END
$$;

CREATE TRIGGER sales_agents_begin BEFORE INSERT ON sales_agents FOR EACH ROW EXECUTE FUNCTION sales_agents_begin();

CREATE FUNCTION users_of_sales() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
    free boolean := NEW.status = 'active' AND NOT NEW.on_leave AND NEW.role IN ('sales_agent', 'sales_manager', 'super_admin');
BEGIN
    PERFORM set_config('app.current_user_id', 'system', true);
    UPDATE public.sales_agents SET available = free WHERE user_id = NEW.id AND available IS DISTINCT FROM free;
    PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
    RETURN NULL;
END
$$;

CREATE TRIGGER users_of_sales AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION users_of_sales();

ALTER TABLE crm_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY crm_settings_read ON crm_settings FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_staff())));
CREATE POLICY crm_settings_write ON crm_settings FOR ALL
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('crm', 'full')) = 'all'))
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('crm', 'full')) = 'all'));

ALTER TABLE sales_agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE sales_agents FORCE ROW LEVEL SECURITY;
CREATE POLICY sales_agents_read ON sales_agents FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_staff()) AND (SELECT app_scope('crm', 'read')) <> 'none'));
CREATE POLICY sales_agents_write ON sales_agents FOR ALL
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND ((SELECT app_scope('crm', 'write')) = 'all'
            OR ((SELECT app_scope('crm', 'write')) = 'team'
                AND user_id IN (SELECT u.id FROM users AS u WHERE u.team_id = ANY ((SELECT app_teams())::uuid[]))))))
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND ((SELECT app_scope('crm', 'write')) = 'all'
            OR ((SELECT app_scope('crm', 'write')) = 'team'
                AND user_id IN (SELECT u.id FROM users AS u WHERE u.team_id = ANY ((SELECT app_teams())::uuid[]))))));

-- A partner sees who came through them.
ALTER TABLE leads ENABLE ROW LEVEL SECURITY;
ALTER TABLE leads FORCE ROW LEVEL SECURITY;
CREATE POLICY leads_read ON leads FOR SELECT
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND (app_within((SELECT app_scope('crm', 'read')), assigned_to, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[])
            OR (referrer_id = (SELECT app_user_id()) AND (SELECT app_scope('crm', 'read')) <> 'none'))));
CREATE POLICY leads_add ON leads FOR INSERT WITH CHECK (app_is_system());
CREATE POLICY leads_change ON leads FOR UPDATE
    USING (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND app_within((SELECT app_scope('crm', 'write')), assigned_to, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[])))
    WITH CHECK (app_is_system() OR (org_id = ANY ((SELECT app_orgs())::uuid[])
        AND app_within((SELECT app_scope('crm', 'write')), assigned_to, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[])));

-- Whose a lead is, and what the program alone decides, is not changed by those who work it.
CREATE FUNCTION leads_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.org_id <> OLD.org_id THEN
        RAISE EXCEPTION 'the keys of a lead do not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT app_is_system() AND app_scope('crm', 'write') = 'own'
        AND ROW(NEW.assigned_to, NEW.team_id, NEW.referrer_id, NEW.subject_id, NEW.user_id, NEW.kyc_passed, NEW.kyc_failed)
            IS DISTINCT FROM ROW(OLD.assigned_to, OLD.team_id, OLD.referrer_id, OLD.subject_id, OLD.user_id, OLD.kyc_passed, OLD.kyc_failed)
    THEN
        RAISE EXCEPTION 'an agent does not change whose a lead is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER leads_guard BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION leads_guard();
CREATE TRIGGER leads_touch BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
-- Counting is no change of the agent: a dump that is read back counts anew.
CREATE TRIGGER sales_agents_touch BEFORE UPDATE OF cap, accepting, territories, skills ON sales_agents FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER crm_settings_touch BEFORE UPDATE ON crm_settings FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

GRANT SELECT, INSERT, UPDATE ON leads, crm_settings TO siaga_app;
GRANT SELECT, INSERT ON sales_agents TO siaga_app;
GRANT UPDATE (cap, accepting, territories, skills, updated_at) ON sales_agents TO siaga_app;

CREATE TRIGGER leads_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON leads
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER sales_agents_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sales_agents
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER crm_settings_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_settings
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
