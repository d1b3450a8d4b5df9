-- Work meetings and the tasks published at them; a task keeps the list version it was published under.

CREATE TABLE meeting (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    held_on date NOT NULL,
    title text NOT NULL
);
CREATE INDEX meeting_division ON meeting (division_id, id);
GRANT SELECT, INSERT ON meeting TO qingdan_app;
SELECT scope_by_division('meeting');

-- item_code is NULL only for what takes a load off (origin removal_order), which needs no item.
CREATE TABLE task (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    meeting_id uuid REFERENCES meeting,
    origin_service text NOT NULL,
    origin_kind text NOT NULL CHECK (origin_kind IN ('work_meeting', 'emergency', 'removal_order')),
    origin_id uuid NOT NULL,
    list_code text,
    list_version integer,
    item_code text,
    department text NOT NULL,
    kind text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    inspect_on_completion boolean NOT NULL,
    published_on date NOT NULL,
    FOREIGN KEY (list_code, list_version, item_code) REFERENCES list_item MATCH FULL,
    CHECK (item_code IS NOT NULL OR origin_kind = 'removal_order'),
    CHECK (kind <> 'letter') -- no letter of responsibility exists anywhere
);
CREATE INDEX task_division ON task (division_id, id);
CREATE INDEX task_meeting ON task (meeting_id);
CREATE INDEX task_item ON task (list_code, list_version, item_code);
GRANT SELECT, INSERT ON task TO qingdan_app;
SELECT scope_by_division('task', 'department');
