-- Payments: what is owed to whom, each attempt to pay it, what the bank was told and what it said, and the books.

-- Whoever prepared or froze a run does not approve it, whatever the code says.
ALTER TABLE run ADD CONSTRAINT run_two_people CHECK (approved_by <> prepared_by AND approved_by <> frozen_by);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $body$;

-- What a programme owes somebody for one occurrence (a month, a year, a death): once for ever, whichever run comes to it.
CREATE TABLE obligation (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    programme text NOT NULL,
    beneficiary uuid NOT NULL,
    occurrence text NOT NULL,
    run_id uuid NOT NULL REFERENCES run,
    kind text NOT NULL CHECK (kind IN ('person', 'household')),
    payee uuid,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    UNIQUE (programme, beneficiary, occurrence)
);
CREATE INDEX obligation_run ON obligation (run_id);
CREATE INDEX obligation_division ON obligation (division_id);
GRANT SELECT, INSERT ON obligation TO qingdan_app;
SELECT scope_by_division('obligation', 'department');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON obligation
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What went to a bank together, under one content key.
CREATE TABLE batch (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    bank text NOT NULL,
    payments integer NOT NULL CHECK (payments >= 1),
    total_fen bigint NOT NULL CHECK (total_fen BETWEEN 1 AND 9007199254740991),
    declared_on date NOT NULL
);
CREATE INDEX batch_run ON batch (run_id);
CREATE INDEX batch_division ON batch (division_id);
GRANT SELECT, INSERT ON batch TO qingdan_app;
SELECT scope_by_division('batch');

-- One attempt to pay an obligation. quiet_since: when the bank was last told or asked, as long as it owes an answer.
-- disputed: the bank named another amount than ours. was_unknown: it was silent once, whatever came of it.
CREATE TABLE payment (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    obligation_id uuid NOT NULL REFERENCES obligation,
    run_id uuid NOT NULL REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    programme text NOT NULL,
    payee uuid,
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    attempt integer NOT NULL CHECK (attempt >= 1),
    state text NOT NULL DEFAULT 'prepared' CHECK (
        state IN ('prepared', 'sent', 'unknown', 'settled', 'rejected', 'returned')
    ),
    reason text,
    bank text,
    batch_id uuid REFERENCES batch,
    bank_reference text,
    disputed boolean NOT NULL DEFAULT false,
    was_unknown boolean NOT NULL DEFAULT false,
    sent_at timestamptz,
    quiet_since timestamptz,
    ended_on date,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (obligation_id, attempt),
    CHECK (num_nonnulls(bank, batch_id, sent_at) IN (0, 3)),
    CHECK (state <> 'prepared' OR batch_id IS NULL),
    CHECK (state IN ('prepared', 'rejected') OR batch_id IS NOT NULL), -- rejected unsent: nobody to send it to
    CHECK ((reason IS NULL) = (state NOT IN ('rejected', 'returned'))),
    CHECK ((quiet_since IS NULL) = (state NOT IN ('sent', 'unknown'))),
    CHECK ((ended_on IS NULL) = (state NOT IN ('settled', 'rejected', 'returned')))
) WITH (fillfactor = 70);
-- At most one live payment of an obligation: another attempt only when the money is known to be with us again.
CREATE UNIQUE INDEX payment_one_live ON payment (obligation_id) WHERE state NOT IN ('rejected', 'returned');
CREATE INDEX payment_run ON payment (run_id, id);
CREATE INDEX payment_prepared ON payment (run_id, id) WHERE state = 'prepared';
CREATE INDEX payment_quiet ON payment (quiet_since) WHERE quiet_since IS NOT NULL;
CREATE INDEX payment_batch ON payment (batch_id);
CREATE INDEX payment_division ON payment (division_id);
GRANT SELECT, INSERT ON payment TO qingdan_app;
GRANT UPDATE (
    state, reason, bank, batch_id, bank_reference, disputed, was_unknown, sent_at, quiet_since, ended_on, version
) ON payment TO qingdan_app;
SELECT scope_by_division('payment', 'department');

-- A payment never goes back to where it could be paid a second time.
CREATE FUNCTION payment_never_goes_back() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'a payment does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'integrity_constraint_violation';
END $body$;
CREATE TRIGGER never_back BEFORE UPDATE OF state ON payment FOR EACH ROW WHEN (
    CASE OLD.state
        WHEN 'prepared' THEN NEW.state NOT IN ('prepared', 'sent', 'rejected')
        WHEN 'sent' THEN NEW.state = 'prepared'
        WHEN 'unknown' THEN NEW.state = 'prepared'
        WHEN 'settled' THEN NEW.state NOT IN ('settled', 'returned')
        WHEN 'rejected' THEN NEW.state NOT IN ('rejected', 'settled', 'returned')
        ELSE NEW.state <> 'returned'
    END
) EXECUTE FUNCTION payment_never_goes_back();

-- What was sent, exactly as it was sent: sealed to the bank, so that the same payment can go again and nobody reads it.
CREATE TABLE instruction (
    payment_id uuid PRIMARY KEY REFERENCES payment,
    seq integer NOT NULL CHECK (seq >= 1),
    sealed text NOT NULL CHECK (length(sealed) <= 30000)
);
GRANT SELECT, INSERT ON instruction TO qingdan_app;
SELECT scope_to_service('instruction');

