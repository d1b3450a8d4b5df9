"""Use case: a delegation of approvals holds no more from today on; that it held stays known."""

from uuid import UUID

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from tasks import delegation_rules, delegation_store
from tasks.delegate_approvals import DelegationView


async def revoke_delegation(pool: Pool, actor: Actor, delegation: UUID, *, expected: Version) -> DelegationView:
    """By whoever gave it or another approver of the department, for who delegates may be out of reach.

    What the delegate decided stands; both counted as one person when it was decided, and go on to for that round.
    Raises Forbidden unless the actor is an approver, NotFound (also for another department's), StaleVersion,
    DelegationOver.
    """
    actor.require(Role.ACCESS_APPROVER)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        before = await delegation_store.lock_delegation(tx, delegation, expected)
        delegation_rules.check_revocation(before["to_on"], before["revoked_on"], today)
        await delegation_store.save_revoked(tx, delegation, actor.subject, today=today)
        revoked = {"revoked_on": today, "revoked_by": actor.subject, "version": expected + 1}
        view = DelegationView(**dict(before) | revoked)
        audit.note(tx, "access.delegation-revoked", str(delegation), view.model_dump(mode="json"))
        tx.answer_with(view, version=view.version)
    return view
