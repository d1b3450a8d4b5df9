-- A frozen run that turns out to be wrong goes back to its preparers before it is approved: it is a preview again.

-- Each time that it came back, and what had been frozen: its hash, for the next preview replaces rows and snapshot. An
-- objection may so be to an item that the run has no more. reason: a word of finance. approvals: how many had
-- been given, which count no more.
CREATE TABLE run_return (
    run_id uuid NOT NULL REFERENCES run,
    number smallint NOT NULL CHECK (number >= 1),
    division_id integer NOT NULL REFERENCES division,
    frozen_hash bytea NOT NULL CHECK (octet_length(frozen_hash) = 32),
    frozen_by text NOT NULL,
    frozen_on date NOT NULL,
    notice_until date NOT NULL,
    frozen_items bigint,
    frozen_fen bigint,
    approvals smallint NOT NULL CHECK (approvals >= 0),
    reason text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_-]{0,39}$'),
    returned_by text NOT NULL,
    returned_on date NOT NULL,
    PRIMARY KEY (run_id, number)
);
CREATE INDEX run_return_division ON run_return (division_id);
GRANT SELECT, INSERT ON run_return TO qingdan_app;
SELECT scope_by_division('run_return');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON run_return
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION run_return_is_of_what_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM run r WHERE r.id = NEW.run_id AND r.state = 'frozen' AND r.division_id = NEW.division_id
        AND r.frozen_hash = NEW.frozen_hash AND NEW.number = r.returns + 1
    ) THEN
        RAISE EXCEPTION 'what is frozen comes back as it was frozen' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER of_what_is_frozen BEFORE INSERT ON run_return
FOR EACH ROW EXECUTE FUNCTION run_return_is_of_what_is_frozen();

-- An approval is of what was frozen at the time: after a return whoever approved approves anew. A replica of an earlier
-- version does not know of returns, so the database says which freeze an approval is of.
ALTER TABLE run ADD COLUMN returns smallint NOT NULL DEFAULT 0 CHECK (returns >= 0);
ALTER TABLE run_approval ADD COLUMN returns smallint NOT NULL DEFAULT 0;
ALTER TABLE run_approval DROP CONSTRAINT run_approval_pkey, ADD PRIMARY KEY (run_id, returns, approver);

CREATE OR REPLACE FUNCTION run_approval_is_by_another() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    SELECT r.returns INTO NEW.returns FROM run r WHERE r.id = NEW.run_id AND r.state = 'frozen'
    AND r.division_id = NEW.division_id AND r.frozen_hash = NEW.frozen_hash
    AND NEW.approver NOT IN (r.prepared_by, r.frozen_by);
    IF NEW.returns IS NULL THEN
        RAISE EXCEPTION 'a frozen run is approved as it was frozen, by neither its preparer nor who froze it'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;

CREATE OR REPLACE FUNCTION run_has_its_approvals() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (SELECT count(*) FROM run_approval a WHERE a.run_id = NEW.id AND a.returns = NEW.returns)
       < NEW.approvals_needed THEN
        RAISE EXCEPTION 'the run needs % approvals', NEW.approvals_needed
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;

-- What was approved never comes back, and what was frozen only with an entry of what it was.
CREATE FUNCTION run_comes_back_with_an_entry() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.state <> 'frozen' OR NEW.state <> 'previewed' OR NEW.returns <> OLD.returns + 1 OR NOT EXISTS (
        SELECT 1 FROM run_return b WHERE b.run_id = NEW.id AND b.number = NEW.returns
        AND b.frozen_hash = OLD.frozen_hash
    ) THEN
        RAISE EXCEPTION 'a run comes back before it is approved, and it is entered why'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER back_with_an_entry BEFORE UPDATE ON run FOR EACH ROW WHEN (
    NEW.returns <> OLD.returns
    OR OLD.state <> 'previewed' AND NEW.state = 'previewed'
    OR OLD.state IN ('approved', 'paying', 'closed') AND NEW.state = 'frozen'
    OR OLD.state <> 'previewed' AND OLD.frozen_hash IS DISTINCT FROM NEW.frozen_hash
) EXECUTE FUNCTION run_comes_back_with_an_entry();
