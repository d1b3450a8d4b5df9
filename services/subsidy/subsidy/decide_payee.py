"""Use case: a second person of finance confirms who receives an item from now on, or refuses the change."""

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Version, transaction
from subsidy import payee_rules, payee_store, run_rules, run_store
from subsidy.list_payee_changes import PayeeChangeView
from subsidy.payee_rules import PayeeChangeId


async def decide_payee(
    pool: Pool, actor: Actor, change_id: PayeeChangeId, *, confirmed: bool, expected: Version
) -> PayeeChangeView:
    """Confirmed: what waits to be sent goes to the new payee's account with the next turn, and what failed goes there
    when it is paid again; a hold on the old payee does not keep it any more. All is as it was when it was proposed, or
    nothing changes.

    Raises Forbidden, WholeCountyNeeded, NotFound, StaleVersion and the refusals of payee_rules.decide and basis_of.
    """
    actor.require(Role.FINANCE_APPROVER)
    run_rules.require_whole_county(actor.department)
    async with transaction(pool, actor) as tx:
        await run_store.lock_run(tx, await payee_store.run_of(tx, change_id), None)
        change = await payee_store.lock_change(tx, change_id, expected)
        payee_rules.decide(change, actor.subject)
        if confirmed:
            await payee_store.hold_payments(tx, change.obligation)
            owed, new = await payee_store.owed_and(tx, change.obligation, change.new_payee)
            payee_rules.basis_of(owed, new, held=await payee_store.is_held(tx, change.new_payee))
        await payee_store.save_decided(tx, change.id, "confirmed" if confirmed else "refused", decided_by=actor.subject)
        if confirmed:
            await payee_store.save_payee(tx, change)
        view = PayeeChangeView(**dict(await payee_store.find_change(tx, change.id)))
        audit.note(tx, "payee.decided", str(change.id), view.model_dump(mode="json"))
        tx.answer_with(view, version=view.version)
    return view
