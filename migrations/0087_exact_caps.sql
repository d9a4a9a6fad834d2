-- The cap on leverage as the terms have it, 0 = none; leverage_max holds what is before the point. Empty in rows of before, until the
-- instrument's terms change or the read model is rebuilt.
ALTER TABLE instruments ADD COLUMN leverage numeric;
