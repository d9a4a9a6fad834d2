-- Whoever works a lead is told that a contact left it.
ALTER TABLE crm_notices DROP CONSTRAINT crm_notices_kind_check;
ALTER TABLE crm_notices ADD CONSTRAINT crm_notices_kind_check CHECK (kind IN ('score', 'merged', 'assigned', 'sla', 'left', 'hot', 'contact'));

-- Leads that came in before it was written down of a contact that every word came in together with it (`phone.always` in `data_at`, with the
-- instant at which the contact was said). It did where a lead has one contact and never had another; and where one word said number and
-- address, and nothing came in after it and nobody of the house did anything about the lead. A client's lead is theirs by what they proved.
-- It is no change of the lead: the term after which one that was given up names nobody goes on.
SELECT set_config('app.current_user_id', 'system', true);
ALTER TABLE leads DISABLE TRIGGER leads_touch;

UPDATE leads AS l
    SET data_at = l.data_at || jsonb_strip_nulls(jsonb_build_object(
        'phone.always', CASE WHEN l.data ->> 'phone' IS NOT NULL THEN l.data_at -> 'phone' END,
        'email.always', CASE WHEN l.data ->> 'email' IS NOT NULL THEN l.data_at -> 'email' END))
    WHERE l.user_id IS NULL AND l.status <> 'merged' AND l.past_contacts = '{}'
        AND coalesce(l.data ->> 'phone', l.data ->> 'email') IS NOT NULL
        AND (l.data ->> 'phone' IS NULL OR l.data ->> 'email' IS NULL
            OR (l.touched_at IS NULL AND (l.data_at -> 'phone') = (l.data_at -> 'email')
                AND NOT EXISTS (SELECT FROM lead_merges AS m WHERE m.lead_id = l.id)))
        AND NOT EXISTS (SELECT FROM leads AS o WHERE o.merged_into = l.id)
        AND NOT EXISTS (SELECT FROM lead_merges AS m WHERE m.other_id = l.id)
        AND NOT EXISTS (SELECT FROM lead_history AS h WHERE h.lead_id = l.id AND h.kind = 'contact')
        AND NOT EXISTS (SELECT FROM jsonb_object_keys(l.data_at) AS k (name) WHERE k.name LIKE '%.always' OR k.name LIKE '%.house');

ALTER TABLE leads ENABLE TRIGGER leads_touch;
SELECT set_config('app.current_user_id', '', true);
