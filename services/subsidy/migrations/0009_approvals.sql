-- Who approved a run: by what it comes to, one person or two beside those who prepared and froze it. And what an
-- approval sets going: everything that was frozen becomes owed in steps of some thousands, each a transaction of its own.

ALTER TABLE run
    ADD COLUMN approvals_needed smallint NOT NULL DEFAULT 1 CHECK (approvals_needed BETWEEN 1 AND 2),
    ADD COLUMN frozen_items bigint CHECK (frozen_items >= 1),
    ADD COLUMN frozen_fen bigint CHECK (frozen_fen >= 1);

-- What was frozen and not approved yet was hashed in another way, and nobody knows how many people it needs: such a run
-- is a preview again, to be looked at and frozen once more.
SELECT set_config('app.actor', 'migration', true), set_config('app.division', '1', true);
UPDATE run SET state = 'previewed', frozen_by = NULL, frozen_hash = NULL, notice_until = NULL, frozen_on = NULL,
               version = version + 1
WHERE state = 'frozen';
SELECT set_config('app.actor', '', true), set_config('app.division', '', true);

CREATE TABLE run_approval (
    run_id uuid NOT NULL REFERENCES run,
    approver text NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    frozen_hash bytea NOT NULL CHECK (octet_length(frozen_hash) = 32),
    approved_on date NOT NULL,
    PRIMARY KEY (run_id, approver)
);
CREATE INDEX run_approval_division ON run_approval (division_id);
GRANT SELECT, INSERT ON run_approval TO qingdan_app;
SELECT scope_by_division('run_approval');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON run_approval
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nobody approves what they prepared or froze, nor anything but what was frozen, whatever the code says.
CREATE FUNCTION run_approval_is_by_another() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM run r WHERE r.id = NEW.run_id AND r.state = 'frozen' AND r.division_id = NEW.division_id
        AND r.frozen_hash = NEW.frozen_hash AND NEW.approver NOT IN (r.prepared_by, r.frozen_by)
    ) THEN
        RAISE EXCEPTION 'a frozen run is approved as it was frozen, by neither its preparer nor who froze it'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER by_another BEFORE INSERT ON run_approval FOR EACH ROW EXECUTE FUNCTION run_approval_is_by_another();

CREATE FUNCTION run_has_its_approvals() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (SELECT count(*) FROM run_approval a WHERE a.run_id = NEW.id) < NEW.approvals_needed THEN
        RAISE EXCEPTION 'the run needs % approvals', NEW.approvals_needed
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER approved_by_enough BEFORE UPDATE OF state ON run FOR EACH ROW
WHEN (OLD.state = 'frozen' AND NEW.state = 'approved' AND NEW.approvals_needed > 1)
EXECUTE FUNCTION run_has_its_approvals();

-- How far what was approved has become owed: everything up to the cursor, in the order of the entitlements' key. done:
-- how many were looked at; already: how many of them another run came to first. halted: why it does not go on.
CREATE TABLE run_obliging (
    run_id uuid PRIMARY KEY REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    total bigint NOT NULL CHECK (total >= 1),
    done bigint NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND total),
    already bigint NOT NULL DEFAULT 0 CHECK (already BETWEEN 0 AND done),
    obliged_fen bigint NOT NULL DEFAULT 0 CHECK (obliged_fen >= 0),
    checked boolean NOT NULL DEFAULT false,
    programme text,
    beneficiary uuid,
    occurrence text,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    halted text CHECK (halted = 'hash_differs'),
    CHECK (num_nonnulls(programme, beneficiary, occurrence) = CASE WHEN done = 0 THEN 0 ELSE 3 END),
    CHECK (done = 0 OR checked),
    CHECK (ended_at IS NULL OR done = total),
    CHECK (halted IS NULL OR ended_at IS NULL)
);
CREATE INDEX run_obliging_division ON run_obliging (division_id);
CREATE INDEX run_obliging_open ON run_obliging (begun_at, run_id) WHERE ended_at IS NULL AND halted IS NULL;
GRANT SELECT, INSERT ON run_obliging TO qingdan_app;
GRANT UPDATE (done, already, obliged_fen, checked, programme, beneficiary, occurrence, ended_at, halted)
ON run_obliging TO qingdan_app;
SELECT scope_by_division('run_obliging');

-- What a run was computed from, so that a closed month can be computed again whatever the facts have become since. They
-- are everybody's facts: use cases open them for the county's finance and for auditors only.
CREATE TABLE run_snapshot (
    run_id uuid NOT NULL REFERENCES run,
    section text NOT NULL CHECK (section IN ('county', 'person', 'household')),
    number integer NOT NULL CHECK (number >= 0),
    division_id integer NOT NULL REFERENCES division,
    rows integer NOT NULL CHECK (rows >= 0),
    packed bytea NOT NULL,
    PRIMARY KEY (run_id, section, number)
);
ALTER TABLE run_snapshot ALTER COLUMN packed SET STORAGE EXTERNAL; -- it is compressed already
CREATE INDEX run_snapshot_division ON run_snapshot (division_id);
GRANT SELECT, INSERT, DELETE ON run_snapshot TO qingdan_app;
SELECT scope_by_division('run_snapshot');
CREATE TRIGGER frozen_against_insert AFTER INSERT ON run_snapshot REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER frozen_against_delete AFTER DELETE ON run_snapshot REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER never_updated BEFORE UPDATE OR TRUNCATE ON run_snapshot
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
