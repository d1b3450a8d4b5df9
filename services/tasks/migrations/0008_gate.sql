-- The gate in depth: an item's scope, term and statutory latest date; to whom a task is open; duplicates of earlier asks.

-- Codes of divisions change, ids do not: the item names its division by id.
ALTER TABLE list_item
ADD COLUMN latest_working_days integer CHECK (latest_working_days BETWEEN 1 AND 250),
ADD COLUMN division_id integer REFERENCES division,
ADD COLUMN valid_from date,
ADD COLUMN valid_to date,
ADD CHECK (valid_to >= valid_from);
CREATE INDEX list_item_division ON list_item (division_id);

ALTER TABLE task
ADD COLUMN open_to text NOT NULL DEFAULT 'each' CHECK (open_to IN ('each', 'first')),
ADD COLUMN hours_estimate integer CHECK (hours_estimate >= 0),
ADD COLUMN latest_on date;
ALTER TABLE share
ADD COLUMN open_to text NOT NULL DEFAULT 'each' CHECK (open_to IN ('each', 'first')),
ADD COLUMN hours_estimate integer CHECK (hours_estimate >= 0),
ADD COLUMN latest_on date;

-- What a village was asked lately: how often under an item, and whether another department asked the same.
CREATE INDEX share_asked ON share (division_id, published_on, department, kind, item_code);

ALTER TABLE refused_ask ADD COLUMN earlier_task_id uuid REFERENCES task;
CREATE INDEX refused_ask_earlier_task ON refused_ask (earlier_task_id);

-- Asks that said the same as an earlier one of another department, and are answered by its task.
CREATE TABLE merged_ask (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    meeting_id uuid NOT NULL REFERENCES meeting,
    task_id uuid NOT NULL REFERENCES task,
    department text NOT NULL,
    kind text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    item_code text NOT NULL,
    list_version integer NOT NULL,
    merged_on date NOT NULL
);
CREATE INDEX merged_ask_division ON merged_ask (division_id, id);
CREATE INDEX merged_ask_meeting ON merged_ask (meeting_id);
CREATE INDEX merged_ask_task ON merged_ask (task_id);
GRANT SELECT, INSERT ON merged_ask TO qingdan_app;
SELECT scope_by_division('merged_ask', 'department');
