-- Money that came back lies on an account of its own until it is paid again or the item is stopped; what was owed to
-- somebody who died waits for a second person; and a programme says itself whether a public notice names anybody.

ALTER TABLE ledger_line
    DROP CONSTRAINT ledger_line_account_check,
    ADD CONSTRAINT ledger_line_account_check CHECK (
        account IN ('budget', 'payable', 'in_transit', 'paid', 'returned', 'recovery')
    );
-- set_aside: what an older version left on payable when it came back. taken_up: it is payable again, because the same
-- obligation is paid once more. Both are of the payment that came back.
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check CHECK (
        kind IN ('approved', 'sent', 'settled', 'rejected', 'returned', 'reversed', 'cancelled', 'claimed', 'repaid',
                 'waived', 'set_aside', 'taken_up')
    );

-- On which account the money of an obligation lies that is with us: payable or returned; NULL: with neither.
CREATE FUNCTION with_us_on(obligation uuid) RETURNS text LANGUAGE sql STABLE AS $body$
    SELECT l.account FROM ledger_entry e JOIN ledger_line l ON l.entry_id = e.id
    WHERE e.obligation_id = obligation AND l.account IN ('payable', 'returned')
    GROUP BY l.account HAVING sum(l.amount_fen) > 0 ORDER BY l.account DESC LIMIT 1
$body$;

-- The database does this and not the service: an older version that runs beside this one while it is upgraded knows
-- nothing of the account, and the books are right all the same. What lies on payable already stays there.
CREATE FUNCTION take_up_what_came_back() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    back record;
BEGIN
    IF with_us_on(NEW.obligation_id) IS DISTINCT FROM 'returned' THEN
        RETURN NULL;
    END IF;
    SELECT p.id, p.obligation_id, p.division_id, p.department, p.amount_fen INTO back
    FROM payment p WHERE p.obligation_id = NEW.obligation_id AND p.state IN ('returned', 'reversed')
    AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.obligation_id = p.obligation_id AND e.payment_id = p.id
                    AND e.kind = 'taken_up')
    ORDER BY p.attempt DESC LIMIT 1;
    WITH entry AS (
        INSERT INTO ledger_entry (obligation_id, payment_id, kind, division_id, department)
        VALUES (back.obligation_id, back.id, 'taken_up', back.division_id, back.department)
        RETURNING id, division_id, department
    )
    INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)
    SELECT entry.id, side.account, side.sign * back.amount_fen, entry.division_id, entry.department
    FROM entry CROSS JOIN (VALUES ('returned', -1), ('payable', 1)) AS side(account, sign);
    RETURN NULL;
END $body$;
-- Another attempt; or a bank paid what it had refused, and what another attempt brought back is not there any more.
CREATE TRIGGER takes_up AFTER INSERT ON payment FOR EACH ROW WHEN (NEW.attempt > 1)
EXECUTE FUNCTION take_up_what_came_back();
CREATE TRIGGER takes_up_late AFTER UPDATE OF state ON payment FOR EACH ROW
WHEN (OLD.state = 'rejected' AND NEW.state = 'settled') EXECUTE FUNCTION take_up_what_came_back();

CREATE INDEX payment_unpaid ON payment (run_id) WHERE state IN ('rejected', 'returned', 'reversed');
CREATE INDEX recovery_claim_open ON recovery_claim (programme, beneficiary) WHERE state = 'open';

-- The service places a hold of a death and lifts it, and moves it to where the person turns out to be registered.
CREATE INDEX hold_of_a_death ON hold (cause_id) WHERE cause = 'death';
GRANT UPDATE (division_id) ON hold TO qingdan_app;

-- Why a public notice names nobody who receives it. NULL: it names them.
ALTER TABLE programme ADD COLUMN nameless text CHECK (nameless IN ('minors', 'health', 'loss'));
-- The most that one beneficiary gets in a calendar year. NULL: nothing says so.
ALTER TABLE programme ADD COLUMN cap_year_fen bigint CHECK (cap_year_fen BETWEEN 1 AND 9007199254740991);

-- Until now a list of ours said so, whatever a version was published with. Versions are changed by nobody: the owner
-- lifts the rule for this one statement.
ALTER TABLE programme NO FORCE ROW LEVEL SECURITY;
UPDATE programme SET nameless = CASE
    WHEN code IN ('B12', 'B13', 'B14', 'B15', 'B22', 'B28', 'B54', 'B61', 'B62', 'B63', 'B64') THEN 'minors'
    WHEN code IN ('B20', 'B26', 'B33') THEN 'loss'
    WHEN code IN ('B04', 'B05', 'B11', 'B16', 'B17', 'B18', 'B19', 'B21', 'B23', 'B24', 'B27', 'B30', 'B31', 'B32',
                  'B35') THEN 'health' END;
ALTER TABLE programme FORCE ROW LEVEL SECURITY;

-- What came back and was not paid again, and lies on payable: an older version left it there. Payments are seen by
-- place and department: from the root, and of all.
SELECT set_config('app.division', '1', true), set_config('app.department', '*', true);
WITH back AS (
    SELECT DISTINCT ON (p.obligation_id) p.id, p.obligation_id, p.division_id, p.department, p.amount_fen
    FROM payment p JOIN ledger_entry e ON e.obligation_id = p.obligation_id AND e.payment_id = p.id
        AND e.kind IN ('returned', 'reversed')
    WHERE p.state IN ('returned', 'reversed') AND NOT EXISTS (
        SELECT 1 FROM payment b WHERE b.obligation_id = p.obligation_id
        AND (b.attempt > p.attempt OR b.state NOT IN ('rejected', 'returned', 'reversed'))
    ) AND with_us_on(p.obligation_id) = 'payable'
    ORDER BY p.obligation_id, p.attempt DESC
), entry AS (
    INSERT INTO ledger_entry (obligation_id, payment_id, kind, division_id, department)
    SELECT obligation_id, id, 'set_aside', division_id, department FROM back
    RETURNING id, payment_id, division_id, department
)
INSERT INTO ledger_line (entry_id, account, amount_fen, division_id, department)
SELECT entry.id, side.account, side.sign * back.amount_fen, entry.division_id, entry.department
FROM entry JOIN back ON back.id = entry.payment_id
CROSS JOIN (VALUES ('payable', -1), ('returned', 1)) AS side(account, sign);

-- Who had died before holds were placed by themselves: where something of theirs is owed and has not arrived, or is
-- about to be owed.
INSERT INTO hold (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by)
SELECT uuidv7(), d.id, 'death', d.id, 'died', d.division_id, '*', 'service:subsidy'
FROM person d WHERE (d.is_alive = false OR d.death_date IS NOT NULL) AND d.id IN (
    SELECT unnest(ARRAY[o.beneficiary, o.payee]) FROM payment p JOIN obligation o ON o.id = p.obligation_id
    WHERE p.state IN ('prepared', 'rejected', 'returned', 'reversed')
    UNION ALL
    SELECT unnest(ARRAY[e.beneficiary, e.payee]) FROM entitlement e JOIN run r ON r.id = e.run_id
    WHERE r.state IN ('frozen', 'approved') AND e.status = 'entitled'
) ON CONFLICT DO NOTHING;
SELECT set_config('app.division', '', true), set_config('app.department', '', true);
