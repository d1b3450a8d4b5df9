-- Progress in depth: what works took and saved, extensions that others decide on, desks that change hands, and the parts
-- of a desk by one rule.

-- What a report said of works, as it was said: totals so far, never what was added.
ALTER TABLE share_report ADD COLUMN works jsonb;

-- The latest totals of a share. In a table of its own: few shares are works, and a column that a report changes must
-- never come into an index of `share`.
CREATE TABLE share_works (
    share_id uuid PRIMARY KEY REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    item_code text NOT NULL, -- '': a task that stands on no item
    labour_days integer CHECK (labour_days >= 0),
    households_taking_part integer CHECK (households_taking_part >= 0),
    material_reused_kg integer CHECK (material_reused_kg >= 0),
    money_saved_fen bigint CHECK (money_saved_fen >= 0),
    told_on date NOT NULL
);
CREATE INDEX share_works_division ON share_works (division_id);
GRANT SELECT, INSERT, UPDATE ON share_works TO qingdan_app;
SELECT scope_by_division('share_works', 'department');

-- A later limit is the village's own, or an extension that was granted: then on time is judged by the new date.
ALTER TABLE share_limit ADD COLUMN code text NOT NULL DEFAULT 'own' CHECK (code IN ('own', 'extension'));

CREATE TABLE share_extension (
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    limit_working_days integer NOT NULL CHECK (limit_working_days >= 1),
    due_before date NOT NULL, -- what on time was judged by when it was asked for
    due_asked date NOT NULL CHECK (due_asked > due_before),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    asked_by text NOT NULL,
    asked_on date NOT NULL,
    decide_by date NOT NULL CHECK (decide_by > asked_on),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'refused')),
    decided_on date,
    decided_by text,
    decision_reason text,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((state = 'open') = (decided_on IS NULL)),
    CHECK ((decided_on IS NULL) = (decided_by IS NULL)),
    CHECK (decided_by <> asked_by)
);
CREATE UNIQUE INDEX share_extension_open ON share_extension (share_id) WHERE state = 'open';
CREATE INDEX share_extension_share ON share_extension (share_id);
CREATE INDEX share_extension_division ON share_extension (division_id);
CREATE INDEX share_extension_due ON share_extension (decide_by, id);
CREATE INDEX share_extension_to_decide ON share_extension (decide_by, id) WHERE state = 'open';
GRANT SELECT, INSERT, UPDATE ON share_extension TO qingdan_app;
SELECT scope_by_division('share_extension', 'department');

-- A village's desk goes from one secretary to the next. Persons by their subject alone; names are never stored.
CREATE TABLE desk_handover (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'replaced')),
    handed_over_by text NOT NULL,
    by_town boolean NOT NULL,
    handed_over_on date NOT NULL,
    shares_open integer NOT NULL CHECK (shares_open >= 0),
    appeals_open integer NOT NULL CHECK (appeals_open >= 0),
    accepted_by text,
    accepted_on date,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((state = 'accepted') = (accepted_on IS NOT NULL)),
    CHECK ((accepted_on IS NULL) = (accepted_by IS NULL)),
    CHECK (accepted_by <> handed_over_by)
);
CREATE UNIQUE INDEX desk_handover_open ON desk_handover (division_id) WHERE state = 'open';
CREATE INDEX desk_handover_division ON desk_handover (division_id, id);
GRANT SELECT, INSERT, UPDATE (state, accepted_by, accepted_on, version) ON desk_handover TO qingdan_app;
SELECT scope_by_division('desk_handover');

-- The record: what lay on the desk at that moment, as it stood. Never changed.
CREATE TABLE handover_share (
    handover_id uuid NOT NULL REFERENCES desk_handover,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    state text NOT NULL,
    limit_working_days integer,
    due_on date,
    provisional boolean,
    percent smallint NOT NULL,
    waiting_for text,
    paused_on date,
    extension_limit_working_days integer,
    extension_decide_by date,
    appeal_decide_by date,
    note text NOT NULL CHECK (length(note) <= 2000),
    PRIMARY KEY (handover_id, share_id)
);
CREATE INDEX handover_share_share ON handover_share (share_id);
CREATE INDEX handover_share_division ON handover_share (division_id);
GRANT SELECT, INSERT ON handover_share TO qingdan_app;
SELECT scope_by_division('handover_share', 'department');

-- In which part of the desk an open share lies. One rule, for today's desk and for the list of shares: what waits for
-- others is overdue only if it was so before the clock stopped.
CREATE FUNCTION desk_part(state text, due_on date, waiting_for text, paused_on date, today date, soon date) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN state = 'published' THEN 'new'
    WHEN due_on < paused_on THEN 'overdue'
    WHEN state = 'reported_done' OR waiting_for IS NOT NULL THEN 'waiting'
    WHEN due_on < today THEN 'overdue'
    WHEN due_on = today THEN 'due_today'
    WHEN due_on <= soon THEN 'due_soon'
    ELSE 'later' END;

-- What is folded into the histogram need not be kept.
GRANT DELETE ON finished_duration TO qingdan_app;
