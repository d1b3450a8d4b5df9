-- A month that was paid, computed again with what is known today: what is still due, what is asked back, and the books.

CREATE TABLE adjustment (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    period text NOT NULL,
    run_id uuid NOT NULL REFERENCES run,
    number integer NOT NULL CHECK (number >= 1),
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'decided', 'dropped')),
    limited boolean NOT NULL,
    prepared_by text NOT NULL,
    computed_on date NOT NULL,
    items_hash bytea CHECK (octet_length(items_hash) = 32),
    items bigint NOT NULL DEFAULT 0 CHECK (items >= 0),
    arrears bigint NOT NULL DEFAULT 0 CHECK (arrears >= 0),
    arrears_fen bigint NOT NULL DEFAULT 0 CHECK (arrears_fen >= 0),
    recoveries bigint NOT NULL DEFAULT 0 CHECK (recoveries >= 0),
    recoveries_fen bigint NOT NULL DEFAULT 0 CHECK (recoveries_fen >= 0),
    decided_by text,
    decided_on date,
    version bigint NOT NULL DEFAULT 0,
    CHECK (arrears + recoveries <= items),
    CONSTRAINT adjustment_two_people CHECK (decided_by <> prepared_by),
    CHECK ((state = 'decided') = (decided_by IS NOT NULL)),
    CHECK ((decided_by IS NULL) = (decided_on IS NULL)),
    CHECK (state <> 'decided' OR items_hash IS NOT NULL)
);
CREATE UNIQUE INDEX adjustment_one_open ON adjustment (division_id, period) WHERE state = 'proposed';
CREATE UNIQUE INDEX adjustment_number ON adjustment (division_id, period, number) WHERE state = 'decided';
CREATE INDEX adjustment_division ON adjustment (division_id, id);
CREATE INDEX adjustment_run ON adjustment (run_id);
GRANT SELECT, INSERT ON adjustment TO qingdan_app;
GRANT UPDATE (state, limited, prepared_by, computed_on, items_hash, items, arrears, arrears_fen, recoveries,
              recoveries_fen, decided_by, decided_on, version) ON adjustment TO qingdan_app;
SELECT scope_by_division('adjustment');

-- Where what is due today differs from what the month was obliged to. obliged_fen: owed for the month so far, what was or
-- is being asked back taken off; settled_fen: what of it arrived and was neither asked back nor waived. due_fen NULL:
-- nobody knows. barred: why nothing comes of it, whatever it was computed to be. Nobody is asked for money that did not
-- arrive: what is owed but was not paid, and is due no more, comes to nothing.
CREATE TABLE adjustment_item (
    adjustment_id uuid NOT NULL REFERENCES adjustment,
    programme text NOT NULL,
    beneficiary uuid NOT NULL,
    occurrence text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('person', 'household')),
    payee uuid,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    obliged_fen bigint NOT NULL CHECK (obliged_fen BETWEEN 0 AND 9007199254740991),
    settled_fen bigint NOT NULL CHECK (settled_fen BETWEEN 0 AND obliged_fen),
    due_fen bigint CHECK (due_fen BETWEEN 0 AND 9007199254740991),
    barred text CHECK (barred IN ('undetermined', 'not_here', 'withheld', 'recovery_open')),
    delta_fen bigint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN barred IS NOT NULL THEN 0
             WHEN due_fen > obliged_fen THEN due_fen - obliged_fen
             WHEN due_fen < settled_fen THEN due_fen - settled_fen
             ELSE 0 END
    ) STORED,
    reason text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN barred IS NOT NULL THEN barred
             WHEN due_fen > 0 AND obliged_fen = 0 THEN 'newly_entitled'
             WHEN due_fen > obliged_fen THEN 'amount_changed'
             WHEN due_fen >= settled_fen THEN 'not_paid'
             WHEN due_fen = 0 THEN 'no_longer_entitled'
             ELSE 'amount_changed' END
    ) STORED,
    PRIMARY KEY (adjustment_id, programme, beneficiary, occurrence),
    CHECK (coalesce(barred IN ('undetermined', 'not_here'), false) = (due_fen IS NULL)),
    CHECK (due_fen IS NULL OR due_fen <> obliged_fen)
);
CREATE INDEX adjustment_item_division ON adjustment_item (division_id);
GRANT SELECT, INSERT, DELETE ON adjustment_item TO qingdan_app;
SELECT scope_by_division('adjustment_item', 'department');

-- From the decision on nothing in an adjustment changes any more, whoever tries.
CREATE FUNCTION adjustment_item_changes_while_proposed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT adjustment_id FROM changed) AS c
        WHERE NOT EXISTS (SELECT 1 FROM adjustment a WHERE a.id = c.adjustment_id AND a.state = 'proposed')
    ) THEN
        RAISE EXCEPTION 'the adjustment is decided' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER decided_against_insert AFTER INSERT ON adjustment_item REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION adjustment_item_changes_while_proposed();
CREATE TRIGGER decided_against_update AFTER UPDATE ON adjustment_item REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION adjustment_item_changes_while_proposed();
CREATE TRIGGER decided_against_delete AFTER DELETE ON adjustment_item REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION adjustment_item_changes_while_proposed();

CREATE FUNCTION adjustment_stays_ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the adjustment is %', OLD.state USING ERRCODE = 'integrity_constraint_violation';
END $body$;
CREATE TRIGGER stays_ended BEFORE UPDATE ON adjustment FOR EACH ROW WHEN (OLD.state <> 'proposed')
EXECUTE FUNCTION adjustment_stays_ended();

