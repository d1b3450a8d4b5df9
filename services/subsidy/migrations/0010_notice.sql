-- What keeps an item from being paid for now, what is never paid, and objections to what a public notice shows.

-- programme NULL: all of them; occurrence NULL: all of the programme's. cause_id: the objection, the doubt or the person.
-- department '*': of all departments, seen by those who are bound to none. Money that has left is not called back by it.
CREATE TABLE hold (
    id uuid PRIMARY KEY,
    beneficiary uuid NOT NULL,
    programme text,
    occurrence text,
    run_id uuid REFERENCES run,
    cause text NOT NULL CHECK (cause IN ('objection', 'doubt', 'death', 'manual')),
    cause_id uuid NOT NULL,
    reason text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_-]{0,39}$'),
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lifted_by text,
    lifted_at timestamptz,
    outcome text CHECK (outcome IN ('resume', 'stop')),
    version bigint NOT NULL DEFAULT 1,
    CHECK (occurrence IS NULL OR programme IS NOT NULL),
    CHECK (num_nonnulls(lifted_by, lifted_at, outcome) IN (0, 3)),
    CONSTRAINT hold_two_people CHECK (lifted_by <> placed_by OR cause IN ('doubt', 'death')) -- those the service lifts
);
CREATE UNIQUE INDEX hold_one_open ON hold (cause, cause_id) WHERE lifted_at IS NULL;
CREATE UNIQUE INDEX hold_one_of_a_doubt ON hold (cause_id) WHERE cause = 'doubt';
CREATE INDEX hold_open ON hold (beneficiary) WHERE lifted_at IS NULL;
CREATE INDEX hold_run ON hold (run_id);
CREATE INDEX hold_division ON hold (division_id);
GRANT SELECT, INSERT, UPDATE (lifted_by, lifted_at, outcome, version) ON hold TO qingdan_app;
SELECT scope_by_division('hold', 'department');

CREATE FUNCTION hold_stays_lifted() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the hold is lifted' USING ERRCODE = 'integrity_constraint_violation';
END $body$;
CREATE TRIGGER stays_lifted BEFORE UPDATE ON hold FOR EACH ROW WHEN (OLD.lifted_at IS NOT NULL)
EXECUTE FUNCTION hold_stays_lifted();

-- What is never paid, by the key that an obligation has once for ever; it may be decided before there is one.
CREATE TABLE stopped_item (
    programme text NOT NULL,
    beneficiary uuid NOT NULL,
    occurrence text NOT NULL,
    hold_id uuid NOT NULL REFERENCES hold,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    PRIMARY KEY (programme, beneficiary, occurrence)
);
CREATE INDEX stopped_item_hold ON stopped_item (hold_id);
CREATE INDEX stopped_item_division ON stopped_item (division_id);
GRANT SELECT, INSERT ON stopped_item TO qingdan_app;
SELECT scope_by_division('stopped_item', 'department');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON stopped_item
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE payment
    DROP CONSTRAINT payment_waits_for_check,
    ADD CONSTRAINT payment_waits_for_check CHECK (waits_for IN ('account_not_verified', 'held'));
CREATE INDEX payment_held ON payment (id) WHERE waits_for = 'held';

-- A stopped payment's money goes back to the budget.
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check CHECK (
        kind IN ('approved', 'sent', 'settled', 'rejected', 'returned', 'reversed', 'cancelled')
    );

-- A reason is a code: a text of somebody who objects would name people. No foreign key to entitlement: it would be asked
-- for each row that a preview takes away, and what is frozen is never removed.
CREATE TABLE objection (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run,
    hold_id uuid NOT NULL UNIQUE REFERENCES hold,
    programme text NOT NULL,
    beneficiary uuid NOT NULL,
    occurrence text NOT NULL,
    reason text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_-]{0,39}$'),
    state text NOT NULL DEFAULT 'raised' CHECK (state IN ('raised', 'upheld', 'dismissed')),
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    raised_by text NOT NULL,
    raised_on date NOT NULL,
    decided_by text,
    decided_on date,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((decided_by IS NULL) = (state = 'raised')),
    CHECK ((decided_by IS NULL) = (decided_on IS NULL)),
    CONSTRAINT objection_two_people CHECK (decided_by <> raised_by)
);
CREATE INDEX objection_item ON objection (run_id, programme, beneficiary, occurrence);
CREATE UNIQUE INDEX objection_once ON objection (run_id, programme, beneficiary, occurrence, raised_by)
WHERE state = 'raised';
CREATE INDEX objection_division ON objection (division_id);
GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_on, version) ON objection TO qingdan_app;
SELECT scope_by_division('objection', 'department');
