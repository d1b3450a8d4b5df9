"""Use case: who is entitled and does not receive, and why; services find people."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from runtime.actor import Actor, Role, service_actor
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import unclaimed_rules, unclaimed_store
from subsidy.unclaimed_rules import Reason, UnclaimedView

_FINDERS: Final = (
    *(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR),
    *(Role.DEPARTMENT_STAFF, Role.VILLAGE_CADRE),
)


async def list_unclaimed(
    pool: Pool,
    actor: Actor,
    run: RunId | None = None,
    *,
    division: DivisionCode | None = None,
    reason: Reason | None = None,
    programme: ProgrammeCode | None = None,
    after: tuple[str, UUID, str] | None = None,
    limit: int,
) -> list[UnclaimedView]:
    """At most `limit`, of the newest run of the county unless one is named, below the division named or the actor's.

    The service looks, bound to the actor's own division and department: who has an account is for nobody else to see.
    Raises Forbidden, DivisionUnknown, NoRunHere.
    """
    actor.require(*_FINDERS)
    code = division or actor.division
    async with transaction(pool, actor) as tx:
        await id_in_scope(tx, code)
    async with transaction(pool, service_actor("subsidy")) as tx:
        named = await unclaimed_store.find_run(tx, run, code)
    scope = replace(service_actor("subsidy"), division=code, department=actor.department)
    async with transaction(pool, scope) as tx:
        rows = await unclaimed_store.list_unclaimed(
            tx, named, reason=reason, programme=programme, after=after, limit=limit
        )
    return [unclaimed_rules.unclaimed_view(named, dict(row)) for row in rows]
