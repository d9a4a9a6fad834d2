-- What people say of themselves (E3.52): how much they are willing to risk, and what they like to trade. They alone write it; who may
-- see people reads it. It ends with them. What they did is counted from sessions, orders and deposits when somebody asks, and kept nowhere.
CREATE TABLE user_preferences (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    org_id uuid NOT NULL REFERENCES organizations (id),
    risk_appetite text CHECK (risk_appetite IN ('low', 'medium', 'high')),
    preferred_assets text[] NOT NULL DEFAULT '{}' CHECK (cardinality(preferred_assets) <= 20),
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

ALTER TABLE user_preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_preferences FORCE ROW LEVEL SECURITY;
CREATE POLICY user_preferences_read ON user_preferences FOR SELECT
    USING (app_is_system() OR user_id = (SELECT app_user_id())
        OR (org_id = ANY ((SELECT app_orgs())::uuid[]) AND (SELECT app_scope('people', 'read')) = 'all'));
CREATE POLICY user_preferences_add ON user_preferences FOR INSERT
    WITH CHECK (app_is_system() OR (user_id = (SELECT app_user_id()) AND org_id = ANY ((SELECT app_orgs())::uuid[])));
CREATE POLICY user_preferences_change ON user_preferences FOR UPDATE
    USING (app_is_system() OR (user_id = (SELECT app_user_id()) AND org_id = ANY ((SELECT app_orgs())::uuid[])))
    WITH CHECK (app_is_system() OR (user_id = (SELECT app_user_id()) AND org_id = ANY ((SELECT app_orgs())::uuid[])));
CREATE POLICY user_preferences_end ON user_preferences FOR DELETE USING (app_is_system());

GRANT SELECT, INSERT, UPDATE, DELETE ON user_preferences TO siaga_app;

CREATE TRIGGER user_preferences_touch BEFORE UPDATE ON user_preferences FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER user_preferences_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON user_preferences
    FOR EACH STATEMENT EXECUTE FUNCTION count_platform_change();
