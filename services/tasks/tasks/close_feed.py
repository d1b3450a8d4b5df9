"""Use case: a cadre closes the address that a calendar reads."""

from pydantic import BaseModel

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from tasks import feed_store


class FeedClosed(BaseModel):
    """Whether there was one."""

    closed: bool


async def close_feed(pool: Pool, actor: Actor) -> FeedClosed:
    """Raises Forbidden unless the actor is a village's cadre."""
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, actor.division)
        answer = FeedClosed(closed=await feed_store.close_feed(tx, division_id, business_date(utcnow())))
        audit.note(tx, "feed.closed", actor.subject, {"division": str(actor.division), "closed": answer.closed})
        tx.answer_with(answer)
    return answer
