-- The burden ledger: what villages are asked for in a month, in hours, kept up to date by what is asked itself; budgets,
-- monthly reports, and which items are late. Tasks that an emergency asks for.

-- Why an ask was published although it takes villages beyond their budget; and which shares do.
ALTER TABLE task ADD COLUMN beyond_budget_reason text CHECK (length(beyond_budget_reason) BETWEEN 1 AND 2000);
ALTER TABLE share ADD COLUMN beyond_budget boolean NOT NULL DEFAULT false;

-- A row belongs to a village, but for what the gate refused or merged: that never reached one, and stands with the
-- division whose staff asked. asks: tasks, each counted at the first of its villages; asks_in_town: at the first of its
-- villages in each township, since a task of the county would else be seen in one township only.
CREATE TABLE burden (
    division_id integer NOT NULL REFERENCES division,
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    department text NOT NULL,
    item_code text NOT NULL, -- '': what stands on no item of the list
    list_version integer NOT NULL, -- 0: likewise; tells the item's category as it was when it was asked
    asks integer NOT NULL DEFAULT 0,
    asks_in_town integer NOT NULL DEFAULT 0,
    shares integer NOT NULL DEFAULT 0,
    hours bigint NOT NULL DEFAULT 0, -- without those of what was refused or withdrawn
    unpriced integer NOT NULL DEFAULT 0, -- shares of which nobody knows the hours
    beyond_budget integer NOT NULL DEFAULT 0,
    refused_by_villages integer NOT NULL DEFAULT 0,
    withdrawn integer NOT NULL DEFAULT 0,
    refused_at_gate integer NOT NULL DEFAULT 0,
    merged integer NOT NULL DEFAULT 0,
    PRIMARY KEY (division_id, month, department, item_code, list_version)
) WITH (fillfactor = 70); -- counted up often, and no index holds what changes
GRANT SELECT, INSERT, UPDATE ON burden TO qingdan_app;
SELECT scope_by_division('burden', 'department');

-- By triggers, so that no command can forget it. In the order of the key: two transactions that ask the same of the
-- same villages wait for each other in one direction only.
CREATE FUNCTION enter_in_burden() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO burden AS b (division_id, month, department, item_code, list_version, asks, asks_in_town, shares, hours,
                             unpriced, beyond_budget, refused_by_villages, withdrawn)
    SELECT e.division_id, e.month, e.department, e.item_code, e.list_version,
           count(*) FILTER (WHERE e.of_task = 1), count(*) FILTER (WHERE e.of_town = 1), count(*),
           coalesce(sum(e.hours_estimate) FILTER (WHERE e.state NOT IN ('refused', 'withdrawn')), 0),
           count(*) FILTER (WHERE e.hours_estimate IS NULL), count(*) FILTER (WHERE e.beyond_budget),
           count(*) FILTER (WHERE e.state = 'refused'), count(*) FILTER (WHERE e.state = 'withdrawn')
    FROM (
        SELECT a.division_id, date_trunc('month', a.published_on)::date AS month, a.department,
               coalesce(a.item_code, '') AS item_code, coalesce(a.list_version, 0) AS list_version,
               a.hours_estimate, a.beyond_budget, a.state,
               row_number() OVER (PARTITION BY a.task_id ORDER BY a.division_id) AS of_task,
               row_number() OVER (PARTITION BY a.task_id, d.parent_id ORDER BY a.division_id) AS of_town
        FROM added a JOIN division d ON d.id = a.division_id
    ) AS e
    GROUP BY e.division_id, e.month, e.department, e.item_code, e.list_version
    ORDER BY e.division_id, e.month, e.department, e.item_code, e.list_version
    ON CONFLICT (division_id, month, department, item_code, list_version) DO UPDATE SET
        asks = b.asks + excluded.asks, asks_in_town = b.asks_in_town + excluded.asks_in_town,
        shares = b.shares + excluded.shares, hours = b.hours + excluded.hours,
        unpriced = b.unpriced + excluded.unpriced, beyond_budget = b.beyond_budget + excluded.beyond_budget,
        refused_by_villages = b.refused_by_villages + excluded.refused_by_villages,
        withdrawn = b.withdrawn + excluded.withdrawn;
    RETURN NULL;
