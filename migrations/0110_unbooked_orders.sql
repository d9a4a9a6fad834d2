-- Executions of an order that could not be booked and that nobody has settled. Empty in rows of before, until the order changes or the read
-- model is rebuilt.
ALTER TABLE orders ADD COLUMN unbooked bigint;
