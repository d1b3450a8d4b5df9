-- What is being computed just now: told by transactions of its own, for nobody sees what the long one has not committed.

-- heard_at: of a computation that goes on, seconds ago; of one that was killed, longer. The next attempt replaces it.
CREATE TABLE computing (
    division_id integer NOT NULL REFERENCES division,
    period text NOT NULL CHECK (length(period) BETWEEN 4 AND 7),
    what text NOT NULL CHECK (what IN ('preview', 'freeze')),
    step text NOT NULL CHECK (step IN ('facts', 'programmes', 'results', 'list')),
    done bigint NOT NULL CHECK (done BETWEEN 0 AND total),
    total bigint NOT NULL,
    began_at timestamptz NOT NULL,
    step_began_at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (division_id, period)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON computing TO qingdan_app;
SELECT scope_by_division('computing');
