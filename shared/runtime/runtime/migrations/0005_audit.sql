-- Audit: who did what, when, before and after; sealed into a hash chain per lane by the sealer.

CREATE TABLE audit_entry (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane smallint NOT NULL CHECK (lane BETWEEN 0 AND 3),
    at timestamptz NOT NULL,
    actor text NOT NULL,
    roles text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before text,                     -- JSON as written: text, so that a hash made today can be made again in ten years
    after text NOT NULL,
    trace_id text,
    position bigint,                 -- in the lane's chain, from 1; NULL until sealed
    hash bytea CHECK (octet_length(hash) = 32),
    CHECK ((position IS NULL) = (hash IS NULL))
);
CREATE INDEX audit_entry_unsealed ON audit_entry (lane, seq) WHERE position IS NULL;
CREATE UNIQUE INDEX audit_entry_position ON audit_entry (lane, position) WHERE position IS NOT NULL;
CREATE INDEX audit_entry_subject ON audit_entry (subject, seq);

-- The application may append and seal, never change or remove what stands.
GRANT SELECT, INSERT (lane, at, actor, roles, action, subject, before, after, trace_id), UPDATE (position, hash)
ON audit_entry TO qingdan_app;
CREATE FUNCTION audit_entry_is_sealed_once() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.position IS NOT NULL THEN
        RAISE EXCEPTION 'audit entry % is sealed', OLD.seq USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER sealed_once BEFORE UPDATE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_entry_is_sealed_once();
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY known_actors_append ON audit_entry FOR INSERT WITH CHECK (actor = app_actor());
CREATE POLICY overseers_read ON audit_entry FOR SELECT USING (app_kind() IN ('service', 'operator', 'auditor'));
CREATE POLICY sealer_seals ON audit_entry FOR UPDATE USING (app_kind() = 'service') WITH CHECK (app_kind() = 'service');

CREATE TABLE audit_head (
    lane smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 3),
    position bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO audit_head (lane, hash) SELECT generate_series(0, 3), decode(repeat('00', 32), 'hex');
GRANT SELECT, UPDATE ON audit_head TO qingdan_app;
SELECT scope_to_service('audit_head');
