-- A client tries with play money.
SET LOCAL app.current_user_id = 'system';
INSERT INTO accounts_directory (account, system, outside_id, account_type) VALUES (2500000, 'siaga', '2500000', 'demo');
