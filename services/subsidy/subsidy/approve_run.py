"""Use case: another person approves what was frozen; with the last approval that is needed it becomes owed, in the
background.
"""

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.money import FenTotal
from qingdan.subsidy_events import Count, Period
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import obliging_store, run_rules, run_store
from subsidy.run_rules import RunState


class ApprovedRun(BaseModel):
    """A run as the approval left it. Its progress says how far it has become owed."""

    run: RunId
    division: DivisionCode
    period: Period
    state: RunState = Field(description="frozen: another approval is needed")
    approvals: int
    approvals_needed: int
    items: Count = Field(description="entitlements that were approved")
    total_fen: FenTotal


async def approve_run(pool: Pool, actor: Actor, run_id: RunId, frozen_hash: bytes, *, expected: Version) -> ApprovedRun:
    """Answered at once, whatever the run comes to. Raises Forbidden, NotFound, StaleVersion and the refusals of
    run_rules.approve.
    """
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        before = await run_store.approvers_of(tx, run.id)
        event = run_rules.approve(run, actor.subject, seen=frozen_hash, approved_by=before, today=today)
        await run_store.insert_approval(tx, run, actor.subject, today=today)
        if event is not None:
            await run_store.save_approved(tx, event, approved_by=actor.subject)
            await obliging_store.begin(tx, run)
            await outbox.append(tx, event)
            await audit.append(tx, actor, event, before={"state": run.state, "frozen_hash": frozen_hash.hex()})
        else:
            audit.note(tx, "run.approved-by-one", str(run.id), {"frozen_hash": frozen_hash.hex()})
        answer = ApprovedRun(
            run=run.id,
            division=run.division,
            period=run.period,
            state=run.state if event is None else "approved",
            approvals=len(before) + 1,
            approvals_needed=run.approvals_needed,
            items=run.frozen_items or 0,
            total_fen=run.frozen_fen or FenTotal(0),
        )
        tx.answer_with(answer, version=expected + 1)
    return answer
