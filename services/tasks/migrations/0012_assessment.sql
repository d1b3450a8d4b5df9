-- Assessments tell what would change a place, and below which division they rank.

-- would_change: the facts with the largest effect. The division below which was ranked stands on every row, since a
-- village sees no row of the township above it.
ALTER TABLE assessment_rank
ADD COLUMN would_change jsonb NOT NULL DEFAULT '[]',
ADD COLUMN below_division_id integer REFERENCES division;
CREATE INDEX assessment_rank_below ON assessment_rank (below_division_id);
