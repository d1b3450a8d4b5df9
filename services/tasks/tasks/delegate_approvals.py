"""Use case: an approver lets another person of the department decide in their place, from a day to a day."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from tasks import delegation_rules, delegation_store
from tasks.application_rules import Delegation


class DelegationView(BaseModel):
    """Who decides in whose place, from when to when (both days included)."""

    delegation: UUID
    department: str
    delegator: str
    delegate: str
    from_on: date
    to_on: date
    revoked_on: date | None = None
    revoked_by: str | None = None
    version: int = 1


async def delegate_approvals(pool: Pool, actor: Actor, delegate: str, from_on: date, to_on: date) -> DelegationView:
    """The delegate acts within the same department only, and counts as one person with the delegator meanwhile.

    Raises Forbidden unless the actor is an approver, NoDepartment, DelegationUnfit.
    """
    actor.require(Role.ACCESS_APPROVER)
    today = business_date(utcnow())
    department = delegation_rules.check_delegation(actor.subject, actor.department, delegate, from_on, to_on, today)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, actor.division)
        view = DelegationView(
            delegation=new_id(),
            department=department,
            delegator=actor.subject,
            delegate=delegate,
            from_on=from_on,
            to_on=to_on,
        )
        given = Delegation(actor.subject, delegate)
        await delegation_store.insert_delegation(tx, view.delegation, division_id, department, given, from_on, to_on)
        audit.note(tx, "access.delegated", str(view.delegation), view.model_dump(mode="json"))
        tx.answer_with(view)
    return view
