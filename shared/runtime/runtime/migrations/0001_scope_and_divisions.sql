-- Who is asking (set per transaction by runtime/scope.py) and the division tree that bounds what they see.

-- An unset or emptied setting reads '' on a pooled connection, never NULL: without nullif a policy fails open.
CREATE FUNCTION app_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.actor', true), '');
CREATE FUNCTION app_kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.kind', true), '');
CREATE FUNCTION app_division() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.division', true), '')::integer;
CREATE FUNCTION app_department() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.department', true), '');

-- Ids never change; the state changes codes. The tree is public knowledge: rows of it are nobody's secret.
CREATE TABLE division (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code ~ '^[0-9]{12}$'),
    level text NOT NULL CHECK (level IN ('country', 'province', 'city', 'county', 'township', 'village')),
    name_zh text NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 100),
    parent_id integer REFERENCES division,
    valid_from date NOT NULL DEFAULT '1900-01-01',
    valid_to date,
    CHECK (parent_id IS NOT NULL OR level = 'country')
);
CREATE UNIQUE INDEX division_code_in_force ON division (code) WHERE valid_to IS NULL;
CREATE INDEX division_parent ON division (parent_id);

CREATE TABLE division_closure (
    ancestor_id integer NOT NULL REFERENCES division,
    descendant_id integer NOT NULL REFERENCES division,
    depth smallint NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (ancestor_id, descendant_id)
);
CREATE INDEX division_closure_descendant ON division_closure (descendant_id, depth);

INSERT INTO division (code, level, name_zh) VALUES ('000000000000', 'country', '全国');
INSERT INTO division_closure SELECT id, id, 0 FROM division;

GRANT SELECT ON division, division_closure TO qingdan_app;
GRANT INSERT, UPDATE (name_zh, valid_to) ON division TO qingdan_app;
GRANT INSERT ON division_closure TO qingdan_app;
ALTER TABLE division ENABLE ROW LEVEL SECURITY;
ALTER TABLE division FORCE ROW LEVEL SECURITY;
ALTER TABLE division_closure ENABLE ROW LEVEL SECURITY;
ALTER TABLE division_closure FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON division FOR SELECT USING (true);
CREATE POLICY operators_write ON division FOR ALL
    USING (app_kind() IN ('operator', 'service')) WITH CHECK (app_kind() IN ('operator', 'service'));
CREATE POLICY everybody_reads ON division_closure FOR SELECT USING (true);
CREATE POLICY operators_write ON division_closure FOR INSERT WITH CHECK (app_kind() IN ('operator', 'service'));

-- The three kinds of table a service has. Each migration says which one its table is; the catalogue test finds the
-- table that said nothing.

-- Rows belong to a division (column division_id) and, where a column is named, to one department.
CREATE FUNCTION scope_by_division(owned regclass, department_column text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql AS $body$
DECLARE
    rule text := format(
        'EXISTS (SELECT 1 FROM division_closure c WHERE c.ancestor_id = app_division() AND c.descendant_id = %s.division_id)',
        owned);
BEGIN
    IF department_column IS NOT NULL THEN
        rule := rule || format(' AND (app_department() = ''*'' OR app_department() = %I)', department_column);
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', owned);
    EXECUTE format('CREATE POLICY scoped ON %s USING (%s) WITH CHECK (%s)', owned, rule, rule);
END $body$;

-- What everybody with an identity may read and only operators and the service write: the list, the calendar.
CREATE FUNCTION scope_as_reference(owned regclass) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', owned);
    EXECUTE format('CREATE POLICY known_actors_read ON %s FOR SELECT USING (app_actor() IS NOT NULL)', owned);
    EXECUTE format('CREATE POLICY operators_write ON %s USING (app_kind() IN (''operator'', ''service''))'
                   ' WITH CHECK (app_kind() IN (''operator'', ''service''))', owned);
END $body$;

-- The machinery's own rows: the service works on them, operators and auditors read them.
CREATE FUNCTION scope_to_service(owned regclass) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', owned);
    EXECUTE format('CREATE POLICY service_works ON %s USING (app_kind() = ''service'') WITH CHECK (app_kind() = ''service'')', owned);
    EXECUTE format('CREATE POLICY overseers_read ON %s FOR SELECT USING (app_kind() IN (''operator'', ''auditor''))', owned);
END $body$;

CREATE TABLE workday_override (
    on_date date PRIMARY KEY,
    working boolean NOT NULL,
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 200)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON workday_override TO qingdan_app;
SELECT scope_as_reference('workday_override');