-- What a bank said that does not fit. payment_id may be nobody's; division_id is NULL then, and everybody's concern.
CREATE TABLE bank_oddity (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    bank text NOT NULL,
    payment_id uuid NOT NULL,
    division_id integer REFERENCES division,
    said text NOT NULL,
    amount_fen bigint,
    bank_reference text,
    times bigint NOT NULL DEFAULT 1 CHECK (times >= 1),
    first_heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (payment_id, kind, bank, said, amount_fen, bank_reference)
);
CREATE INDEX bank_oddity_division ON bank_oddity (division_id);
GRANT SELECT, INSERT, UPDATE (times, last_heard_at) ON bank_oddity TO qingdan_app;
ALTER TABLE bank_oddity ENABLE ROW LEVEL SECURITY;
ALTER TABLE bank_oddity FORCE ROW LEVEL SECURITY;
CREATE POLICY service_works ON bank_oddity USING (app_kind() = 'service') WITH CHECK (app_kind() = 'service');
CREATE POLICY scoped_read ON bank_oddity FOR SELECT USING (
    (division_id IS NULL AND app_actor() IS NOT NULL) OR EXISTS (
        SELECT 1 FROM division_closure c
        WHERE c.ancestor_id = app_division() AND c.descendant_id = bank_oddity.division_id
    )
);

-- The books. An entry moves one amount from one account to another: two lines that sum to nothing.
CREATE TABLE ledger_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    obligation_id uuid NOT NULL REFERENCES obligation,
    payment_id uuid REFERENCES payment,
    kind text NOT NULL CHECK (kind IN ('approved', 'sent', 'settled', 'rejected', 'returned')),
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (obligation_id, payment_id, kind), -- nothing is ever entered twice
    CHECK ((payment_id IS NULL) = (kind = 'approved'))
);
CREATE INDEX ledger_entry_payment ON ledger_entry (payment_id);
CREATE INDEX ledger_entry_division ON ledger_entry (division_id);
GRANT SELECT, INSERT ON ledger_entry TO qingdan_app;
SELECT scope_by_division('ledger_entry', 'department');

CREATE TABLE ledger_line (
    entry_id bigint NOT NULL REFERENCES ledger_entry,
    account text NOT NULL CHECK (account IN ('budget', 'payable', 'in_transit', 'paid')),
    amount_fen bigint NOT NULL CHECK (
        amount_fen <> 0 AND amount_fen BETWEEN -9007199254740991 AND 9007199254740991
    ),
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    PRIMARY KEY (entry_id, account)
);
CREATE INDEX ledger_line_division ON ledger_line (division_id, account);
GRANT SELECT, INSERT ON ledger_line TO qingdan_app;
SELECT scope_by_division('ledger_line', 'department');

-- Checked at the end of every statement that writes, over all that it wrote: an entry comes with both its lines or not
-- at all. LATERAL, so that only the lines of these entries are read and never the whole ledger.
CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
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
CREATE FUNCTION ledger_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT entry_id FROM written) AS w CROSS JOIN LATERAL (
            SELECT count(*) AS lines, sum(l.amount_fen) AS total_fen FROM ledger_line l WHERE l.entry_id = w.entry_id
        ) AS it
        WHERE it.lines <> 2 OR it.total_fen <> 0
    ) THEN
        RAISE EXCEPTION 'a ledger entry has two lines that sum to nothing'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER balanced AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION ledger_balances();
CREATE TRIGGER balanced AFTER INSERT ON ledger_line REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION ledger_lines_balance();
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_line
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The bank's statements of a run; the newest counts, and older ones stay as they were taken.
CREATE TABLE statement (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    taken_by text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX statement_run ON statement (run_id, id);
CREATE INDEX statement_division ON statement (division_id);
GRANT SELECT, INSERT ON statement TO qingdan_app;
SELECT scope_by_division('statement');

-- payment_id may be nobody's: that is what a statement is there to find.
CREATE TABLE statement_line (
    statement_id uuid NOT NULL REFERENCES statement,
    payment_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('settled', 'rejected', 'returned')),
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    bank_reference text,
    division_id integer NOT NULL REFERENCES division,
    UNIQUE NULLS NOT DISTINCT (statement_id, payment_id, status, amount_fen, bank_reference)
);
CREATE INDEX statement_line_division ON statement_line (division_id);
GRANT SELECT, INSERT ON statement_line TO qingdan_app;
SELECT scope_by_division('statement_line');

-- Each time that finance compared a statement with our books; the newest counts.
CREATE TABLE reconciliation (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run,
    division_id integer NOT NULL REFERENCES division,
    statement_id uuid NOT NULL REFERENCES statement,
    reconciled_by text NOT NULL,
    reconciled_on date NOT NULL
);
CREATE INDEX reconciliation_run ON reconciliation (run_id, id);
CREATE INDEX reconciliation_division ON reconciliation (division_id);
CREATE INDEX reconciliation_statement ON reconciliation (statement_id);
GRANT SELECT, INSERT ON reconciliation TO qingdan_app;
SELECT scope_by_division('reconciliation');

-- What it found; no row for a payment on which both agree.
CREATE TABLE difference (
    reconciliation_id uuid NOT NULL REFERENCES reconciliation,
    payment_id uuid NOT NULL,
    kind text NOT NULL,
    our_state text,
    our_fen bigint,
    bank_status text,
    bank_fen bigint,
    division_id integer NOT NULL REFERENCES division,
    PRIMARY KEY (reconciliation_id, payment_id)
);
CREATE INDEX difference_division ON difference (division_id);
GRANT SELECT, INSERT ON difference TO qingdan_app;
SELECT scope_by_division('difference');