-- What somebody who was paid too much owes back. obligation_id: the first of the month that was paid; the books tell of it.
CREATE TABLE recovery_claim (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    adjustment_id uuid NOT NULL,
    programme text NOT NULL,
    beneficiary uuid NOT NULL,
    occurrence text NOT NULL,
    obligation_id uuid NOT NULL REFERENCES obligation,
    payee uuid,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    recovered_fen bigint NOT NULL DEFAULT 0 CHECK (recovered_fen BETWEEN 0 AND amount_fen),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'recovered', 'waived')),
    claimed_by text NOT NULL,
    claimed_on date NOT NULL,
    waived_by text,
    waived_reason text CHECK (waived_reason IN ('hardship', 'uncollectable', 'too_small', 'bank_took_it_back', 'error')),
    version bigint NOT NULL DEFAULT 1,
    FOREIGN KEY (adjustment_id, programme, beneficiary, occurrence) REFERENCES adjustment_item,
    UNIQUE (adjustment_id, programme, beneficiary, occurrence),
    CHECK ((recovered_fen = amount_fen) = (state = 'recovered')),
    CHECK ((state = 'waived') = (waived_by IS NOT NULL)),
    CHECK ((waived_by IS NULL) = (waived_reason IS NULL)),
    CONSTRAINT recovery_claim_two_people CHECK (waived_by <> claimed_by)
);
CREATE INDEX recovery_claim_obligation ON recovery_claim (obligation_id);
CREATE INDEX recovery_claim_division ON recovery_claim (division_id);
GRANT SELECT, INSERT, UPDATE (recovered_fen, state, waived_by, waived_reason, version) ON recovery_claim TO qingdan_app;
SELECT scope_by_division('recovery_claim', 'department');

-- Each time that money of a claim moved: asked back, repaid in part or whole, waived. reference: of the receipt.
CREATE TABLE recovery_move (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id uuid NOT NULL REFERENCES recovery_claim,
    kind text NOT NULL CHECK (kind IN ('claimed', 'repaid', 'waived')),
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    reference text CHECK (length(reference) <= 40),
    entered_by text NOT NULL,
    entered_on date NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    CHECK ((reference IS NULL) = (kind <> 'repaid'))
);
CREATE UNIQUE INDEX recovery_move_receipt ON recovery_move (claim_id, reference) WHERE kind = 'repaid';
CREATE UNIQUE INDEX recovery_move_once ON recovery_move (claim_id, kind) WHERE kind <> 'repaid';
CREATE INDEX recovery_move_claim ON recovery_move (claim_id);
CREATE INDEX recovery_move_division ON recovery_move (division_id);
GRANT SELECT, INSERT ON recovery_move TO qingdan_app;
SELECT scope_by_division('recovery_move', 'department');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery_move
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The books: what people owe back lies on an account of its own. move_id: of which move of a claim an entry is; 0: none.
ALTER TABLE ledger_entry
    ADD COLUMN move_id bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT ledger_entry_obligation_id_payment_id_kind_key,
    DROP CONSTRAINT ledger_entry_kind_check,
    DROP CONSTRAINT ledger_entry_check,
    ADD CONSTRAINT ledger_entry_once UNIQUE NULLS NOT DISTINCT (obligation_id, payment_id, kind, move_id),
    ADD CONSTRAINT ledger_entry_kind_check CHECK (
        kind IN ('approved', 'sent', 'settled', 'rejected', 'returned', 'reversed', 'cancelled', 'claimed', 'repaid',
                 'waived')
    ),
    ADD CONSTRAINT ledger_entry_of_payment CHECK (
        (payment_id IS NULL) = (kind IN ('approved', 'claimed', 'repaid', 'waived'))
    ),
    ADD CONSTRAINT ledger_entry_of_move CHECK ((move_id = 0) = (kind NOT IN ('claimed', 'repaid', 'waived')));
ALTER TABLE ledger_line
    DROP CONSTRAINT ledger_line_account_check,
    ADD CONSTRAINT ledger_line_account_check CHECK (
        account IN ('budget', 'payable', 'in_transit', 'paid', 'recovery')
    );

CREATE OR REPLACE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM written AS w
        WHERE NOT (SELECT count(*) = 1 FROM obligation o WHERE o.id = w.obligation_id
                   AND o.division_id = w.division_id AND o.department = w.department)
        OR (w.payment_id IS NOT NULL AND NOT (
            SELECT count(*) = 1 FROM payment p WHERE p.id = w.payment_id AND p.obligation_id = w.obligation_id))
        OR (w.move_id <> 0 AND NOT (
            SELECT count(*) = 1 FROM recovery_move m JOIN recovery_claim c ON c.id = m.claim_id
            WHERE m.id = w.move_id AND m.kind = w.kind AND c.obligation_id = w.obligation_id))
    ) THEN
        RAISE EXCEPTION 'a ledger entry is of an obligation and of a payment of it, where they are'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM written AS w CROSS JOIN LATERAL (
            SELECT count(*) AS lines, sum(l.amount_fen) AS total_fen FROM ledger_line l WHERE l.entry_id = w.id
        ) AS it
        WHERE it.lines <> 2 OR it.total_fen <> 0
    ) THEN
        RAISE EXCEPTION 'a ledger entry has two lines that sum to nothing'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $body$;