END $body$;
CREATE TRIGGER burden_of_shares AFTER INSERT ON share REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION enter_in_burden();

-- Whoever may change a share sees its row of the ledger: they have the same division and department.
CREATE FUNCTION correct_burden() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE burden b SET
        hours = b.hours + coalesce(new.hours_estimate, 0)
            * ((old.state IN ('refused', 'withdrawn'))::integer - (new.state IN ('refused', 'withdrawn'))::integer),
        refused_by_villages = b.refused_by_villages + (new.state = 'refused')::integer - (old.state = 'refused')::integer,
        withdrawn = b.withdrawn + (new.state = 'withdrawn')::integer - (old.state = 'withdrawn')::integer
    WHERE b.division_id = new.division_id AND b.month = date_trunc('month', new.published_on)::date
        AND b.department = new.department AND b.item_code = coalesce(new.item_code, '')
        AND b.list_version = coalesce(new.list_version, 0);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'share % is not in the burden ledger', new.id;
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER burden_of_share AFTER UPDATE OF state ON share FOR EACH ROW
    WHEN (old.state <> new.state AND (old.state IN ('refused', 'withdrawn') OR new.state IN ('refused', 'withdrawn')))
    EXECUTE FUNCTION correct_burden();

-- The item that an ask cites stands in the ledger only where the list has it: whoever asks could cite anything.
CREATE FUNCTION enter_refused_in_burden() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    cited text := (SELECT i.code FROM list_item i WHERE i.list_code = 'village' AND i.version = new.list_version
                   AND i.code = new.cited_item);
BEGIN
    INSERT INTO burden AS b (division_id, month, department, item_code, list_version, refused_at_gate)
    VALUES (new.division_id, date_trunc('month', new.refused_on)::date, new.department, coalesce(cited, ''),
            CASE WHEN cited IS NULL THEN 0 ELSE new.list_version END, 1)
    ON CONFLICT (division_id, month, department, item_code, list_version)
        DO UPDATE SET refused_at_gate = b.refused_at_gate + 1;
    RETURN NULL;
END $body$;
CREATE TRIGGER burden_of_refused_ask AFTER INSERT ON refused_ask FOR EACH ROW
    WHEN (new.decided_by = 'gate') EXECUTE FUNCTION enter_refused_in_burden();

CREATE FUNCTION enter_merged_in_burden() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO burden AS b (division_id, month, department, item_code, list_version, merged)
    VALUES (new.division_id, date_trunc('month', new.merged_on)::date, new.department, new.item_code,
            new.list_version, 1)
    ON CONFLICT (division_id, month, department, item_code, list_version) DO UPDATE SET merged = b.merged + 1;
    RETURN NULL;
END $body$;
CREATE TRIGGER burden_of_merged_ask AFTER INSERT ON merged_ask FOR EACH ROW EXECUTE FUNCTION enter_merged_in_burden();

-- Whether what was finished was on time, by village and month; folded from the queue of finished_duration, so that a
-- village that finishes something waits for nobody. NULL: an imported past, which has no due dates.
ALTER TABLE finished_duration ADD COLUMN on_time boolean;
CREATE OR REPLACE FUNCTION queue_duration_of_share() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO finished_duration (division_id, item_code, department, kind, finished_on, used_working_days, on_time)
    VALUES (new.division_id, coalesce(new.item_code, ''), new.department, new.kind, new.completed_on,
            new.used_working_days, new.reported_on <= coalesce(new.judged_due_on, new.due_on));
    RETURN NULL;
END $body$;

CREATE TABLE item_timeliness (
    division_id integer NOT NULL REFERENCES division,
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    department text NOT NULL,
    item_code text NOT NULL,
    finished integer NOT NULL CHECK (finished > 0),
    on_time integer NOT NULL CHECK (on_time BETWEEN 0 AND finished),
    PRIMARY KEY (division_id, month, department, item_code)
);
GRANT SELECT, INSERT, UPDATE ON item_timeliness TO qingdan_app;
SELECT scope_by_division('item_timeliness', 'department');

