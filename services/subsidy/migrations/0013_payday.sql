-- A payday of hundreds of thousands: what waits to be sent is found where it is, and not behind all that has gone.

-- attempt says nothing more behind an id; but by it alone this index, and not the one of all payments of a run, has the
-- order that is asked for. A plan made while nothing had gone would otherwise read, for each batch, all that went.
DROP INDEX payment_prepared;
CREATE INDEX payment_prepared ON payment (run_id, id, attempt) WHERE state = 'prepared' AND waits_for IS NULL;
