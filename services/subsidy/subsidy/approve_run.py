"""Use case: a second person approves what was frozen; what it comes to is owed from now on, and waits to be sent."""

from pydantic import Field

from qingdan.ids import RunId
from qingdan.money import FenTotal
from qingdan.subsidy_events import Count, RunApproved
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import ledger_store, obligation_store, payment_store, run_rules, run_store


class ApprovedRun(RunApproved):
    """An approved run and what it obliges to."""

    obligations: Count
    total_fen: FenTotal
    already_obliged: Count = Field(description="entitlements that another run came to first: they are not paid twice")


async def approve_run(pool: Pool, actor: Actor, run_id: RunId, frozen_hash: bytes, *, expected: Version) -> ApprovedRun:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of run_rules.approve."""
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        stands = await obligation_store.hash_of_entitled(tx, run.id)
        event = run_rules.approve(run, actor.subject, seen=frozen_hash, stands=stands, today=business_date(utcnow()))
        await run_store.save_approved(tx, event, approved_by=actor.subject)
        obliged = await obligation_store.insert_obligations(tx, run.id)
        await ledger_store.post_obligations(tx, run.id)
        await payment_store.prepare_payments(tx, run.id)
        answer = ApprovedRun(
            **event.model_dump(),
            obligations=obliged.obligations,
            total_fen=obliged.total_fen,
            already_obliged=obliged.already,
        )
        await outbox.append(tx, event)
        await audit.append(tx, actor, answer, before={"state": run.state, "frozen_hash": stands.hex()})
        tx.answer_with(answer, version=expected + 1)
    return answer
