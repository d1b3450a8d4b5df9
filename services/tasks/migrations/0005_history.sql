-- A county's finished past, imported with its business dates; assessed beside the shares that ran here.

CREATE TABLE finished_share (
    batch text NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    task_code text NOT NULL,
    claimed_on date NOT NULL,
    item_code text NOT NULL,
    limit_working_days integer NOT NULL CHECK (limit_working_days >= 1),
    used_working_days integer NOT NULL CHECK (used_working_days >= 0),
    findings integer NOT NULL CHECK (findings >= 0),
    passed_first_recheck integer NOT NULL CHECK (passed_first_recheck BETWEEN 0 AND findings),
    difficulties_raised integer NOT NULL CHECK (difficulties_raised >= 0),
    origin text NOT NULL,
    PRIMARY KEY (division_id, claimed_on, task_code, batch)
);
GRANT SELECT, INSERT ON finished_share TO qingdan_app;
SELECT scope_by_division('finished_share');
