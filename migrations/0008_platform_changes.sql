-- Counts changes of the rows that exist nowhere but here, so that the dump of them is written when
-- something changed and not otherwise. A sequence: it is not taken back by a rollback and locks nothing.

CREATE SEQUENCE platform_changes;
GRANT USAGE, SELECT ON SEQUENCE platform_changes TO siaga_app;

CREATE FUNCTION count_platform_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM nextval('platform_changes'); RETURN NULL; END $$;

CREATE TRIGGER names_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON names
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER accounts_directory_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts_directory
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER notes_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON notes
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
CREATE TRIGGER audit_log_changed AFTER INSERT ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
