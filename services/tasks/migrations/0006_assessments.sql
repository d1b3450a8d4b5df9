-- Assessments: each division's place for a period, with the facts that give it; never changed.

-- The period and the formula stand on every row: a township that sees its own row only can still check its place.
CREATE TABLE assessment_rank (
    assessment_id uuid NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    level text NOT NULL CHECK (level IN ('township', 'village')),
    period_from date NOT NULL,
    period_to date NOT NULL CHECK (period_to >= period_from),
    formula text NOT NULL,
    assessed_on date NOT NULL,
    rank integer CHECK (rank >= 1), -- NULL: too few finished shares to say anything
    of integer NOT NULL CHECK (of >= 0),
    score_milli integer,
    facts jsonb NOT NULL,
    explanation_en text NOT NULL,
    explanation_zh text NOT NULL,
    PRIMARY KEY (assessment_id, division_id),
    CHECK ((rank IS NULL) = (score_milli IS NULL))
);
CREATE INDEX assessment_rank_division ON assessment_rank (division_id, assessment_id);
GRANT SELECT, INSERT ON assessment_rank TO qingdan_app;
SELECT scope_by_division('assessment_rank');
