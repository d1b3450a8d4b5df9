"""Use case: a second person waives what is left of a claim; the money stays with whom it was paid to."""

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from subsidy import ledger_store, recovery_rules, recovery_store, run_rules
from subsidy.list_recoveries import RecoveryView
from subsidy.recovery_rules import RecoveryId, WaiverReason


async def waive_recovery(
    pool: Pool, actor: Actor, recovery: RecoveryId, reason: WaiverReason, *, expected: Version
) -> RecoveryView:
    """Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion, ClaimEnded, AnotherPersonWaives."""
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    today = business_date(utcnow())
    leaves, enters = recovery_rules.MOVES["waived"]
    async with transaction(pool, actor) as tx:
        claim = await recovery_store.lock_claim(tx, recovery, expected)
        left_fen = recovery_rules.waive(claim, actor.subject)
        move = await recovery_store.insert_move(
            tx, claim.id, "waived", left_fen, reference=None, entered_by=actor.subject, today=today
        )
        assert move is not None  # only a receipt can have been entered before
        await ledger_store.post_moves(tx, [move], leaves=leaves, enters=enters)
        await recovery_store.save_waived(tx, claim.id, waived_by=actor.subject, reason=reason)
        view = RecoveryView(**dict(await recovery_store.find_claim(tx, claim.id)))
        audit.note(tx, "recovery.waived", str(claim.id), {"amount_fen": left_fen, "reason": reason})
        tx.answer_with(view, version=view.version)
    return view
