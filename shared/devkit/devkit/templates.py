"""Template databases of a test run: each service is migrated once, and every test gets a copy."""

from devkit.keys import Keys
from devkit.own_loop import run_in_own_loop
from devkit.postgres import Database, Postgres
from devkit.processes import Wiring, migrate
from devkit.run_directory import RunDirectory

NOWHERE = "127.0.0.1:9"  # migrating needs neither broker nor issuer


def template_of(postgres: Postgres, run: RunDirectory, service: str) -> Database:
    """The migrated template of a service; call it under a lock. Raises ProcessFailedError when it does not migrate.

    "runtime" has the runtime's own tables only, "empty" none at all.
    """
    done = run.path / f"template-{service}.done"
    name = f"{service}_template"
    if done.exists():
        return postgres.database(service, name)
    template = run_in_own_loop(postgres.provision(service, name))
    if service == "runtime":
        _migrate_runtime(template)
    elif service != "empty":
        issuer_url = f"http://{NOWHERE}"
        keys = Keys.of(run.path / "keys").environment(service) if service == "subsidy" else {}
        jwks_url = f"{issuer_url}/jwks.json"
        migrate(run, service, Wiring(template.app_url, template.owner_url, NOWHERE, issuer_url, jwks_url, extra=keys))
    done.touch()
    return template


def _migrate_runtime(template: Database) -> None:
    from runtime.migrate import RUNTIME_MIGRATIONS, migrate, read_migrations  # noqa: PLC0415

    run_in_own_loop(migrate(template.owner_url, read_migrations("runtime", RUNTIME_MIGRATIONS)))
