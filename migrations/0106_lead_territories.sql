-- Where a lead is from is read out of its sealed city. The table is written anew, so that no cell of it has the city any more; the column
-- stays, empty, for a program of before.
ALTER TABLE leads ALTER COLUMN territory TYPE text USING NULL;
