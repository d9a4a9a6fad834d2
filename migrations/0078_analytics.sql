-- Figures of the business are an area of their own (B1.21): reading views them, writing takes them out as a file. Which rows they count is
-- decided by the area that the rows are of.

ALTER TABLE role_grants DROP CONSTRAINT role_grants_area_check;
ALTER TABLE role_grants ADD CONSTRAINT role_grants_area_check
    CHECK (area IN ('crm', 'kyc', 'finance', 'trading', 'aml', 'content', 'people', 'audit', 'analytics'));

INSERT INTO role_grants (role, area, verb, scope) VALUES
    ('super_admin', 'analytics', 'read', 'all'),
    ('super_admin', 'analytics', 'request', 'all'),
    ('super_admin', 'analytics', 'write', 'all'),
    ('super_admin', 'analytics', 'full', 'all'),
    ('sales_manager', 'analytics', 'read', 'team'),
    ('sales_manager', 'analytics', 'request', 'team'),
    ('sales_manager', 'analytics', 'write', 'team'),
    ('sales_agent', 'analytics', 'read', 'all'),
    ('cs_staff', 'analytics', 'read', 'all'),
    ('ib_partner', 'analytics', 'read', 'own'),
    ('compliance_officer', 'analytics', 'read', 'all'),
    ('auditor', 'analytics', 'read', 'all');
