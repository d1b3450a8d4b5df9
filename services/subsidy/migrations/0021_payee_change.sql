-- Who receives what is owed to somebody living, when whoever was to receive it cannot any more.

-- What is owed stays one thing, paid once: only its payee changes, and each change is kept here, with both who stand
-- behind it. reason: a word of finance; basis: what the registers said of the old payee when it was proposed.
CREATE TABLE payee_change (
    id uuid PRIMARY KEY,
    obligation_id uuid NOT NULL REFERENCES obligation,
    old_payee uuid,
    new_payee uuid NOT NULL,
    reason text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_-]{0,39}$'),
    basis text NOT NULL CHECK (basis IN ('died', 'left_household', 'nobody_known')),
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'confirmed', 'refused')),
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_by text,
    decided_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (old_payee IS DISTINCT FROM new_payee),
    CHECK ((basis = 'nobody_known') = (old_payee IS NULL)),
    CHECK (num_nonnulls(decided_by, decided_at) = CASE state WHEN 'proposed' THEN 0 ELSE 2 END),
    CONSTRAINT payee_change_two_people CHECK (decided_by <> proposed_by)
);
CREATE UNIQUE INDEX payee_change_one_open ON payee_change (obligation_id) WHERE state = 'proposed';
CREATE INDEX payee_change_obligation ON payee_change (obligation_id);
CREATE INDEX payee_change_division ON payee_change (division_id);
GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_at, version) ON payee_change TO qingdan_app;
SELECT scope_by_division('payee_change', 'department');

CREATE FUNCTION payee_change_stays_decided() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the change of payee is %', OLD.state USING ERRCODE = 'integrity_constraint_violation';
END $body$;
CREATE TRIGGER stays_decided BEFORE UPDATE ON payee_change FOR EACH ROW WHEN (OLD.state <> 'proposed')
EXECUTE FUNCTION payee_change_stays_decided();
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON payee_change
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Of an obligation nothing ever changes but its payee: to whom the newest change says, which two people stand behind,
-- and never while money of it is with a bank or has arrived.
DROP TRIGGER only_added_to ON obligation;
CREATE TRIGGER only_added_to BEFORE DELETE OR TRUNCATE ON obligation
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT UPDATE (payee) ON obligation TO qingdan_app;

CREATE FUNCTION obligation_changes_payee_by_two() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    as_it_was obligation := NEW;
BEGIN
    as_it_was.payee := OLD.payee;
    IF as_it_was IS DISTINCT FROM OLD OR NOT EXISTS (
        SELECT 1 FROM payee_change c WHERE c.obligation_id = OLD.id AND c.state = 'confirmed'
        AND c.old_payee IS NOT DISTINCT FROM OLD.payee AND c.new_payee = NEW.payee
        AND NOT EXISTS (SELECT 1 FROM payee_change n WHERE n.obligation_id = OLD.id AND n.state = 'confirmed'
                        AND n.decided_at > c.decided_at)
    ) THEN
        RAISE EXCEPTION 'an obligation changes by a change of payee that two people stand behind, or not at all'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM payment p WHERE p.obligation_id = OLD.id
               AND p.state NOT IN ('prepared', 'rejected', 'returned', 'reversed')) THEN
        RAISE EXCEPTION 'money of the obligation is with a bank, or has arrived'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER payee_by_two BEFORE UPDATE ON obligation
FOR EACH ROW EXECUTE FUNCTION obligation_changes_payee_by_two();

-- An attempt that nobody has sent follows its obligation; one that was sent stays what it was.
GRANT UPDATE (payee) ON payment TO qingdan_app;
CREATE FUNCTION payment_follows_payee() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.state <> 'prepared' OR NEW.payee IS DISTINCT FROM (SELECT payee FROM obligation WHERE id = OLD.obligation_id)
    THEN
        RAISE EXCEPTION 'a payment goes to whom its obligation names' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER follows_payee BEFORE UPDATE OF payee ON payment
FOR EACH ROW EXECUTE FUNCTION payment_follows_payee();
