-- Shares: one village's part of a task, from publication to completion.

-- A village sees no row of the township above it, so a share carries what its village must know of the task.
CREATE TABLE share (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES task,
    division_id integer NOT NULL REFERENCES division,
    origin_service text NOT NULL,
    origin_kind text NOT NULL,
    origin_id uuid NOT NULL,
    list_version integer,
    item_code text,
    department text NOT NULL,
    kind text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    inspect_on_completion boolean NOT NULL,
    published_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('published', 'claimed', 'refused', 'reported_done', 'completed')),
    limit_working_days integer,
    claimed_on date,
    due_on date,
    provisional boolean,
    percent smallint NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    reported_on date,
    completed_on date,
    used_working_days integer,
    refusal_code text,
    refused_on date,
    visits integer NOT NULL DEFAULT 0,
    findings integer NOT NULL DEFAULT 0,
    passed_first_recheck integer NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (task_id, division_id),
    CHECK ((claimed_on IS NULL) = (state IN ('published', 'refused'))),
    CHECK ((claimed_on IS NULL) = (due_on IS NULL)),
    CHECK ((completed_on IS NULL) = (state <> 'completed')),
    CHECK ((refused_on IS NULL) = (state <> 'refused')),
    CHECK (passed_first_recheck BETWEEN 0 AND findings)
) WITH (fillfactor = 75); -- a share changes a few times and no index holds what changes: leave room on its page
CREATE INDEX share_division ON share (division_id, id);
GRANT SELECT, INSERT, UPDATE ON share TO qingdan_app;
SELECT scope_by_division('share', 'department');

-- One row for each report, never changed.
CREATE TABLE share_report (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    percent smallint NOT NULL CHECK (percent BETWEEN 0 AND 100),
    done boolean NOT NULL,
    note text NOT NULL,
    photo_sha256 text [] NOT NULL,
    reported_on date NOT NULL
);
CREATE INDEX share_report_share ON share_report (share_id, seq);
CREATE INDEX share_report_division ON share_report (division_id);
GRANT SELECT, INSERT ON share_report TO qingdan_app;
SELECT scope_by_division('share_report', 'department');
