-- Programmes: what is kept with a version (its examples, a cap), and what a county may spend on each in a year.

-- The most that anybody gets for one occurrence (a month, a year, a death). NULL: the rule alone says how much.
ALTER TABLE programme ADD COLUMN cap_fen bigint CHECK (cap_fen BETWEEN 1 AND 9007199254740991);

-- What a version promised of somebody made up; later versions hold to the newest of each name. facts: of nobody who is.
CREATE TABLE programme_example (
    version integer NOT NULL,
    programme text NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
    facts jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'object'),
    eligible boolean NOT NULL,
    amount_fen bigint CHECK (amount_fen BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (version, programme, name),
    FOREIGN KEY (version, programme) REFERENCES programme (version, code),
    CHECK (eligible OR amount_fen IS NULL)
);
CREATE INDEX programme_example_newest ON programme_example (programme, name, version DESC);
GRANT SELECT, INSERT ON programme_example TO qingdan_app;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON programme_example
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- As the programmes themselves: everybody with an identity reads them, finance and the operator publish them.
ALTER TABLE programme_example ENABLE ROW LEVEL SECURITY;
ALTER TABLE programme_example FORCE ROW LEVEL SECURITY;
CREATE POLICY known_actors_read ON programme_example FOR SELECT USING ((SELECT app_actor()) IS NOT NULL);
CREATE POLICY known_actors_publish ON programme_example FOR INSERT
WITH CHECK ((SELECT app_kind()) IN ('user', 'operator'));

-- What a county may spend on a programme in a year. An amendment is another row that counts from its day on; nothing is
-- taken back. No row: the programme is not limited.
CREATE TABLE budget (
    division_id integer NOT NULL REFERENCES division,
    programme text NOT NULL,
    year smallint NOT NULL CHECK (year BETWEEN 2000 AND 2999),
    number integer NOT NULL CHECK (number >= 1),
    department text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen BETWEEN 0 AND 9007199254740991),
    funding_source text NOT NULL CHECK (length(funding_source) BETWEEN 1 AND 300),
    effective_on date NOT NULL,
    note text NOT NULL CHECK (length(note) <= 300),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (division_id, year, programme, number),
    CHECK (extract(YEAR FROM effective_on) = year)
);
GRANT SELECT, INSERT ON budget TO qingdan_app;
SELECT scope_by_division('budget', 'department');
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON budget
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
