"""Use case: how many are entitled and do not receive, by reason and by who owes what."""

from dataclasses import replace
from typing import Final

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from runtime.actor import Actor, Role, service_actor
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import unclaimed_rules, unclaimed_store
from subsidy.unclaimed_rules import OwedCount, ReasonCount, UnclaimedCounts

_FINDERS: Final = (
    *(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR),
    *(Role.DEPARTMENT_STAFF, Role.VILLAGE_CADRE),
)


async def count_unclaimed(
    pool: Pool, actor: Actor, run: RunId | None = None, *, division: DivisionCode | None = None
) -> UnclaimedCounts:
    """Counts of the newest run of the county unless one is named, below the division named or the actor's.

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
        reasons = await unclaimed_store.count_unclaimed(tx, named)
        owed = await unclaimed_store.count_owed(tx, named, *unclaimed_rules.facts_and_departments())
    return UnclaimedCounts(
        run=named.id,
        period=named.period,
        division=code,
        reasons=[ReasonCount(**dict(row)) for row in reasons],
        owed_by=[OwedCount(**dict(row)) for row in owed],
    )
