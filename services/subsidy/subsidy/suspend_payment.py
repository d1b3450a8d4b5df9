"""Use case: finance holds what somebody is entitled to, or one item of it."""

from uuid import UUID

from qingdan.ids import OpenCode, ProgrammeCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.ids import new_id
from subsidy import hold_rules, hold_store, run_rules
from subsidy.hold_rules import HoldId
from subsidy.list_holds import HoldView


async def suspend_payment(
    pool: Pool,
    actor: Actor,
    beneficiary: UUID,
    programme: ProgrammeCode | None,
    occurrence: str | None,
    *,
    reason: OpenCode,
) -> HoldView:
    """What has not been sent waits until a second person lifts the hold; what has been sent is not called back.

    Raises Forbidden, WholeCountyNeeded, NotFound, OccurrenceOfWhat.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    hold = hold_rules.suspend(
        HoldId(new_id()), beneficiary, programme, occurrence, reason=reason, placed_by=actor.subject
    )
    async with transaction(pool, actor) as tx:
        await hold_store.insert_hold(tx, hold, await hold_store.place_of(tx, beneficiary))
        view = HoldView(**dict(await hold_store.find_hold(tx, hold.id)))
        audit.note(tx, "hold.placed", str(hold.id), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
