-- Runs: one for each county and month; and what each programme comes to in it, for whom.

CREATE TABLE run (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    state text NOT NULL CHECK (state IN ('previewed', 'frozen', 'approved', 'paying', 'closed')),
    programme_version integer NOT NULL REFERENCES programme_version,
    reference_on date NOT NULL,
    prepared_by text NOT NULL,
    frozen_by text,
    approved_by text,
    frozen_hash bytea CHECK (octet_length(frozen_hash) = 32),
    notice_until date,
    previewed_on date NOT NULL,
    frozen_on date,
    approved_on date,
    closed_on date,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (division_id, period),
    CHECK ((frozen_on IS NULL) = (state = 'previewed')),
    CHECK ((frozen_on IS NULL) = (frozen_by IS NULL)),
    CHECK ((frozen_on IS NULL) = (frozen_hash IS NULL)),
    CHECK ((frozen_on IS NULL) = (notice_until IS NULL)),
    CHECK ((approved_on IS NULL) = (state IN ('previewed', 'frozen'))),
    CHECK ((approved_on IS NULL) = (approved_by IS NULL)),
    CHECK ((closed_on IS NULL) = (state <> 'closed'))
);
CREATE INDEX run_programme_version ON run (programme_version);
GRANT SELECT, INSERT, UPDATE ON run TO qingdan_app;
SELECT scope_by_division('run');

-- Who is not eligible has no row. missing: the facts that would decide; they are names, never values.
CREATE TABLE entitlement (
    run_id uuid NOT NULL REFERENCES run,
    programme text NOT NULL,
    beneficiary uuid NOT NULL,
    occurrence text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('person', 'household')),
    payee uuid,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    amount_fen bigint,
    status text NOT NULL CHECK (status IN ('entitled', 'excluded', 'undetermined')),
    excluded_by text,
    missing text [],
    PRIMARY KEY (run_id, programme, beneficiary, occurrence),
    CHECK ((amount_fen IS NULL) = (status = 'undetermined')),
    CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
    CHECK ((excluded_by IS NULL) = (status <> 'excluded')),
    CHECK ((missing IS NULL) = (status <> 'undetermined'))
);
CREATE INDEX entitlement_division ON entitlement (division_id);
GRANT SELECT, INSERT, UPDATE (status, excluded_by), DELETE ON entitlement TO qingdan_app;
SELECT scope_by_division('entitlement', 'department');

-- From the freeze on nothing in a run changes any more, whoever tries.
CREATE FUNCTION entitlement_changes_while_previewed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT run_id FROM changed) AS c
        WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.id = c.run_id AND r.state = 'previewed')
    ) THEN
        RAISE EXCEPTION 'the run is frozen' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER frozen_against_insert AFTER INSERT ON entitlement REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER frozen_against_update AFTER UPDATE ON entitlement REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER frozen_against_delete AFTER DELETE ON entitlement REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
