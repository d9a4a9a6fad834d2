-- An administrator of another organisation administers that one (B1.12). What all organisations share is changed by the house's own, and
-- what was done for somebody else's is not told.

DROP POLICY sanctions_sources_change ON sanctions_sources;
CREATE POLICY sanctions_sources_change ON sanctions_sources FOR UPDATE
    USING (app_is_system() OR ('00000000-0000-7000-8000-000000000001' = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('aml', 'full')) = 'all'))
    WITH CHECK (app_is_system() OR ('00000000-0000-7000-8000-000000000001' = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('aml', 'full')) = 'all'));

DROP POLICY erasure_ledger_read ON erasure_ledger;
CREATE POLICY erasure_ledger_read ON erasure_ledger FOR SELECT
    USING (app_is_system() OR ((SELECT app_scope('people', 'read')) = 'all'
        AND EXISTS (SELECT FROM subject_requests AS r WHERE r.id = request_id AND r.org_id = ANY ((SELECT app_orgs())::uuid[]))));

DROP POLICY retention_runs_read ON retention_runs;
CREATE POLICY retention_runs_read ON retention_runs FOR SELECT
    USING (app_is_system() OR ('00000000-0000-7000-8000-000000000001' = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('audit', 'read')) = 'all'));
