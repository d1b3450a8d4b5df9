"""Use case: what could not be decided, by what is missing: how many cases wait for which facts, and who owes them."""

from dataclasses import replace
from typing import Final

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.actor import Actor, Role, service_actor
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import unclaimed_rules, unclaimed_store, undetermined_store
from subsidy.unclaimed_rules import UndeterminedView

_FINDERS: Final = (
    *(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR),
    *(Role.DEPARTMENT_STAFF, Role.VILLAGE_CADRE),
)


async def list_undetermined(
    pool: Pool,
    actor: Actor,
    run: RunId | None = None,
    *,
    division: DivisionCode | None = None,
    programme: ProgrammeCode | None = None,
    after: tuple[str, str] | None = None,
    limit: int,
) -> list[UndeterminedView]:
    """At most `limit`, by programme and what is missing; of the newest run of the county unless one is named, below the
    division named or the actor's. Raises Forbidden, DivisionUnknown, NoRunHere.
    """
    actor.require(*_FINDERS)
    code = division or actor.division
    async with transaction(pool, actor) as tx:
        await id_in_scope(tx, code)
    async with transaction(pool, service_actor("subsidy")) as tx:
        named = await unclaimed_store.find_run(tx, run, code)
    scope = replace(service_actor("subsidy"), division=code, department=actor.department)
    async with transaction(pool, scope) as tx:
        rows = await undetermined_store.list_by_missing(tx, named.id, programme=programme, after=after, limit=limit)
    return [unclaimed_rules.undetermined_view(named, dict(row)) for row in rows]
