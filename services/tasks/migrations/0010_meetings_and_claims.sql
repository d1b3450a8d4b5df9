-- The work meeting as one record, tasks for one village alone, a village's later change of its own limit, and how long
-- such tasks took.

-- What was withdrawn need not be done any more, and nobody had claimed it.
ALTER TABLE share DROP CONSTRAINT share_state_check;
ALTER TABLE share ADD CHECK (
    state IN ('published', 'claimed', 'refused', 'reported_done', 'completed', 'withdrawn'));
ALTER TABLE share DROP CONSTRAINT share_check;
ALTER TABLE share ADD CONSTRAINT share_claimed
    CHECK ((claimed_on IS NULL) = (state IN ('published', 'refused', 'withdrawn')));
ALTER TABLE share ADD COLUMN withdrawn_on date;
ALTER TABLE share ADD COLUMN withdrawal_code text;
ALTER TABLE share ADD CHECK ((withdrawn_on IS NULL) = (state <> 'withdrawn'));
ALTER TABLE share ADD CHECK ((withdrawn_on IS NULL) = (withdrawal_code IS NULL));

-- Who holds a task that is open to the first. A village sees neither the township's task nor its neighbours' shares, so
-- there is no row that all of them could lock; but all of them can try to write this one key, and whoever comes second
-- waits for the first to end and then finds it taken, without having seen whose it is. Where nobody claims, there is no
-- row: nothing need be prepared when the task is published.
CREATE TABLE task_holder (
    task_id uuid PRIMARY KEY REFERENCES task,
    share_id uuid NOT NULL UNIQUE REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    others_withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX task_holder_division ON task_holder (division_id);
CREATE INDEX task_holder_to_withdraw ON task_holder (task_id) WHERE NOT others_withdrawn;
GRANT SELECT, INSERT, UPDATE ON task_holder TO qingdan_app;
SELECT scope_by_division('task_holder', 'department');

-- A village's own later limits; the first stands on the claim's event. Never changed.
CREATE TABLE share_limit (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    changed_by text NOT NULL,
    changed_on date NOT NULL,
    limit_before integer NOT NULL,
    limit_after integer NOT NULL,
    due_before date NOT NULL,
    due_after date NOT NULL,
    in_time boolean NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000)
);
CREATE INDEX share_limit_share ON share_limit (share_id, seq);
CREATE INDEX share_limit_division ON share_limit (division_id);
GRANT SELECT, INSERT ON share_limit TO qingdan_app;
SELECT scope_by_division('share_limit', 'department');

-- The due date that on time is judged by, once a limit was changed after it had passed; NULL: due_on.
ALTER TABLE share ADD COLUMN judged_due_on date;

-- How long such tasks took, in numbers that belong to nobody: no village, no task. What is finished is queued by the
-- transaction that finishes it, whichever command that is, and folded into the histogram by the service: villages that
-- finish the same item at once would otherwise wait for each other's row.
CREATE TABLE finished_duration (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    item_code text NOT NULL,
    department text NOT NULL,
    kind text NOT NULL,
    finished_on date NOT NULL,
    used_working_days integer NOT NULL CHECK (used_working_days >= 0),
    folded boolean NOT NULL DEFAULT false
);
CREATE INDEX finished_duration_to_fold ON finished_duration (seq) WHERE NOT folded;
CREATE INDEX finished_duration_division ON finished_duration (division_id);
GRANT SELECT, INSERT, UPDATE ON finished_duration TO qingdan_app;
SELECT scope_by_division('finished_duration');

CREATE TABLE item_duration (
    item_code text NOT NULL, -- '': a task that stands on no item
    department text NOT NULL, -- '': of a past that was imported without it
    kind text NOT NULL,
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    used_working_days integer NOT NULL,
    shares integer NOT NULL CHECK (shares > 0),
    PRIMARY KEY (item_code, month, used_working_days, department, kind)
);
CREATE INDEX item_duration_kind ON item_duration (department, kind, month);
GRANT SELECT, INSERT, UPDATE ON item_duration TO qingdan_app;
SELECT scope_as_reference('item_duration');

CREATE FUNCTION queue_duration_of_share() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO finished_duration (division_id, item_code, department, kind, finished_on, used_working_days)
    VALUES (new.division_id, coalesce(new.item_code, ''), new.department, new.kind, new.completed_on,
            new.used_working_days);
    RETURN NULL;
END $body$;
CREATE TRIGGER duration_of_share AFTER UPDATE OF state ON share FOR EACH ROW
    WHEN (new.state = 'completed' AND old.state <> 'completed') EXECUTE FUNCTION queue_duration_of_share();

CREATE FUNCTION queue_duration_of_past() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO finished_duration (division_id, item_code, department, kind, finished_on, used_working_days)
    SELECT division_id, item_code, '', '', claimed_on, used_working_days FROM added;
    RETURN NULL;
END $body$;
CREATE TRIGGER duration_of_past AFTER INSERT ON finished_share REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION queue_duration_of_past();

-- What is finished already: read as the service reads, since the policies bind the tables' owner, too.
SELECT set_config('app.actor', 'service:tasks', true), set_config('app.kind', 'service', true),
    set_config('app.department', '*', true),
    set_config('app.division', (SELECT id::text FROM division WHERE level = 'country' AND valid_to IS NULL), true);
INSERT INTO finished_duration (division_id, item_code, department, kind, finished_on, used_working_days)
SELECT division_id, coalesce(item_code, ''), department, kind, completed_on, used_working_days FROM share
WHERE state = 'completed'
UNION ALL
SELECT division_id, item_code, '', '', claimed_on, used_working_days FROM finished_share;

ALTER TABLE meeting ADD COLUMN agenda jsonb NOT NULL DEFAULT '[]';
ALTER TABLE meeting ADD COLUMN closed_on date;
ALTER TABLE meeting ADD COLUMN version bigint NOT NULL DEFAULT 1;
GRANT UPDATE ON meeting TO qingdan_app;

-- Who is invited and who came. The row is the village's own, since it sees none of the township's: what it must know of
-- the meeting stands here.
CREATE TABLE meeting_village (
    meeting_id uuid NOT NULL REFERENCES meeting,
    division_id integer NOT NULL REFERENCES division,
    attended boolean NOT NULL DEFAULT false,
    closed_on date,
    PRIMARY KEY (meeting_id, division_id)
);
CREATE INDEX meeting_village_division ON meeting_village (division_id);
GRANT SELECT, INSERT, UPDATE ON meeting_village TO qingdan_app;
SELECT scope_by_division('meeting_village');
INSERT INTO meeting_village (meeting_id, division_id)
SELECT m.id, v.id FROM meeting m JOIN division_closure c ON c.ancestor_id = m.division_id
JOIN division v ON v.id = c.descendant_id AND v.level = 'village' AND v.valid_to IS NULL;

-- A village's objection to a task on the table, in its own words, which stay here. Never changed.
CREATE TABLE meeting_objection (
    id uuid PRIMARY KEY,
    meeting_id uuid NOT NULL REFERENCES meeting,
    share_id uuid NOT NULL UNIQUE REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    words text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
    raised_on date NOT NULL
);
CREATE INDEX meeting_objection_meeting ON meeting_objection (meeting_id, id);
CREATE INDEX meeting_objection_division ON meeting_objection (division_id);
GRANT SELECT, INSERT ON meeting_objection TO qingdan_app;
SELECT scope_by_division('meeting_objection');
