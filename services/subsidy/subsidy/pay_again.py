"""Use case: who approves has what was rejected or returned paid once more."""

from pydantic import BaseModel

from qingdan.ids import RunId
from qingdan.money import FenTotal
from qingdan.subsidy_events import Count
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import payment_store, run_rules, run_store


class PaidAgain(BaseModel):
    """How many new payments wait to be sent."""

    run: RunId
    payments: Count
    total_fen: FenTotal


async def pay_again(pool: Pool, actor: Actor, run_id: RunId, *, expected: Version) -> PaidAgain:
    """Each obligation of the run whose last payment failed gets another: with the account known by the time it is sent.

    A closed run is open again then, to be reconciled and closed once more. The books do not change: what failed is
    payable still. Raises Forbidden, NotFound, StaleVersion, NothingToPayAgain and the refusals of run_rules.pay_again.
    """
    actor.require(Role.FINANCE_APPROVER)
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        run_rules.pay_again(run, actor.subject)
        await payment_store.hold_unpaid(tx, run.id)
        prepared = await payment_store.prepare_payments(tx, run.id)
        if not prepared.payments:
            raise run_rules.NothingToPayAgain()
        await run_store.save_paying(tx, run.id)
        answer = PaidAgain(run=run.id, payments=prepared.payments, total_fen=prepared.total_fen)
        audit.note(tx, "payments.paid-again", str(run.id), {"state": run.state, **answer.model_dump(mode="json")})
        tx.answer_with(answer, version=expected + 1)
    return answer
