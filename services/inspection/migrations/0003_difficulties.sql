-- Difficulties that a village cannot solve alone, and what it was answered.

CREATE TABLE difficulty (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    department text,                   -- of the share it is about; NULL when it is about none
    share_id uuid REFERENCES share,
    category text NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'forwarded', 'answered')),
    raised_on date NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    -- Who waits comes first, whoever was only passed on next. Ids are in order of time.
    place smallint NOT NULL GENERATED ALWAYS AS (
        CASE state WHEN 'open' THEN 0 WHEN 'forwarded' THEN 1 ELSE 2 END
    ) STORED
);
CREATE INDEX difficulty_in_turn ON difficulty (place, id);
CREATE INDEX difficulty_share ON difficulty (share_id);
CREATE INDEX difficulty_division ON difficulty (division_id);
GRANT SELECT, INSERT, UPDATE ON difficulty TO qingdan_app;
SELECT scope_by_division('difficulty', 'department');

CREATE TABLE difficulty_answer (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    difficulty_id uuid NOT NULL REFERENCES difficulty,
    division_id integer NOT NULL REFERENCES division,
    department text,
    outcome text NOT NULL CHECK (outcome IN ('resolved', 'explained', 'forwarded')),
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    answered_on date NOT NULL
);
CREATE INDEX difficulty_answer_difficulty ON difficulty_answer (difficulty_id, seq);
CREATE INDEX difficulty_answer_division ON difficulty_answer (division_id);
GRANT SELECT, INSERT ON difficulty_answer TO qingdan_app;
SELECT scope_by_division('difficulty_answer', 'department');
