"""Use case: who approves has what was rejected or returned paid once more."""

from pydantic import BaseModel, Field

from qingdan.ids import RunId
from qingdan.money import FenTotal
from qingdan.subsidy_events import Count
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import payment_store, run_rules, run_store, unpaid_store
from subsidy.unpaid_rules import LeftOut


class PaidAgain(BaseModel):
    """How many new payments wait to be sent, and what is not paid once more."""

    run: RunId
    payments: Count
    total_fen: FenTotal
    beyond_fen: FenTotal = Field(
        description="of the total, what is due no more by the newest computation of the month while the rest of the"
        " same item is: adjust the month once it has arrived 其中按最新计算已不应发的部分，到账后请调整该月"
    )
    left_out: list[LeftOut] = Field(description="what was not paid either and stays so, by reason 未重付的款项及原因")


async def pay_again(pool: Pool, actor: Actor, run_id: RunId, *, expected: Version) -> PaidAgain:
    """Each obligation of the run whose last payment failed gets another: with the account known by the time it is sent.
    What is stopped, held, due no more, still asked back, or somebody's who died is left out, and the answer says so.

    A closed run is open again then, to be reconciled and closed once more. Money that had come back is payable again.
    Raises Forbidden, NotFound, StaleVersion, NothingToPayAgain and the refusals of run_rules.pay_again.
    """
    actor.require(Role.FINANCE_APPROVER)
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        run_rules.pay_again(run, actor.subject)
        await payment_store.hold_unpaid(tx, run.id)
        unpaid = await unpaid_store.prepare_again(tx, run.id)
        if not unpaid.payments:
            raise run_rules.NothingToPayAgain(left_out=[each.model_dump(mode="json") for each in unpaid.left_out])
        await run_store.save_paying(tx, run.id)
        answer = PaidAgain(
            run=run.id,
            payments=unpaid.payments,
            total_fen=unpaid.total_fen,
            beyond_fen=unpaid.beyond_fen,
            left_out=list(unpaid.left_out),
        )
        audit.note(tx, "payments.paid-again", str(run.id), {"state": run.state, **answer.model_dump(mode="json")})
        tx.answer_with(answer, version=expected + 1)
    return answer
