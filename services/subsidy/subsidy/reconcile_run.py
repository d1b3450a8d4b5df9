"""Use case: finance compares the bank's statement of a run with our books, payment by payment, to the fen."""

from datetime import date
from typing import Final

from pydantic import BaseModel, Field

from qingdan.ids import RunId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from subsidy import run_rules, run_store, statement_store
from subsidy.list_differences import DifferenceView

SHOWN_MAX: Final = 100


class ReconciledRun(BaseModel):
    """What the comparison found."""

    run: RunId
    reconciled_on: date
    differences: int
    first: list[DifferenceView] = Field(description="at most a hundred of them; the list has all")


async def reconcile_run(pool: Pool, actor: Actor, run_id: RunId, *, expected: Version) -> ReconciledRun:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of run_rules.reconcile."""
    actor.require(Role.FINANCE_PREPARER)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        statement = run_rules.reconcile(run, await statement_store.newest(tx, run.id))
        differ = await statement_store.save_reconciliation(
            tx, new_id(), run.id, statement, reconciled_by=actor.subject, reconciled_on=today
        )
        first = await statement_store.list_differences(tx, run.id, after=None, limit=SHOWN_MAX)
        await run_store.save_changed(tx, run.id)
        audit.note(tx, "run.reconciled", str(run.id), {"statement": str(statement), "differences": differ})
        answer = ReconciledRun(
            run=run.id,
            reconciled_on=today,
            differences=differ,
            first=[DifferenceView(**dict(row)) for row in first],
        )
        tx.answer_with(answer, version=expected + 1)
    return answer
