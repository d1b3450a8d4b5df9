-- Today's desk: what is open is found without walking a village's years of finished shares.

-- The index stands on `is_open`, which changes once, at the end: an index on `state` would make every claim and report
-- write to all indexes of the share instead of to its row alone (HOT).
ALTER TABLE share ADD COLUMN is_open boolean NOT NULL
GENERATED ALWAYS AS (state IN ('published', 'claimed', 'reported_done')) STORED;
CREATE INDEX share_open ON share (division_id, id) WHERE is_open;

-- A calendar cannot sign in: it knows an address that nobody can guess, of which only the hash is kept here.
CREATE TABLE calendar_feed (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    subject text NOT NULL,
    division_id integer NOT NULL REFERENCES division,
    opened_on date NOT NULL,
    valid_to date NOT NULL CHECK (valid_to > opened_on),
    closed_on date
);
CREATE UNIQUE INDEX calendar_feed_open ON calendar_feed (subject, division_id) WHERE closed_on IS NULL;
CREATE INDEX calendar_feed_division ON calendar_feed (division_id);
GRANT SELECT, INSERT, UPDATE ON calendar_feed TO qingdan_app;
SELECT scope_by_division('calendar_feed');
