-- Events in: the inbox makes redelivery harmless, parking keeps what could not be handled, the count misses none.

CREATE TABLE inbox (
    consumer text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    trace_id text,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, source, event_id)
);
CREATE INDEX inbox_received ON inbox USING brin (received_at);
GRANT SELECT, INSERT, DELETE ON inbox TO qingdan_app;
SELECT scope_to_service('inbox');

-- Records in = handled + skipped + parked, per partition; repeats are those that had been counted before.
CREATE TABLE consumed (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    handled bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    parked bigint NOT NULL DEFAULT 0,
    repeated bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON consumed TO qingdan_app;
SELECT scope_to_service('consumed');

-- A key with something parked: what follows it waits behind it, in order, until it is released or dropped.
CREATE TABLE parked_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    releasing boolean NOT NULL DEFAULT false,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (consumer, topic, key)
);
CREATE TABLE parked_record (
    parked_key_id bigint NOT NULL REFERENCES parked_key,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    headers json NOT NULL,           -- a list of [name, base64 or null], exactly as received: jsonb refuses U+0000
    value bytea,
    culprit boolean NOT NULL,        -- false: parked only because it follows one
    reason text NOT NULL,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (parked_key_id, partition, record_offset)
);
CREATE INDEX parked_record_recent ON parked_record (partition, parked_at) WHERE culprit;
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_key, parked_record TO qingdan_app;
SELECT scope_to_service('parked_key');
SELECT scope_to_service('parked_record');
