-- A partner sees the money of the clients they brought, by users.referrer_id: what a lead said of it stayed with the lead. A lead that was
-- there before its user registered tells who brought them; one that was made of a client says nothing of that.
-- A lead keeps when a partner was named on it (empty: when it came in), since what is said later brings nobody who was a client by then; a
-- merge keeps which partner it gave its lead, and which client a partner, so that both are taken back with it. As with other names of
-- people, there is no foreign key.
ALTER TABLE leads ADD COLUMN referred_at timestamptz;
ALTER TABLE lead_merges ADD COLUMN referrer_id uuid, ADD COLUMN brought_id uuid, ADD COLUMN brought_by uuid;

SELECT set_config('app.current_user_id', 'system', true);

UPDATE users AS u SET referrer_id = l.referrer_id FROM leads AS l
    WHERE l.user_id = u.id AND l.status <> 'merged' AND l.referrer_id IS NOT NULL AND l.created_at <= u.created_at
        AND u.referrer_id IS NULL AND u.role = 'end_user' AND u.status <> 'deleted';

SELECT set_config('app.current_user_id', '', true);