-- What stands already: read as the service reads, since the policies bind the tables' owner, too.
SELECT set_config('app.actor', 'service:tasks', true), set_config('app.kind', 'service', true),
    set_config('app.department', '*', true),
    set_config('app.division', (SELECT id::text FROM division WHERE level = 'country' AND valid_to IS NULL), true);
INSERT INTO burden (division_id, month, department, item_code, list_version, asks, asks_in_town, shares, hours,
                    unpriced, refused_by_villages, withdrawn, refused_at_gate, merged)
SELECT e.division_id, e.month, e.department, e.item_code, e.list_version,
       count(*) FILTER (WHERE e.of_task = 1), count(*) FILTER (WHERE e.of_town = 1), count(*) FILTER (WHERE e.is_share),
       coalesce(sum(e.hours_estimate) FILTER (WHERE e.state NOT IN ('refused', 'withdrawn')), 0),
       count(*) FILTER (WHERE e.is_share AND e.hours_estimate IS NULL),
       count(*) FILTER (WHERE e.state = 'refused'), count(*) FILTER (WHERE e.state = 'withdrawn'),
       count(*) FILTER (WHERE e.state = 'at_gate'), count(*) FILTER (WHERE e.state = 'merged')
FROM (
    SELECT s.division_id, date_trunc('month', s.published_on)::date AS month, s.department,
           coalesce(s.item_code, '') AS item_code, coalesce(s.list_version, 0) AS list_version, s.hours_estimate,
           s.state, true AS is_share,
           row_number() OVER (PARTITION BY s.task_id ORDER BY s.division_id) AS of_task,
           row_number() OVER (PARTITION BY s.task_id, d.parent_id ORDER BY s.division_id) AS of_town
    FROM share s JOIN division d ON d.id = s.division_id
    UNION ALL
    SELECT r.division_id, date_trunc('month', r.refused_on)::date, r.department, coalesce(i.code, ''),
           coalesce(i.version, 0), NULL, 'at_gate', false, NULL, NULL
    FROM refused_ask r
    LEFT JOIN list_item i ON i.list_code = 'village' AND i.version = r.list_version AND i.code = r.cited_item
    WHERE r.decided_by = 'gate'
    UNION ALL
    SELECT m.division_id, date_trunc('month', m.merged_on)::date, m.department, m.item_code, m.list_version, NULL,
           'merged', false, NULL, NULL
    FROM merged_ask m
) AS e
GROUP BY e.division_id, e.month, e.department, e.item_code, e.list_version;
INSERT INTO item_timeliness (division_id, month, department, item_code, finished, on_time)
SELECT division_id, date_trunc('month', completed_on)::date, department, coalesce(item_code, ''), count(*),
       count(*) FILTER (WHERE reported_on <= coalesce(judged_due_on, due_on))
FROM share WHERE state = 'completed'
GROUP BY division_id, date_trunc('month', completed_on)::date, department, coalesce(item_code, '');

-- Budgets: how many hours a village may be asked for in a month. Never changed: the newest row stands, from its month on.
CREATE TABLE burden_budget (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    from_month date NOT NULL CHECK (extract(DAY FROM from_month) = 1),
    hours_per_village integer CHECK (hours_per_village BETWEEN 0 AND 100000), -- NULL: no budget any more
    changed_by text NOT NULL,
    changed_on date NOT NULL
);
CREATE INDEX burden_budget_division ON burden_budget (division_id, from_month DESC, seq DESC);
GRANT SELECT, INSERT ON burden_budget TO qingdan_app;

-- Not scope_by_division: the county's budget binds its townships and is told to its villages, which see no row above
-- them. Whoever belongs to no department sets one for divisions of its own.
ALTER TABLE burden_budget ENABLE ROW LEVEL SECURITY;
ALTER TABLE burden_budget FORCE ROW LEVEL SECURITY;
CREATE POLICY above_and_below_see ON burden_budget FOR SELECT USING (EXISTS (
    SELECT 1 FROM division_closure c
    WHERE (c.ancestor_id = app_division() AND c.descendant_id = burden_budget.division_id)
    OR (c.ancestor_id = burden_budget.division_id AND c.descendant_id = app_division())
));
CREATE POLICY within_scope_set ON burden_budget FOR INSERT WITH CHECK (app_department() = '*' AND EXISTS (
    SELECT 1 FROM division_closure c
    WHERE c.ancestor_id = app_division() AND c.descendant_id = burden_budget.division_id
));

