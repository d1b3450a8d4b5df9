-- Objections to a place: the clock is on whoever ranked, and who was right is ranked anew, with what was corrected.

-- assessed_by: who ranked, and decides on no objection to it (NULL: from before this was kept). published_on: when it
-- was told; assessed_on stays that of the first one when it is corrected. first_assessment_id: the one that all
-- corrections of it go back to, itself NULL.
ALTER TABLE assessment_rank
    ADD COLUMN assessed_by text,
    ADD COLUMN published_on date,
    ADD COLUMN replaces uuid,
    ADD COLUMN first_assessment_id uuid,
    ADD CHECK ((replaces IS NULL) = (first_assessment_id IS NULL));
-- One follows another, and never two.
CREATE UNIQUE INDEX assessment_rank_replaces ON assessment_rank (replaces, division_id) WHERE replaces IS NOT NULL;
CREATE INDEX assessment_rank_first ON assessment_rank (first_assessment_id) WHERE first_assessment_id IS NOT NULL;

CREATE TABLE assessment_objection (
    id uuid PRIMARY KEY,
    assessment_id uuid NOT NULL,
    first_assessment_id uuid NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    shares uuid[] NOT NULL DEFAULT '{}', -- those that the division names
    objected_by text NOT NULL,
    objected_on date NOT NULL,
    decide_by date NOT NULL CHECK (decide_by > objected_on),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'granted')),
    decided_on date,
    decided_by text,
    decision_reason text,
    corrections jsonb, -- as they were decided; what is in force is in assessment_correction
    corrected_by uuid, -- the assessment that gives the new places
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (assessment_id, division_id),
    FOREIGN KEY (assessment_id, division_id) REFERENCES assessment_rank (assessment_id, division_id),
    CHECK ((state = 'open') = (decided_on IS NULL)),
    CHECK ((decided_on IS NULL) = (decided_by IS NULL)),
    CHECK ((state = 'granted') = (corrected_by IS NOT NULL)),
    CHECK (decided_by <> objected_by)
);
CREATE INDEX assessment_objection_division ON assessment_objection (division_id);
CREATE INDEX assessment_objection_due ON assessment_objection (decide_by, id);
-- A division has one open at a time, also when its place has been corrected meanwhile.
CREATE UNIQUE INDEX assessment_objection_open ON assessment_objection (first_assessment_id, division_id)
    WHERE state = 'open';
GRANT SELECT, INSERT, UPDATE (state, decided_on, decided_by, decision_reason, corrections, corrected_by, version)
    ON assessment_objection TO qingdan_app;
SELECT scope_by_division('assessment_objection');

-- How a share counts from now on, in this and every later assessment. In a table of its own: few shares are corrected.
-- Scoped as the share is, so that whoever sees a share count sees how.
CREATE TABLE assessment_correction (
    share_id uuid PRIMARY KEY REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    objection_id uuid NOT NULL REFERENCES assessment_objection,
    counts_as text NOT NULL CHECK (counts_as IN ('left_out', 'on_time', 'without_findings'))
);
CREATE INDEX assessment_correction_division ON assessment_correction (division_id);
CREATE INDEX assessment_correction_objection ON assessment_correction (objection_id);
GRANT SELECT, INSERT, UPDATE (objection_id, counts_as) ON assessment_correction TO qingdan_app;
SELECT scope_by_division('assessment_correction', 'department');
