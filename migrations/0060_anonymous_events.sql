-- What is older than two years says what happened and no longer to whom: an aggregate is a person, or leads to one.
GRANT UPDATE (aggregate_id) ON events TO siaga_app;
