-- The right to say no, with its appeals; the clock of a share, which stands still while others hold the ball.

-- A no that was overturned may be said again, for another reason only.
DROP INDEX refused_ask_share;
CREATE UNIQUE INDEX refused_ask_share ON refused_ask (share_id, code);
-- A village may say no to an order that takes a sign down before any list is in force.
ALTER TABLE refused_ask ALTER COLUMN list_version DROP NOT NULL;
ALTER TABLE refused_ask ADD CHECK (list_version IS NOT NULL OR decided_by = 'village');

CREATE TABLE refusal_appeal (
    ask_id uuid PRIMARY KEY REFERENCES refused_ask,
    share_id uuid NOT NULL REFERENCES share,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    reasons text NOT NULL,
    appealed_by text NOT NULL,
    appealed_on date NOT NULL,
    decide_by date NOT NULL CHECK (decide_by > appealed_on),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'overturned')),
    decided_on date,
    decided_by text,
    decision_reason text,
    version bigint NOT NULL DEFAULT 1,
    CHECK ((state = 'open') = (decided_on IS NULL)),
    CHECK ((decided_on IS NULL) = (decided_by IS NULL)),
    CHECK (decided_by <> appealed_by)
);
CREATE INDEX refusal_appeal_share ON refusal_appeal (share_id);
CREATE INDEX refusal_appeal_division ON refusal_appeal (division_id);
CREATE INDEX refusal_appeal_due ON refusal_appeal (decide_by, ask_id);
GRANT SELECT, INSERT, UPDATE ON refusal_appeal TO qingdan_app;
SELECT scope_by_division('refusal_appeal', 'department');

-- paused_working_days: of the pauses that are over. paused_on and waiting_for: of the one under way, if any. claimed_by:
-- who acted for the village; the village itself is responsible.
ALTER TABLE share
    ADD COLUMN waiting_for text CHECK (waiting_for IN ('department', 'county', 'supervision', 'weather')),
    ADD COLUMN paused_on date,
    ADD COLUMN paused_working_days integer NOT NULL DEFAULT 0 CHECK (paused_working_days >= 0),
    ADD COLUMN claimed_by text,
    ADD CHECK ((waiting_for IS NULL) = (paused_on IS NULL)),
    ADD CHECK (paused_on IS NULL OR state = 'claimed');

CREATE TABLE share_pause (
    share_id uuid NOT NULL REFERENCES share,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    division_id integer NOT NULL REFERENCES division,
    department text NOT NULL,
    waiting_for text NOT NULL CHECK (waiting_for IN ('department', 'county', 'supervision', 'weather')),
    note text NOT NULL,
    paused_on date NOT NULL,
    paused_by text NOT NULL,
    resumed_on date CHECK (resumed_on >= paused_on),
    resumed_by text,
    resumed_note text,
    paused_working_days integer CHECK (paused_working_days >= 0),
    PRIMARY KEY (share_id, seq),
    CHECK ((resumed_on IS NULL) = (resumed_by IS NULL)),
    CHECK ((resumed_on IS NULL) = (paused_working_days IS NULL))
);
CREATE UNIQUE INDEX share_pause_under_way ON share_pause (share_id) WHERE resumed_on IS NULL;
CREATE INDEX share_pause_division ON share_pause (division_id);
GRANT SELECT, INSERT, UPDATE ON share_pause TO qingdan_app;
SELECT scope_by_division('share_pause', 'department');

-- What is known of working days, as of the last time that provisional due dates were reckoned again; a recount under
-- way goes on behind a share.
CREATE TABLE calendar_recount (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    known text NOT NULL DEFAULT '',
    done boolean NOT NULL DEFAULT true,
    behind uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);
INSERT INTO calendar_recount DEFAULT VALUES;
GRANT SELECT, UPDATE ON calendar_recount TO qingdan_app;
SELECT scope_to_service('calendar_recount');
