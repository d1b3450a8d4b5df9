-- Commands: what was answered to an Idempotency-Key, so that a repeated click gets the same answer.

CREATE TABLE idempotency (
    actor text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    etag text,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_created ON idempotency USING brin (created_at);
GRANT SELECT, INSERT, DELETE ON idempotency TO qingdan_app;
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY own_keys ON idempotency USING (actor = app_actor()) WITH CHECK (actor = app_actor());
CREATE POLICY service_forgets ON idempotency FOR DELETE USING (app_kind() = 'service');
CREATE POLICY service_finds_old ON idempotency FOR SELECT USING (app_kind() = 'service');
