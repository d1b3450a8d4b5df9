"""Use case: finance freezes a previewed run; public notice starts, and nothing in it changes any more."""

from datetime import date

from pydantic import Field

from qingdan.ids import RunId
from qingdan.subsidy_events import RunFrozen
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import entitlement_store, obligation_store, run_rules, run_store


class FrozenRun(RunFrozen):
    """A frozen run, with the hash that the approver repeats."""

    frozen_hash: str = Field(description="SHA-256 over the entitled rows, in hexadecimal")


async def freeze_run(pool: Pool, actor: Actor, run_id: RunId, notice_until: date, *, expected: Version) -> FrozenRun:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of run_rules.freeze."""
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        totals = await entitlement_store.totals_of(tx, run.id)
        event = run_rules.freeze(run, totals, notice_until=notice_until, today=business_date(utcnow()))
        frozen_hash = await obligation_store.hash_of_entitled(tx, run.id)
        await run_store.save_frozen(tx, event, frozen_by=actor.subject, frozen_hash=frozen_hash)
        await outbox.append(tx, event)
        answer = FrozenRun(**event.model_dump(exclude={"frozen_hash"}), frozen_hash=frozen_hash.hex())
        await audit.append(tx, actor, answer, before={"state": run.state})
        tx.answer_with(answer, version=expected + 1)
    return answer
