-- What a run was computed from: one person is found in it without reading all of it, and it goes when its time is over.

-- lowest, highest: the ids of people or households that lie in the part, which are in order from part to part. A part
-- of an earlier version of the service has none, and is read to see who is in it. kept_at: when it was kept.
ALTER TABLE run_snapshot
    ADD COLUMN lowest uuid,
    ADD COLUMN highest uuid,
    ADD COLUMN kept_at timestamptz,
    ADD CHECK ((lowest IS NULL) = (highest IS NULL)),
    ADD CHECK (lowest <= highest);
ALTER TABLE run_snapshot ALTER COLUMN kept_at SET DEFAULT clock_timestamp();

CREATE INDEX run_closed ON run (closed_on, id) WHERE state = 'closed';

-- Whose snapshot was removed, and why it could be. Accounts and vouchers are kept for 30 years and never for less than
-- 10, counted from the day after the accounting year in which the run was closed: 《会计档案管理办法》 (order 79 of the
-- Ministry of Finance and the State Archives Administration, 2015), articles 14 and 15.
--
-- The service says how many years; what it cannot say is when the run was closed, which day it is today, and fewer years
-- than ten. So neither a wrong setting nor a wrong clock of a service removes anything before its time, and no right to
-- do so has to be lent to anybody.
CREATE TABLE run_snapshot_removed (
    run_id uuid PRIMARY KEY REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    kept_years smallint NOT NULL CHECK (kept_years BETWEEN 10 AND 100),
    closed_on date NOT NULL,
    due_on date NOT NULL
    GENERATED ALWAYS AS (make_date(extract(YEAR FROM closed_on)::integer + kept_years + 1, 1, 1)) STORED,
    removed_on date NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date,
    CHECK (removed_on >= due_on)
);
CREATE INDEX run_snapshot_removed_division ON run_snapshot_removed (division_id);
GRANT SELECT, INSERT (run_id, division_id, kept_years) ON run_snapshot_removed TO qingdan_app;
SELECT scope_by_division('run_snapshot_removed');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON run_snapshot_removed
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION snapshot_removed_of_closed_run() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    SELECT r.closed_on INTO NEW.closed_on FROM run r
    WHERE r.id = NEW.run_id AND r.division_id = NEW.division_id AND r.state = 'closed';
    IF NEW.closed_on IS NULL THEN
        RAISE EXCEPTION 'only what a closed run was computed from is removed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.removed_on := (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date;
    RETURN NEW;
END $body$;
CREATE TRIGGER of_closed_run BEFORE INSERT ON run_snapshot_removed
FOR EACH ROW EXECUTE FUNCTION snapshot_removed_of_closed_run();

-- A preview's snapshot is replaced by the next preview's. From the freeze on nothing is taken away, but of a closed run
-- of which it is entered above that its time is over.
CREATE FUNCTION run_snapshot_goes_in_its_time() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT run_id FROM changed) AS c
        WHERE NOT EXISTS (
            SELECT 1 FROM run r LEFT JOIN run_snapshot_removed g ON g.run_id = r.id
            WHERE r.id = c.run_id AND (r.state = 'previewed' OR (r.state = 'closed' AND g.closed_on = r.closed_on))
        )
    ) THEN
        RAISE EXCEPTION 'what a frozen run was computed from is kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $body$;
DROP TRIGGER frozen_against_delete ON run_snapshot;
CREATE TRIGGER frozen_against_delete AFTER DELETE ON run_snapshot REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION run_snapshot_goes_in_its_time();
