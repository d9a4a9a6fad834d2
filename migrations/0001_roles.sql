-- The role every transaction of the program takes, and how a policy learns for whom it acts.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'siaga_app') THEN
        BEGIN
            CREATE ROLE siaga_app NOLOGIN NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- made at the same moment for another database of this server
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            EXECUTE format('GRANT siaga_app TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL; -- an administrator made the role and granted it
        END;
    END IF;
END
$$;

CREATE FUNCTION app_user() RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('app.current_user_id', true), '') $$;
