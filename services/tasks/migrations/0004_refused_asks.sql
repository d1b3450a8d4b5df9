-- Refused asks: what the gate or a village said no to, with the reason; counted by department and code.

CREATE TABLE refused_ask (
    id uuid PRIMARY KEY,
    division_id integer NOT NULL REFERENCES division,
    meeting_id uuid REFERENCES meeting,
    share_id uuid REFERENCES share,
    department text NOT NULL,
    kind text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    cited_item text,
    code text NOT NULL,
    decided_by text NOT NULL CHECK (decided_by IN ('gate', 'village')),
    reason text NOT NULL,
    list_version integer NOT NULL,
    nearest_item text,
    refused_on date NOT NULL,
    CHECK ((share_id IS NULL) = (decided_by = 'gate'))
);
CREATE INDEX refused_ask_division ON refused_ask (division_id, id);
CREATE INDEX refused_ask_meeting ON refused_ask (meeting_id);
CREATE UNIQUE INDEX refused_ask_share ON refused_ask (share_id);
GRANT SELECT, INSERT ON refused_ask TO qingdan_app;
SELECT scope_by_division('refused_ask', 'department');
