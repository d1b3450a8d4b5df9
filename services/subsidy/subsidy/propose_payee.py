"""Use case: finance proposes who receives an item instead of a payee who cannot any more."""

from uuid import UUID

from qingdan.ids import OpenCode, ProgrammeCode
from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.ids import new_id
from subsidy import payee_rules, payee_store, run_rules
from subsidy.list_payee_changes import PayeeChangeView
from subsidy.payee_rules import PayeeChangeId


async def propose_payee(
    pool: Pool,
    actor: Actor,
    beneficiary: UUID,
    programme: ProgrammeCode,
    occurrence: str,
    payee: UUID,
    *,
    reason: OpenCode,
) -> PayeeChangeView:
    """Nothing changes until a second person confirms it.

    Raises Forbidden, WholeCountyNeeded, NotFound, PayeeChangeOpen and the refusals of payee_rules.basis_of.
    """
    actor.require(Role.FINANCE_PREPARER)
    run_rules.require_whole_county(actor.department)
    change = PayeeChangeId(new_id())
    async with transaction(pool, actor) as tx:
        obligation = await payee_store.find_obligation(tx, programme, beneficiary, occurrence)
        owed, new = await payee_store.owed_and(tx, obligation, payee)
        basis = payee_rules.basis_of(owed, new, held=await payee_store.is_held(tx, payee))
        if not await payee_store.insert_change(
            tx, change, owed, payee, reason=reason, basis=basis, proposed_by=actor.subject
        ):
            raise payee_rules.PayeeChangeOpen()
        view = PayeeChangeView(**dict(await payee_store.find_change(tx, change)))
        audit.note(tx, "payee.proposed", str(change), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
