"""Use case: finance sees what a month comes to, for everybody in the county, before anything is paid."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.subsidy_events import Period, RunPreviewed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from runtime.telling import told
from subsidy import (
    column_store,
    computing_store,
    county_store,
    entitlement_store,
    evaluation_rules,
    obliging_store,
    outcome_rules,
    preview_rules,
    programme_rules,
    programme_store,
    run_rules,
    run_store,
    snapshot_rules,
    snapshot_store,
    undetermined_store,
)
from subsidy.column_store import Ground
from subsidy.computing_rules import Going
from subsidy.outcome_rules import Evaluation
from subsidy.programme_rules import Compiled
from subsidy.row_rules import EntitlementRows
from subsidy.run_rules import Run


class PreviewedRun(RunPreviewed):
    """A previewed run, with the version that a freeze names."""

    version: int


async def preview_run(pool: Pool, actor: Actor, division: DivisionCode, period: Period) -> PreviewedRun:
    """Compute the county's run for that month. Again: the same run, computed anew as long as it is not frozen.

    Raises Forbidden unless the actor prepares for finance, WholeCountyNeeded, DivisionUnknown, NotACounty, Invalid for
    a month that no calendar has, NoProgrammesInForce, RunIsFrozen, RunBeingEntered while a
    run approved before is still becoming owed, and ProgrammeFails.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    preview_rules.require_county(division)
    month, today = preview_rules.month_of(period), business_date(utcnow())
    async with AsyncExitStack() as until_committed, transaction(pool, actor) as tx:
        county = await id_in_scope(tx, division)
        in_force = await programme_store.version_in_force(tx, month.reference_on)
        decided = {
            "programme_version": in_force["version"],
            "reference_on": month.reference_on,
            "prepared_by": actor.subject,
            "today": today,
        }
        run = await run_store.claim_period(tx, RunId(new_id()), division_id=county, period=period, **decided)
        preview_rules.require_open(run)
        if await obliging_store.anything_open(tx, county):
            raise run_rules.RunBeingEntered()
        programmes = await programme_store.programmes_of(tx, in_force["version"])
        due = preview_rules.due(programme_rules.compile_stored(programmes), month)
        ground = await county_store.ground_of(tx, county, month)
        going = Going("preview", utcnow())
        tell = partial(computing_store.tell, division_id=county, period=period, going=going)
        forget = partial(computing_store.forget, division_id=county, period=period)
        await until_committed.enter_async_context(told(pool, actor, tell, forget))
        evaluation = await _compute(tx, run, ground, due, going)
        await run_store.save_previewed(tx, run.id, **decided)
        event = preview_rules.previewed(
            run,
            await entitlement_store.totals_of(tx, run.id),
            programme_version=in_force["version"],
            excluded=outcome_rules.excluded(evaluation.outcomes),
            undetermined=outcome_rules.undetermined(evaluation.outcomes),
            today=today,
        )
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
        answer = PreviewedRun(**event.model_dump(), version=run.version + 1)
        tx.answer_with(answer, version=answer.version)
    return answer


async def _compute(tx: Tx, run: Run, ground: Ground, due: Sequence[Compiled], going: Going) -> Evaluation:
    """Read the county, keep what is computed from, compute, and write what it comes to."""
    await entitlement_store.clear(tx, run.id)
    await undetermined_store.clear(tx, run.id)
    people, owed = await column_store.read_county(tx, ground, due)
    await snapshot_store.keep(tx, run, snapshot_rules.pack(people, owed))
    going.enter("programmes", len(due), at=utcnow())
    evaluate = partial(evaluation_rules.evaluate, one_more=going.one_more)
    evaluation = await asyncio.to_thread(evaluate, people, due, ground.period, owed)
    rows = EntitlementRows(evaluation)
    going.enter("results", 1, at=utcnow())
    await entitlement_store.enter(tx, run.id, rows)
    await undetermined_store.enter(tx, run.id, evaluation)
    return evaluation
