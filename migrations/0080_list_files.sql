-- Records of the files beside the main one of a list (aliases, addresses, comments), in their order: a new file is compared with them,
-- and one that came empty or as a page of a server does not take every alias away.
ALTER TABLE sanctions_versions ADD COLUMN side_rows bigint[] NOT NULL DEFAULT '{}';

-- A file that says the same as the list in force makes no version; what it holds is noted on the one there is.
CREATE POLICY sanctions_versions_count ON sanctions_versions FOR UPDATE USING (app_is_system()) WITH CHECK (app_is_system());
GRANT UPDATE (side_rows) ON sanctions_versions TO siaga_app;

-- Names and countries are told better than they were: files that did not change are fetched and read once more.
UPDATE sanctions_sources SET digest = '', etags = '{}';
