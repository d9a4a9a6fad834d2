-- What is older than two years loses the person whom it names: these were written without one, and would have kept theirs for ever.
SELECT set_config('app.current_user_id', 'system', true);

UPDATE events SET subject_id = (payload ->> 'user_id')::uuid
    WHERE type IN ('crm.notice', 'crm.agent_changed', 'kyc.files_dropped') AND subject_id IS NULL AND payload ->> 'user_id' IS NOT NULL;
UPDATE events SET subject_id = (payload ->> 'subject_id')::uuid
    WHERE type = 'subject.erased' AND subject_id IS NULL AND payload ->> 'subject_id' IS NOT NULL;

SELECT set_config('app.current_user_id', '', true);
