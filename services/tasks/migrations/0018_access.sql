-- Delegations can be revoked; the record of a meeting is there for each village invited, and is added to by remarks.

ALTER TABLE access_delegation ADD COLUMN revoked_on date;
ALTER TABLE access_delegation ADD COLUMN revoked_by text;
ALTER TABLE access_delegation ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE access_delegation ADD CHECK ((revoked_on IS NULL) = (revoked_by IS NULL));
GRANT UPDATE (revoked_on, revoked_by, version) ON access_delegation TO qingdan_app;

-- A village sees no row of the township's: what was held, when and about what stands on its invitation.
ALTER TABLE meeting_village ADD COLUMN held_on date;
ALTER TABLE meeting_village ADD COLUMN title text;
ALTER TABLE meeting_village ADD COLUMN agenda jsonb NOT NULL DEFAULT '[]';
ALTER TABLE meeting_village ADD COLUMN held_by integer REFERENCES division; -- the meeting's division
CREATE INDEX meeting_village_held_by ON meeting_village (held_by);
-- For the meetings there are: read as the service reads, since the policies bind the tables' owner, too.
SELECT set_config('app.actor', 'service:tasks', true), set_config('app.kind', 'service', true),
    set_config('app.department', '*', true),
    set_config('app.division', (SELECT id::text FROM division WHERE level = 'country' AND valid_to IS NULL), true);
UPDATE meeting_village v SET held_on = m.held_on, title = m.title, agenda = m.agenda, held_by = m.division_id
FROM meeting m WHERE m.id = v.meeting_id;

-- What is added to the record, the only thing once it is closed: a row for the meeting's division and for each village
-- invited, who all read it. Never changed.
CREATE TABLE meeting_remark (
    id uuid NOT NULL,
    meeting_id uuid NOT NULL REFERENCES meeting,
    division_id integer NOT NULL REFERENCES division,
    words text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
    made_on date NOT NULL,
    PRIMARY KEY (id, division_id)
);
CREATE INDEX meeting_remark_meeting ON meeting_remark (meeting_id, division_id, id);
CREATE INDEX meeting_remark_division ON meeting_remark (division_id);
GRANT SELECT, INSERT ON meeting_remark TO qingdan_app;
SELECT scope_by_division('meeting_remark');
