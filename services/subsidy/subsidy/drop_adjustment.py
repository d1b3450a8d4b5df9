"""Use case: finance drops an adjustment that was proposed; nothing comes of it, and it stays to be seen."""

from qingdan.ids import AdjustmentId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import adjustment_rules, adjustment_store, run_rules
from subsidy.list_adjustments import AdjustmentView


async def drop_adjustment(
    pool: Pool, actor: Actor, adjustment_id: AdjustmentId, *, expected: Version
) -> AdjustmentView:
    """Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, AdjustmentEnded."""
    actor.require(Role.FINANCE_PREPARER, Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        adjustment = await adjustment_store.lock_adjustment(tx, adjustment_id, expected)
        adjustment_rules.require_proposed(adjustment)
        await adjustment_store.save_dropped(tx, adjustment.id)
        view = AdjustmentView(**dict(await adjustment_store.find_adjustment(tx, adjustment.id)))
        audit.note(tx, "adjustment.dropped", str(adjustment.id), {"dropped_by": actor.subject})
        tx.answer_with(view, version=view.version)
    return view
