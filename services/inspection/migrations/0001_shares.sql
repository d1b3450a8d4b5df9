-- Shares as the tasks service's events tell of them, and the reports that visits are planned from.

-- What only task.published says may be NULL: a service installed later can hear of a task first by its claims.
-- The department is on the row because a village cadre sees no row of the township above.
CREATE TABLE share (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    origin_service text NOT NULL,
    origin_kind text NOT NULL,
    origin_id uuid NOT NULL,
    department text,
    kind text,
    item text,
    title_zh text,
    title_en text,
    inspect_on_completion boolean,
    published_on date,
    state text NOT NULL CHECK (state IN ('published', 'claimed', 'refused', 'reported_done', 'completed')),
    limit_working_days integer,
    claimed_on date,
    due_on date,
    provisional boolean,
    percent smallint CHECK (percent BETWEEN 0 AND 100),
    reported_on date,
    refusal_code text,
    refused_on date,
    completed_on date,
    on_time boolean,
    version bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 80); -- a share changes a few times and no index holds what changes: leave room on its page
CREATE INDEX share_division ON share (division_id, id);
GRANT SELECT, INSERT, UPDATE ON share TO qingdan_app;
SELECT scope_by_division('share', 'department');

-- One row for each report, never changed.
CREATE TABLE report (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text,
    percent smallint NOT NULL CHECK (percent BETWEEN 0 AND 100),
    done boolean NOT NULL,
    photo_sha256 text [] NOT NULL,
    reported_on date NOT NULL
);
CREATE INDEX report_share ON report (share_id, seq);
CREATE INDEX report_division ON report (division_id);
GRANT SELECT, INSERT ON report TO qingdan_app;
SELECT scope_by_division('report', 'department');
