-- Events out: written in the business transaction, published by the relay, deleted once acknowledged.

-- Rows come and go by the thousand: fill is kept low and vacuum early, or the head of the index fills with the dead.
CREATE TABLE outbox (
    lane smallint NOT NULL CHECK (lane BETWEEN 0 AND 15),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id uuid NOT NULL,
    topic text NOT NULL,
    key text,                       -- NULL only for a parked record that had none
    headers text NOT NULL,          -- a JSON object of text to text, in CloudEvents' Kafka binding
    value bytea CHECK (octet_length(value) <= 262144),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, seq)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000
);
GRANT SELECT, INSERT, DELETE ON outbox TO qingdan_app;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY known_actors_append ON outbox FOR INSERT WITH CHECK (app_actor() IS NOT NULL);
CREATE POLICY relay_reads ON outbox FOR SELECT USING (app_kind() IN ('service', 'operator', 'auditor'));
CREATE POLICY relay_marks ON outbox FOR DELETE USING (app_kind() = 'service');

-- A lane is a share of the keys. One owner at a time; the epoch fences whoever owned it before.
CREATE TABLE relay_lane (
    lane smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 15),
    owner text,
    epoch bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    published bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO relay_lane (lane) SELECT generate_series(0, 15);
GRANT SELECT, UPDATE ON relay_lane TO qingdan_app;
SELECT scope_to_service('relay_lane');

CREATE TABLE relay_owner (
    owner text PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON relay_owner TO qingdan_app;
SELECT scope_to_service('relay_owner');