-- A month's report, once for each county and township. Its lines are rows of their own: a department sees its own.
CREATE TABLE burden_report (
    division_id integer NOT NULL REFERENCES division,
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    items_never_used text [] NOT NULL,
    items_always_late text [] NOT NULL,
    reported_on date NOT NULL,
    PRIMARY KEY (division_id, month)
);
GRANT SELECT, INSERT ON burden_report TO qingdan_app;
SELECT scope_by_division('burden_report');

CREATE TABLE burden_report_line (
    division_id integer NOT NULL,
    month date NOT NULL,
    department text NOT NULL,
    category text NOT NULL,
    asks integer NOT NULL,
    shares integer NOT NULL,
    hours bigint NOT NULL,
    beyond_budget integer NOT NULL,
    refused_at_gate integer NOT NULL,
    refused_by_villages integer NOT NULL,
    merged integer NOT NULL,
    PRIMARY KEY (division_id, month, department, category),
    FOREIGN KEY (division_id, month) REFERENCES burden_report
);
GRANT SELECT, INSERT ON burden_report_line TO qingdan_app;
SELECT scope_by_division('burden_report_line', 'department');

-- Emergencies whose item is on the list, or was: staff of a township, who see no application of the county, ask for
-- tasks under it. Kept by the application itself, whichever command changes it.
CREATE TABLE emergency_item (
    application_id uuid PRIMARY KEY REFERENCES access_application,
    division_id integer NOT NULL REFERENCES division,
    list_code text NOT NULL,
    item_code text NOT NULL,
    emergency text NOT NULL,
    in_force boolean NOT NULL
);
CREATE INDEX emergency_item_division ON emergency_item (division_id);
GRANT SELECT, INSERT, UPDATE ON emergency_item TO qingdan_app;

-- Not scope_by_division: seen in the whole county, written by whoever may act on the application.
ALTER TABLE emergency_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE emergency_item FORCE ROW LEVEL SECURITY;
CREATE POLICY above_and_below_see ON emergency_item FOR SELECT USING (EXISTS (
    SELECT 1 FROM division_closure c
    WHERE (c.ancestor_id = app_division() AND c.descendant_id = emergency_item.division_id)
    OR (c.ancestor_id = emergency_item.division_id AND c.descendant_id = app_division())
));
CREATE POLICY concerned_enter ON emergency_item FOR INSERT WITH CHECK (
    EXISTS (SELECT 1 FROM access_application a WHERE a.id = emergency_item.application_id)
);
CREATE POLICY concerned_end ON emergency_item FOR UPDATE USING (
    EXISTS (SELECT 1 FROM access_application a WHERE a.id = emergency_item.application_id)
);

CREATE FUNCTION keep_emergency_item() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO emergency_item AS e (application_id, division_id, list_code, item_code, emergency, in_force)
    VALUES (new.id, new.division_id, new.list_code, new.item_code, new.emergency,
            new.state NOT IN ('lapsed', 'refused'))
    ON CONFLICT (application_id) DO UPDATE SET in_force = excluded.in_force;
    RETURN NULL;
END $body$;
CREATE TRIGGER emergency_item_of_application AFTER INSERT OR UPDATE OF state ON access_application FOR EACH ROW
    WHEN (new.origin = 'emergency' AND new.item_code IS NOT NULL) EXECUTE FUNCTION keep_emergency_item();
INSERT INTO emergency_item (application_id, division_id, list_code, item_code, emergency, in_force)
SELECT id, division_id, list_code, item_code, emergency, state NOT IN ('lapsed', 'refused')
FROM access_application WHERE origin = 'emergency' AND item_code IS NOT NULL;

-- What an emergency asked is no point of a meeting.
ALTER TABLE merged_ask ALTER COLUMN meeting_id DROP NOT NULL;
