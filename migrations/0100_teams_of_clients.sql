-- A client belongs to the team that has their lead: who reads KYC of a team finds the client's case, documents, decisions, disputes and
-- account by it. Nothing sets users.team_id of a client; it counts for people of the house, who have no lead.

-- In the transaction that gives a lead to another team or binds it to a user. Whoever assigns leads may not write KYC, so it is done as the
-- system.
CREATE FUNCTION leads_team_of_kyc() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
    team uuid;
BEGIN
    IF NEW.user_id IS NULL OR NEW.status = 'merged' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.user_id IS NOT DISTINCT FROM OLD.user_id AND NEW.team_id IS NOT DISTINCT FROM OLD.team_id AND OLD.status <> 'merged' THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM set_config('app.current_user_id', 'system', true);
    team := coalesce(NEW.team_id, (SELECT u.team_id FROM public.users AS u WHERE u.id = NEW.user_id));
    -- The case first: whoever writes the other rows holds it.
    UPDATE public.kyc_cases AS k SET team_id = team WHERE k.user_id = NEW.user_id AND k.team_id IS DISTINCT FROM team;
    UPDATE public.kyc_documents AS k SET team_id = team WHERE k.user_id = NEW.user_id AND k.team_id IS DISTINCT FROM team;
    UPDATE public.kyc_reviews AS k SET team_id = team WHERE k.user_id = NEW.user_id AND k.team_id IS DISTINCT FROM team;
    UPDATE public.kyc_disputes AS k SET team_id = team WHERE k.user_id = NEW.user_id AND k.team_id IS DISTINCT FROM team;
    UPDATE public.kyc_accounts AS k SET team_id = team WHERE k.user_id = NEW.user_id AND k.team_id IS DISTINCT FROM team;
    PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
    RETURN NULL;
END
$$;

CREATE TRIGGER leads_team_of_kyc AFTER INSERT OR UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION leads_team_of_kyc();

-- Whoever reads the case of a team reads whose it is.
ALTER POLICY users_read ON users
    USING (app_is_system() OR id = (SELECT app_user_id())
        OR (org_id = ANY ((SELECT app_orgs())::uuid[])
            AND ((SELECT app_scope('people', 'read')) = 'all'
                OR ((SELECT app_staff()) AND role IN (SELECT name FROM roles WHERE staff))
                OR app_within((SELECT app_scope('kyc', 'read')), id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[])
                OR app_within((SELECT app_scope('crm', 'read')), referrer_id, team_id, (SELECT app_user_id()), (SELECT app_teams())::uuid[])
                OR ((SELECT app_scope('kyc', 'read')) = 'team'
                    AND id IN (SELECT c.user_id FROM kyc_cases AS c WHERE c.team_id = ANY ((SELECT app_teams())::uuid[]))))));

SELECT set_config('app.current_user_id', 'system', true);

UPDATE kyc_cases AS k SET team_id = l.team_id FROM leads AS l
    WHERE l.user_id = k.user_id AND l.status <> 'merged' AND l.team_id IS NOT NULL AND k.team_id IS DISTINCT FROM l.team_id;
UPDATE kyc_documents AS k SET team_id = l.team_id FROM leads AS l
    WHERE l.user_id = k.user_id AND l.status <> 'merged' AND l.team_id IS NOT NULL AND k.team_id IS DISTINCT FROM l.team_id;
UPDATE kyc_reviews AS k SET team_id = l.team_id FROM leads AS l
    WHERE l.user_id = k.user_id AND l.status <> 'merged' AND l.team_id IS NOT NULL AND k.team_id IS DISTINCT FROM l.team_id;
UPDATE kyc_disputes AS k SET team_id = l.team_id FROM leads AS l
    WHERE l.user_id = k.user_id AND l.status <> 'merged' AND l.team_id IS NOT NULL AND k.team_id IS DISTINCT FROM l.team_id;
UPDATE kyc_accounts AS k SET team_id = l.team_id FROM leads AS l
    WHERE l.user_id = k.user_id AND l.status <> 'merged' AND l.team_id IS NOT NULL AND k.team_id IS DISTINCT FROM l.team_id;

SELECT set_config('app.current_user_id', '', true);
