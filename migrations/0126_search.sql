-- Entries with at least so many of the wanted trigrams, and how many they have. Under the policy of search_grams every entry there is
-- would be asked whether it may be seen; here only those that have enough are, by what the policy search_entries_read asks: nobody
-- learns by it of an entry they may not see.
CREATE FUNCTION app_search(wanted bigint[], needed bigint) RETURNS TABLE (ref bigint, shared bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
DECLARE
    asks text := current_setting('app.current_user_id', true);
    me uuid := app_user_id();
    orgs uuid[] := app_orgs();
    teams uuid[] := app_teams();
BEGIN
    PERFORM set_config('app.current_user_id', 'system', true);
    RETURN QUERY
        SELECT e.ref, hits.shared
        FROM (SELECT g.ref, count(*) AS shared FROM public.search_grams g WHERE g.gram = ANY (wanted)
                GROUP BY g.ref HAVING count(*) >= needed) AS hits
        JOIN public.search_entries e ON e.ref = hits.ref
        LEFT JOIN public.role_grants r ON r.area = e.area AND r.verb = 'read' AND r.role =
            (SELECT u.role FROM public.users u WHERE u.id = me AND u.status IN ('pending', 'active', 'under_review'))
        WHERE asks = 'system' OR (e.org_id = ANY (orgs) AND app_within(r.scope, e.owner_id, e.team_id, me, teams));
    PERFORM set_config('app.current_user_id', coalesce(asks, ''), true);
END
$$;

-- Few have enough letters: what they are joined with is looked up one by one.
DO $$ BEGIN ALTER FUNCTION app_search(bigint[], bigint) ROWS 100; END $$;

-- The assistant searches by meaning alone.
REVOKE EXECUTE ON FUNCTION app_search(bigint[], bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_search(bigint[], bigint) TO siaga_app;
