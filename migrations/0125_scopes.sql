-- Every policy asks this of every row. As a statement it cannot be inlined where a look-up is an argument, and each call starts an
-- executor; an expression of a procedure starts none.
CREATE OR REPLACE FUNCTION app_within(scope text, owner uuid, team uuid, me uuid, my_teams uuid[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $$
BEGIN
    RETURN CASE scope WHEN 'all' THEN true
                      WHEN 'team' THEN coalesce(owner = me, false) OR coalesce(team = ANY (my_teams), false)
                      WHEN 'own' THEN coalesce(owner = me, false)
                      ELSE false END;
END
$$;
