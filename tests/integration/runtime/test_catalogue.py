"""What the catalogue says of every service's database: closed by default, owned by somebody else, indexed."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.pytest_plugin import MakeDatabase
from tests.integration.runtime.conftest import OpenSession, Session

SERVICES = ["runtime", "tasks", "inspection", "signage", "subsidy"]

# Migrations' own bookkeeping: no personal data, and read before anybody has an identity.
EXEMPT = "('schema_migration')"

RULES = {
    "a table without row-level security forced upon its owner, too": f"""
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT (relrowsecurity AND relforcerowsecurity) AND relname NOT IN {EXEMPT}""",
    "a table without a policy": f"""
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname NOT IN {EXEMPT} AND NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)""",
    "a view that sees with its owner's eyes": """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
        AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)""",
    "a materialised view, which no policy reaches": """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'm'""",
    "a policy that compares a bare setting": """
        SELECT polname FROM pg_policy WHERE concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
        ~ 'current_setting'""",
    "a foreign key without an index that begins with it": """
        SELECT conrelid::regclass || '.' || conname FROM pg_constraint c WHERE contype = 'f' AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
            AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)""",
    "something that the application role owns": """
        SELECT relname FROM pg_class WHERE relowner IN (SELECT oid FROM pg_roles WHERE rolname ~ '_app$')
        UNION ALL SELECT proname FROM pg_proc WHERE proowner IN (SELECT oid FROM pg_roles WHERE rolname ~ '_app$')
        UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner IN (SELECT oid FROM pg_roles WHERE rolname ~ '_app$')
        UNION ALL SELECT datname FROM pg_database WHERE datdba IN (SELECT oid FROM pg_roles WHERE rolname ~ '_app$')""",
    "an application role with rights that no policy binds": """
        SELECT rolname FROM pg_roles WHERE rolname ~ '_app$'
        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)""",
    "an application role that may act as the owner": """
        SELECT a.rolname FROM pg_roles a, pg_roles o WHERE a.rolname ~ '_app$' AND o.rolname ~ '_owner$'
        AND pg_has_role(a.oid, o.oid, 'member')""",
    "a function that runs with its owner's rights": """
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef""",
    "a right that undoes more than rows": """
        SELECT relname || ': ' || privilege_type FROM pg_class, aclexplode(relacl)
        WHERE relnamespace = 'public'::regnamespace AND grantee IN (SELECT oid FROM pg_roles WHERE rolname ~ '_app$')
        AND (privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN') OR is_grantable)
        UNION ALL SELECT relname FROM pg_class, aclexplode(relacl)
        WHERE relnamespace = 'public'::regnamespace AND grantee = 0""",
    "a schema in which the application role may create": """
        SELECT nspname FROM pg_namespace, pg_roles WHERE rolname ~ '_app$' AND nspname !~ '^pg_'
        AND has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'CREATE')""",
    "a column of money or of time that is not exact": """
        SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
        AND atttypid IN ('float4'::regtype, 'float8'::regtype, 'money'::regtype, 'timestamp'::regtype)""",
}


async def breaches(session: Session) -> dict[str, list[str]]:
    """What breaks which rule."""
    found = {rule: [row[0] for row in await session.fetch(query)] for rule, query in RULES.items()}
    return {rule: names for rule, names in found.items() if names}


@pytest.fixture
async def catalogue(
    request: pytest.FixtureRequest, postgres: Postgres, make_database: MakeDatabase
) -> AsyncIterator[Session]:
    database: Database = make_database(request.param)
    session = await asyncpg.connect(postgres.url(SUPERUSER, database.name))
    yield session
    await session.close()


@pytest.mark.parametrize("catalogue", SERVICES, indirect=True)
async def test_every_table_and_view_is_closed_by_default(catalogue: Session) -> None:
    assert await catalogue.fetchval("SELECT count(*) FROM pg_policy") > 10  # it is the migrated one
    assert await breaches(catalogue) == {}


PLANTED = {
    "a table without row-level security forced upon its owner, too": (
        "CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (true)"
    ),
    "a table without a policy": (
        "CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY"
    ),
    "a view that sees with its owner's eyes": "CREATE VIEW t AS SELECT * FROM parcel",
    "a materialised view, which no policy reaches": "CREATE MATERIALIZED VIEW t AS SELECT * FROM parcel",
    "a policy that compares a bare setting": (
        "CREATE POLICY t ON parcel USING (department = current_setting('app.department', true))"
    ),
    "a foreign key without an index that begins with it": "DROP INDEX parcel_division",
    "something that the application role owns": (
        "CREATE FUNCTION t() RETURNS int LANGUAGE sql RETURN 1; ALTER FUNCTION t() OWNER TO runtime_app"
    ),
    "a function that runs with its owner's rights": (
        "CREATE FUNCTION t() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1"
    ),
    "a right that undoes more than rows": "GRANT TRUNCATE ON parcel TO qingdan_app",
    "a schema in which the application role may create": "GRANT CREATE ON SCHEMA public TO qingdan_app",
    "a column of money or of time that is not exact": "ALTER TABLE parcel ADD COLUMN t float8",
}


@pytest.mark.parametrize("rule", PLANTED)
async def test_a_breach_is_found(superuser: OpenSession, rule: str) -> None:
    async with superuser() as session:
        assert await breaches(session) == {}
        await session.execute(PLANTED[rule])
        assert list(await breaches(session)) == [rule]


def test_every_rule_about_one_database_was_broken_once() -> None:
    about_roles = {
        "an application role with rights that no policy binds",
        "an application role that may act as the owner",
    }  # of the whole server: other tests run on it
    assert RULES.keys() == PLANTED.keys() | about_roles
