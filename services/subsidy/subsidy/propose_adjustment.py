"""Use case: finance has a month that was paid computed again, with what is known today, before anything comes of it."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId
from qingdan.subsidy_events import Period
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from subsidy import (
    adjustment_item_store,
    adjustment_rules,
    adjustment_store,
    column_store,
    county_store,
    evaluation_rules,
    merkle_rules,
    obliging_store,
    preview_rules,
    programme_rules,
    programme_store,
    run_rules,
    run_store,
)
from subsidy.evaluation_rules import Owed
from subsidy.list_adjustments import AdjustmentView
from subsidy.preview_rules import Month
from subsidy.row_rules import EntitlementRows
from subsidy.run_rules import Run


async def propose_adjustment(
    pool: Pool, actor: Actor, division: DivisionCode, period: Period, only: Sequence[UUID] | None = None
) -> AdjustmentView:
    """Compute the month again as of its own reference day, by the programmes that its run was computed by, and compare
    it with what was owed for it; `only`: for these beneficiaries. Again: the same adjustment, computed anew, as long as
    it is not decided.

    Raises Forbidden unless the actor prepares for finance, WholeCountyNeeded, DivisionUnknown, NotACounty, Invalid for
    a month that no calendar has, NothingRunYet, RunNotThere, RunBeingEntered, ProgrammeFails.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    preview_rules.require_county(division)
    month, today = preview_rules.month_of(period), business_date(utcnow())
    async with transaction(pool, actor) as tx:
        county = await id_in_scope(tx, division)
        known = await adjustment_store.run_of_month(tx, county, period)
        run = adjustment_rules.require_paid(None if known is None else await run_store.lock_run(tx, known, None))
        if await obliging_store.anything_open(tx, county):
            raise run_rules.RunBeingEntered()
        adjustment = await adjustment_store.claim_proposed(
            *(tx, AdjustmentId(new_id()), run.id),
            limited=only is not None,
            prepared_by=actor.subject,
            today=today,
        )
        await adjustment_item_store.clear(tx, adjustment)
        rows = await _computed(tx, run, month)
        await adjustment_item_store.enter(tx, adjustment, run.id, county, rows, only)
        leaves = await adjustment_item_store.leaves_of(tx, adjustment)
        await adjustment_store.save_computed(tx, adjustment, await asyncio.to_thread(merkle_rules.root_of, leaves))
        view = AdjustmentView(**dict(await adjustment_store.find_adjustment(tx, adjustment)))
        audit.note(tx, "adjustment.proposed", str(adjustment), view.model_dump(mode="json"))
        tx.answer_with(view, version=view.version)
    return view


async def _computed(tx: Tx, run: Run, month: Month) -> EntitlementRows:
    """What the month comes to today, as if nothing of it were owed yet."""
    programmes = await programme_store.programmes_of(tx, run.programme_version)
    due = preview_rules.due(programme_rules.compile_stored(programmes), month)
    again = adjustment_rules.adjustable(due)
    ground = await county_store.ground_of(tx, run.division_id, month)
    people, _ = await column_store.read_county(tx, ground, again)
    evaluation = await asyncio.to_thread(evaluation_rules.evaluate, people, again, month.period, Owed())
    return EntitlementRows(evaluation)
