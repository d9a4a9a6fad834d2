-- Nobody writes again in the clear where a lead is from: no program of before that works on the same database, and no dump of before. The table
-- is written anew once more, so that no cell has what came in since.
ALTER TABLE leads ALTER COLUMN territory TYPE text USING NULL;

CREATE FUNCTION leads_territory() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.territory := NULL;
    RETURN NEW;
END
$$;

CREATE TRIGGER leads_territory BEFORE INSERT OR UPDATE ON leads
    FOR EACH ROW WHEN (NEW.territory IS NOT NULL) EXECUTE FUNCTION leads_territory();
