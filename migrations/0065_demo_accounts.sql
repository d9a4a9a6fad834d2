-- Accounts with play money, one a client, which need no documents. Such an account stands in the directory before the core is asked,
-- so that asking twice opens one; opened_at says that the core has it with its first balance. Money is never asked of one, and no
-- rule of the monitoring looks at what is traded there.
ALTER TABLE accounts_directory ADD COLUMN account_type text NOT NULL DEFAULT 'live' CHECK (account_type IN ('live', 'demo'));
ALTER TABLE accounts_directory ADD COLUMN opened_at timestamptz;

CREATE UNIQUE INDEX idx_accounts_directory_demo ON accounts_directory (user_id) WHERE account_type = 'demo';
