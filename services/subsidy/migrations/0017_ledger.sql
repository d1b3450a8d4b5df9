-- An entry of the books is one row that names both accounts: it balances by what it is, and a payday writes a third of the
-- rows. What was entered before stays as it is, with its lines in a table of their own; `ledger_line` shows both alike.

ALTER TABLE ledger_line RENAME TO earlier_line;
ALTER TABLE ledger_entry
    ADD COLUMN leaves text,
    ADD COLUMN enters text,
    ADD COLUMN amount_fen bigint,
    ADD CONSTRAINT ledger_entry_sides CHECK (
        num_nonnulls(leaves, enters, amount_fen) IN (0, 3) AND leaves <> enters
        AND leaves IN ('budget', 'payable', 'in_transit', 'paid', 'returned', 'recovery')
        AND enters IN ('budget', 'payable', 'in_transit', 'paid', 'returned', 'recovery')
    ),
    ADD CONSTRAINT ledger_entry_amount CHECK (amount_fen BETWEEN 1 AND 9007199254740991);

CREATE VIEW ledger_line WITH (security_invoker = true) AS
SELECT entry_id, account, amount_fen, division_id, department FROM earlier_line
UNION ALL
SELECT id, leaves, -amount_fen, division_id, department FROM ledger_entry WHERE leaves IS NOT NULL
UNION ALL
SELECT id, enters, amount_fen, division_id, department FROM ledger_entry WHERE enters IS NOT NULL;
GRANT SELECT, INSERT ON ledger_line TO qingdan_app;

-- An older version that runs beside this one while it is upgraded adds lines to what was a table. They come one by one
-- here, so they are weighed at the commit, when an entry has all that it will have.
CREATE FUNCTION keep_earlier_line() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO earlier_line (entry_id, account, amount_fen, division_id, department)
    VALUES (NEW.entry_id, NEW.account, NEW.amount_fen, NEW.division_id, NEW.department);
    RETURN NEW;
END $body$;
CREATE TRIGGER keeps_line INSTEAD OF INSERT ON ledger_line FOR EACH ROW EXECUTE FUNCTION keep_earlier_line();

DROP TRIGGER balanced ON earlier_line;
DROP FUNCTION ledger_lines_balance();
CREATE FUNCTION earlier_lines_balance(entry bigint) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    IF NOT (
        SELECT count(*) = 2 AND sum(l.amount_fen) = 0 FROM earlier_line l JOIN ledger_entry e ON e.id = l.entry_id
        WHERE l.entry_id = entry AND e.leaves IS NULL
    ) THEN
        RAISE EXCEPTION 'a ledger entry has two lines that sum to nothing'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $body$;
CREATE FUNCTION earlier_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM earlier_lines_balance(NEW.id);
    RETURN NULL;
END $body$;
CREATE FUNCTION earlier_line_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NOT (
        SELECT count(*) = 1 FROM ledger_entry e
        WHERE e.id = NEW.entry_id AND e.division_id = NEW.division_id AND e.department = NEW.department
    ) THEN
        RAISE EXCEPTION 'a ledger line is of an entry, where that is' USING ERRCODE = 'foreign_key_violation';
    END IF;
    PERFORM earlier_lines_balance(NEW.entry_id);
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER earlier_balanced AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.leaves IS NULL) EXECUTE FUNCTION earlier_entry_balances();
CREATE CONSTRAINT TRIGGER earlier_balanced AFTER INSERT ON earlier_line DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION earlier_line_balances();

-- An entry is of an obligation or of a payment of it, where that is, and moves what it comes to, or what its move of a
-- claim comes to: neither more nor less. One look-up for each, by its key.
CREATE OR REPLACE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM written AS w
        WHERE NOT CASE WHEN w.payment_id IS NULL THEN (
            SELECT count(*) = 1 FROM obligation o WHERE o.id = w.obligation_id
            AND o.division_id = w.division_id AND o.department = w.department
            AND (w.move_id <> 0 OR o.amount_fen = coalesce(w.amount_fen, o.amount_fen))
        ) ELSE (
            SELECT count(*) = 1 FROM payment p WHERE p.id = w.payment_id AND p.obligation_id = w.obligation_id
            AND p.division_id = w.division_id AND p.department = w.department
            AND p.amount_fen = coalesce(w.amount_fen, p.amount_fen)
        ) END
        OR (w.move_id <> 0 AND NOT (
            SELECT count(*) = 1 FROM recovery_move m JOIN recovery_claim c ON c.id = m.claim_id
            WHERE m.id = w.move_id AND m.kind = w.kind AND c.obligation_id = w.obligation_id
            AND m.amount_fen = coalesce(w.amount_fen, m.amount_fen)))
    ) THEN
        RAISE EXCEPTION 'a ledger entry is of an obligation and of a payment of it, where they are, and of their amount'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION with_us_on(obligation uuid) RETURNS text LANGUAGE sql STABLE AS $body$
    SELECT side.account FROM ledger_entry e CROSS JOIN LATERAL (
        SELECT e.leaves AS account, -e.amount_fen AS amount_fen
        UNION ALL SELECT e.enters, e.amount_fen
        UNION ALL SELECT l.account, l.amount_fen FROM earlier_line l WHERE l.entry_id = e.id
    ) AS side
    WHERE e.obligation_id = obligation AND side.account IN ('payable', 'returned')
    GROUP BY side.account HAVING sum(side.amount_fen) > 0 ORDER BY side.account DESC LIMIT 1
$body$;

CREATE OR REPLACE FUNCTION take_up_what_came_back() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF with_us_on(NEW.obligation_id) IS DISTINCT FROM 'returned' THEN
        RETURN NULL;
    END IF;
    INSERT INTO ledger_entry (
        obligation_id, payment_id, kind, leaves, enters, amount_fen, division_id, department
    )
    SELECT p.obligation_id, p.id, 'taken_up', 'returned', 'payable', p.amount_fen, p.division_id, p.department
    FROM payment p WHERE p.obligation_id = NEW.obligation_id AND p.state IN ('returned', 'reversed')
    AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.obligation_id = p.obligation_id AND e.payment_id = p.id
                    AND e.kind = 'taken_up')
    ORDER BY p.attempt DESC LIMIT 1;
    RETURN NULL;
END $body$;

-- A line of a bank's statement is of a statement, where that is: looked at once for a part and not once for each line.
ALTER TABLE statement_line
    DROP CONSTRAINT statement_line_statement_id_fkey,
    DROP CONSTRAINT statement_line_division_id_fkey;
CREATE OR REPLACE FUNCTION statement_counts_its_lines() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    lines bigint;
    counted bigint;
BEGIN
    SELECT count(*) INTO lines FROM written;
    WITH told AS (
        UPDATE statement s SET lines = s.lines + w.lines
        FROM (SELECT statement_id, division_id, count(*) AS lines FROM written GROUP BY statement_id, division_id) AS w
        WHERE s.id = w.statement_id AND s.division_id = w.division_id RETURNING w.lines
    )
    SELECT coalesce(sum(told.lines), 0) INTO counted FROM told;
    IF counted <> lines THEN
        RAISE EXCEPTION 'a line is of a statement, where that is' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON statement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
