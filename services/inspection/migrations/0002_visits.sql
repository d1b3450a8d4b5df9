-- Visits, what was found on the spot, how the village rectified it, and every re-check.

CREATE TABLE visit (
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text,
    state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'done', 'closed')),
    reported_on date NOT NULL,         -- of the village's report that the visit was planned from
    planned_on date NOT NULL,
    done_on date,
    findings smallint NOT NULL DEFAULT 0 CHECK (findings >= 0),
    failed_rechecks integer NOT NULL DEFAULT 0 CHECK (failed_rechecks >= 0),
    closed_on date,
    version bigint NOT NULL DEFAULT 1, -- grows with everything that belongs to the visit, its findings included
    CHECK ((state = 'planned') = (done_on IS NULL)),
    CHECK ((state = 'closed') = (closed_on IS NOT NULL))
);
-- One visit at a time: the second would burden the village and tell the team nothing that the first does not.
CREATE UNIQUE INDEX visit_one_open_of_a_share ON visit (share_id) WHERE state <> 'closed';
CREATE INDEX visit_share ON visit (share_id);
CREATE INDEX visit_division ON visit (division_id);
CREATE INDEX visit_by_day ON visit (planned_on, id);
GRANT SELECT, INSERT, UPDATE ON visit TO qingdan_app;
SELECT scope_by_division('visit', 'department');

CREATE TABLE finding (
    id uuid PRIMARY KEY,
    visit_id uuid NOT NULL REFERENCES visit,
    division_id integer NOT NULL REFERENCES division,
    department text,
    category text NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    suggestion_id uuid NOT NULL UNIQUE,
    suggestion text NOT NULL CHECK (length(suggestion) BETWEEN 1 AND 2000),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'rectified', 'passed')),
    raised_on date NOT NULL,
    failed_rechecks integer NOT NULL DEFAULT 0 CHECK (failed_rechecks >= 0),
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX finding_visit ON finding (visit_id);
CREATE INDEX finding_division ON finding (division_id);
GRANT SELECT, INSERT, UPDATE ON finding TO qingdan_app;
SELECT scope_by_division('finding', 'department');

-- Neither of the next two is ever changed: a finding sent back is rectified by one more row.
CREATE TABLE rectification (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id uuid NOT NULL REFERENCES finding,
    division_id integer NOT NULL REFERENCES division,
    department text,
    note text NOT NULL CHECK (length(note) BETWEEN 1 AND 2000),
    photo_sha256 text [] NOT NULL,
    rectified_on date NOT NULL
);
CREATE INDEX rectification_finding ON rectification (finding_id, seq);
CREATE INDEX rectification_division ON rectification (division_id);
GRANT SELECT, INSERT ON rectification TO qingdan_app;
SELECT scope_by_division('rectification', 'department');

CREATE TABLE recheck (
    id uuid PRIMARY KEY,
    finding_id uuid NOT NULL REFERENCES finding,
    division_id integer NOT NULL REFERENCES division,
    department text,
    passed boolean NOT NULL,
    note text NOT NULL CHECK (length(note) <= 2000),
    checked_on date NOT NULL
);
CREATE INDEX recheck_finding ON recheck (finding_id, id);
CREATE INDEX recheck_division ON recheck (division_id);
GRANT SELECT, INSERT ON recheck TO qingdan_app;
SELECT scope_by_division('recheck', 'department');
