-- Of whom it is not known: kept by what is missing, since where a register is not declared complete that is everybody.

-- The beneficiaries of a run of whom something is not known, each once, by place and id: a seat for each. A roster has
-- at most 4,096 of them, so that a group that points into it stays small. payees: who would receive, the nil UUID for
-- nobody.
CREATE TABLE undetermined_roster (
    run_id uuid NOT NULL REFERENCES run,
    kind text NOT NULL CHECK (kind IN ('person', 'household')),
    division_id integer NOT NULL REFERENCES division,
    part integer NOT NULL CHECK (part >= 0),
    members uuid [] NOT NULL CHECK (cardinality(members) BETWEEN 1 AND 4096),
    payees uuid [] NOT NULL CHECK (cardinality(payees) = cardinality(members)),
    PRIMARY KEY (run_id, kind, division_id, part)
);
-- Ids do not compress.
ALTER TABLE undetermined_roster ALTER COLUMN members SET STORAGE EXTERNAL, ALTER COLUMN payees SET STORAGE EXTERNAL;
CREATE INDEX undetermined_roster_division ON undetermined_roster (division_id);
GRANT SELECT, INSERT, DELETE ON undetermined_roster TO qingdan_app;
SELECT scope_by_division('undetermined_roster');

-- Those of a roster whom a programme leaves open for want of the same facts. seats: a bit for each seat, the lowest
-- bit of the first octet first. missing: the facts that would decide; they are names, never values.
CREATE TABLE undetermined_group (
    run_id uuid NOT NULL REFERENCES run,
    programme text NOT NULL,
    kind text NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    part integer NOT NULL,
    missing text [] NOT NULL,
    department text NOT NULL,
    occurrence text NOT NULL,
    seats bytea NOT NULL CHECK (octet_length(seats) <= 512),
    cases bigint NOT NULL GENERATED ALWAYS AS (bit_count(seats)) STORED CHECK (cases >= 1),
    PRIMARY KEY (run_id, programme, division_id, part, missing),
    FOREIGN KEY (run_id, kind, division_id, part) REFERENCES undetermined_roster
);
CREATE INDEX undetermined_group_roster ON undetermined_group (run_id, kind, division_id, part);
CREATE INDEX undetermined_group_division ON undetermined_group (division_id);
GRANT SELECT, INSERT, DELETE ON undetermined_group TO qingdan_app;
SELECT scope_by_division('undetermined_group', 'department');

CREATE TRIGGER frozen_against_insert AFTER INSERT ON undetermined_roster REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER frozen_against_delete AFTER DELETE ON undetermined_roster REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER never_updated BEFORE UPDATE OR TRUNCATE ON undetermined_roster
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER frozen_against_insert AFTER INSERT ON undetermined_group REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER frozen_against_delete AFTER DELETE ON undetermined_group REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION entitlement_changes_while_previewed();
CREATE TRIGGER never_updated BEFORE UPDATE OR TRUNCATE ON undetermined_group
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Case by case, as rows of `entitlement` would say it.
CREATE VIEW undetermined_case WITH (security_invoker = true) AS
SELECT g.run_id, g.programme, seat.beneficiary, g.occurrence, g.kind,
       nullif(seat.payee, '00000000-0000-0000-0000-000000000000'::uuid) AS payee, g.division_id, g.department, g.missing
FROM undetermined_group g
JOIN undetermined_roster r ON r.run_id = g.run_id AND r.kind = g.kind AND r.division_id = g.division_id
    AND r.part = g.part
CROSS JOIN LATERAL unnest(r.members, r.payees) WITH ORDINALITY AS seat (beneficiary, payee, number)
WHERE get_bit(g.seats, seat.number - 1) = 1;
GRANT SELECT ON undetermined_case TO qingdan_app;

-- The same of some of whom nobody knows in which roster they are: each roster is opened once, whatever the programmes.
CREATE FUNCTION undetermined_of(run uuid, who uuid []) RETURNS SETOF undetermined_case
LANGUAGE sql STABLE AS $body$
    WITH seat AS MATERIALIZED (
        SELECT r.kind, r.division_id, r.part, each.beneficiary, each.payee, each.number
        FROM undetermined_roster r
        CROSS JOIN LATERAL unnest(r.members, r.payees) WITH ORDINALITY AS each (beneficiary, payee, number)
        JOIN (SELECT DISTINCT unnest(who) AS id) AS asked ON asked.id = each.beneficiary
        WHERE r.run_id = run
    )
    SELECT run, g.programme, seat.beneficiary, g.occurrence, g.kind,
           nullif(seat.payee, '00000000-0000-0000-0000-000000000000'::uuid), g.division_id, g.department, g.missing
    FROM seat JOIN undetermined_group g ON g.run_id = run AND g.kind = seat.kind
        AND g.division_id = seat.division_id AND g.part = seat.part
    WHERE get_bit(g.seats, seat.number - 1) = 1
$body$;

-- A replica of an earlier version takes away only the rows of the preview that it computes anew, and what that preview
-- was computed from: what was kept here goes with the latter.
CREATE FUNCTION undetermined_goes_with_snapshot() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    DELETE FROM undetermined_group g USING (SELECT DISTINCT run_id FROM gone) AS those
    WHERE g.run_id = those.run_id AND EXISTS (SELECT 1 FROM run r WHERE r.id = those.run_id AND r.state = 'previewed');
    DELETE FROM undetermined_roster o USING (SELECT DISTINCT run_id FROM gone) AS those
    WHERE o.run_id = those.run_id AND EXISTS (SELECT 1 FROM run r WHERE r.id = those.run_id AND r.state = 'previewed');
    RETURN NULL;
END $body$;
CREATE TRIGGER undetermined_goes_too AFTER DELETE ON run_snapshot REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION undetermined_goes_with_snapshot();
