-- Whoever asked for a movement does not learn that compliance holds it: it keeps what they are told of it. `held_from` is its status
-- before it was held, the two others its approval then; `untold` are the changes of `revision` that its client is not told of. One that was
-- approved is told as approved through the hold, its release and another approval.
ALTER TABLE cash_requests ADD COLUMN held_from text CHECK (held_from IN ('requested', 'approved'));
ALTER TABLE cash_requests ADD COLUMN held_approved_by text;
ALTER TABLE cash_requests ADD COLUMN held_decided_at timestamptz;
ALTER TABLE cash_requests ADD COLUMN untold bigint NOT NULL DEFAULT 0;

SELECT set_config('app.current_user_id', 'system', true);

-- Held ones of before: the log says which had been approved, by whom and when. Their clients know the revision as it stands.
UPDATE cash_requests AS r SET held_from = 'approved', held_approved_by = coalesce(r.approved_by, a.new_value ->> 'by'), held_decided_at = a.created_at
    FROM audit_log AS a
    WHERE r.status = 'held' AND a.entity_type = 'cash_request' AND a.entity_id = r.id::text AND a.new_value ->> 'status' = 'approved'
        AND NOT EXISTS (SELECT FROM audit_log AS b WHERE b.entity_type = a.entity_type AND b.entity_id = a.entity_id
                        AND b.new_value ->> 'status' = 'approved' AND b.id < a.id);
UPDATE cash_requests SET held_from = 'requested' WHERE status = 'held' AND held_from IS NULL;

SELECT set_config('app.current_user_id', '', true);
