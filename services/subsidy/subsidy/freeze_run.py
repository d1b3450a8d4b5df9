"""Use case: finance freezes a previewed run; public notice starts, and nothing in it changes any more."""

from contextlib import AsyncExitStack
from datetime import date
from functools import partial

from pydantic import Field

from qingdan.ids import RunId, Sha256
from qingdan.money import Fen
from qingdan.subsidy_events import RunFrozen
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.telling import told
from subsidy import (
    budget_rules,
    budget_store,
    computing_store,
    entitlement_store,
    obligation_store,
    run_rules,
    run_store,
    year_cap_rules,
    year_cap_store,
)
from subsidy.computing_rules import Going


class FrozenRun(RunFrozen):
    """A frozen run, with the hash that the approver repeats."""

    approvals_needed: int = Field(description="how many must approve, beside those who prepared and froze")
    frozen_hash: Sha256 = Field(
        description="Merkle tree hash (RFC 9162, section 2.1.1) over the entitled rows; the approver repeats it"
    )


async def freeze_run(
    pool: Pool, actor: Actor, run_id: RunId, notice_until: date, *, third_person_from_fen: int, expected: Version
) -> FrozenRun:
    """A run that comes to `third_person_from_fen` or more is approved by two people, beside those who prepared it.

    Raises Forbidden, NotFound, StaleVersion, BudgetExceeded, BeyondYearCap and the refusals of run_rules.freeze.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    async with AsyncExitStack() as until_committed, transaction(pool, actor) as tx:
        run = await run_store.lock_run(tx, run_id, expected)
        run_rules.require_open(run)
        going = Going("freeze", utcnow(), step="list")
        tell = partial(computing_store.tell, division_id=run.division_id, period=run.period, going=going)
        forget = partial(computing_store.forget, division_id=run.division_id, period=run.period)
        await until_committed.enter_async_context(told(pool, actor, tell, forget))
        totals = await entitlement_store.totals_of(tx, run.id)
        budgets = await budget_store.standing_of(tx, run.id, period=run.period, on=business_date(utcnow()))
        budget_rules.require_within(budgets)
        year_cap_rules.require_within(await year_cap_store.beyond_in(tx, run.id))
        frozen_hash = await obligation_store.hash_of_entitled(tx, run.id)
        event = run_rules.freeze(run, totals, frozen_hash, notice_until=notice_until, today=business_date(utcnow()))
        total_fen = sum((each.total_fen for each in totals), start=Fen(0))
        needed = run_rules.approvals_needed(total_fen, third_person_from_fen=third_person_from_fen)
        await run_store.save_frozen(
            tx,
            event,
            frozen_by=actor.subject,
            items=sum(each.payments for each in totals),
            total_fen=total_fen,
            approvals_needed=needed,
        )
        await outbox.append(tx, event)
        answer = FrozenRun(**event.model_dump(), approvals_needed=needed)
        await audit.append(tx, actor, event, before={"state": run.state})
        tx.answer_with(answer, version=expected + 1)
    return answer
