"""Use case: finance enters that somebody repaid a part of what they were paid too much, or all of it."""

from qingdan.money import Fen
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import ledger_store, recovery_rules, recovery_store
from subsidy.list_recoveries import RecoveryView
from subsidy.recovery_rules import Receipt, RecoveryId


async def record_repayment(
    pool: Pool, actor: Actor, recovery: RecoveryId, amount_fen: Fen, reference: Receipt, *, expected: Version
) -> RecoveryView:
    """The money is the budget's again. Raises Forbidden, NotFound, StaleVersion, ClaimEnded, MoreThanOpen,
    RepaidAlready.
    """
    actor.require(Role.FINANCE_PREPARER)
    today = business_date(utcnow())
    leaves, enters = recovery_rules.MOVES["repaid"]
    async with transaction(pool, actor) as tx:
        claim = await recovery_store.lock_claim(tx, recovery, expected)
        state = recovery_rules.repay(claim, amount_fen)
        move = await recovery_store.insert_move(
            tx, claim.id, "repaid", amount_fen, reference=reference, entered_by=actor.subject, today=today
        )
        if move is None:
            raise recovery_rules.RepaidAlready()
        await ledger_store.post_moves(tx, [move], leaves=leaves, enters=enters)
        await recovery_store.save_repaid(tx, claim.id, amount_fen, state)
        view = RecoveryView(**dict(await recovery_store.find_claim(tx, claim.id)))
        told = {"amount_fen": amount_fen, "reference": reference, "state": state}
        audit.note(tx, "recovery.repaid", str(claim.id), told)
        tx.answer_with(view, version=view.version)
    return view
