-- Leads that were given up name nobody two years after their last change: the job looks for them by it.
CREATE INDEX idx_leads_updated_at ON leads (updated_at, id) WHERE status = 'lost' AND user_id IS NULL;
