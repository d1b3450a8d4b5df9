"""Use case: who is entitled and does not receive, as a CSV file for whoever goes and sees them."""

from dataclasses import replace
from typing import Final

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from runtime.actor import Actor, Role, service_actor
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from subsidy import unclaimed_rules, unclaimed_store
from subsidy.unclaimed_rules import Reason

_FINDERS: Final = (
    *(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER, Role.AUDITOR),
    *(Role.DEPARTMENT_STAFF, Role.VILLAGE_CADRE),
)


async def export_unclaimed(
    pool: Pool,
    actor: Actor,
    run: RunId | None = None,
    *,
    division: DivisionCode | None = None,
    reason: Reason | None = None,
) -> bytes:
    """The same as `list_unclaimed`, in UTF-8 with a byte order mark, which spreadsheets need.

    Raises Forbidden, DivisionUnknown, NoRunHere, TooManyToExport.
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
            tx, named, reason=reason, programme=None, limit=unclaimed_rules.EXPORTED_MAX + 1
        )
    if len(rows) > unclaimed_rules.EXPORTED_MAX:
        raise unclaimed_rules.TooManyToExport(at_most=unclaimed_rules.EXPORTED_MAX)
    views = (unclaimed_rules.unclaimed_view(named, dict(row)) for row in rows)
    return unclaimed_rules.write_csv(views).encode("utf-8-sig")
