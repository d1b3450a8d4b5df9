-- Signs that hang at villages or hung there, with what the rules say of each.

-- code is NULL when no rule knows the wording; the verdict holds under rule_version.
CREATE TABLE sign (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    wording text NOT NULL CHECK (length(wording) BETWEEN 1 AND 200),
    position text NOT NULL CHECK (position IN ('outside_horizontal', 'outside_vertical', 'inside')),
    hung_since_year smallint NOT NULL,
    copy smallint NOT NULL CHECK (copy >= 1), -- tells signs apart that are alike in everything
    found_by text NOT NULL CHECK (found_by IN ('census', 'request')),
    state text NOT NULL CHECK (state IN ('hanging', 'ordered', 'removed')),
    rule_version integer NOT NULL,
    code text,
    verdict text NOT NULL CHECK (verdict IN ('permitted', 'removable')),
    reason text,
    version bigint NOT NULL DEFAULT 1,
    FOREIGN KEY (rule_version, code) REFERENCES sign_rule,
    CHECK ((reason IS NULL) = (verdict = 'permitted')),
    CHECK (code IS NOT NULL OR verdict = 'removable'),
    CHECK (state = 'hanging' OR verdict = 'removable') -- what may hang is never ordered down
) WITH (fillfactor = 75); -- a sign changes a few times, mostly where no index looks: leave room on its page
-- A census repeated finds the same signs.
CREATE UNIQUE INDEX sign_counted_once ON sign (division_id, wording, position, hung_since_year, department, copy)
WHERE found_by = 'census';
-- One of a kind, also where the one that hangs is another department's, whose row the asker cannot see.
CREATE UNIQUE INDEX sign_one_of_a_kind ON sign (division_id, code) WHERE verdict = 'permitted';
CREATE INDEX sign_division ON sign (division_id, id);
CREATE INDEX sign_rule_of ON sign (rule_version, code);
GRANT SELECT, INSERT, UPDATE ON sign TO qingdan_app;
SELECT scope_by_division('sign', 'department');

-- Departments' asks to hang a sign that were turned down, with the reason; counted by department.
CREATE TABLE refused_request (
    id uuid PRIMARY KEY, -- that of the sign that will not hang
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    wording text NOT NULL,
    position text NOT NULL,
    code text,
    reason text NOT NULL,
    rule_version integer NOT NULL REFERENCES rule_version,
    refused_on date NOT NULL
);
CREATE INDEX refused_request_division ON refused_request (division_id, id);
CREATE INDEX refused_request_rules ON refused_request (rule_version);
GRANT SELECT, INSERT ON refused_request TO qingdan_app;
SELECT scope_by_division('refused_request', 'department');
