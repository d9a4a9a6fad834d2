-- Why somebody is held is sealed under the key of what the law keeps of them: where nothing else needs it any more, it ends with the last
-- hold on the person that is in force.
ALTER TABLE subject_keys ADD COLUMN ends_with_holds boolean NOT NULL DEFAULT false;
CREATE INDEX idx_subject_keys_ends_with_holds ON subject_keys (subject_id) WHERE ends_with_holds AND wrapped IS NOT NULL;
