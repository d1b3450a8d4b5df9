"""Use case: a cadre gets an address that a phone's calendar can read, in place of any earlier one."""

import secrets
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, Field

from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from tasks import feed_store

VALID: Final = timedelta(days=366)
_SECRET_BYTES: Final = 32


class FeedOpened(BaseModel):
    """The address, which is told this once: only its hash is kept."""

    path: str = Field(description="below this service's address; whoever has it may read the due dates")
    valid_to: date


async def open_feed(pool: Pool, actor: Actor) -> FeedOpened:
    """Raises Forbidden unless the actor is a village's cadre."""
    actor.require(Role.VILLAGE_CADRE)
    secret, today = secrets.token_urlsafe(_SECRET_BYTES), business_date(utcnow())
    answer = FeedOpened(path=f"/v1/calendar-feeds/{secret}.ics", valid_to=today + VALID)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, actor.division)
        await feed_store.replace_feed(tx, sha256(secret.encode()).digest(), division_id, today, answer.valid_to)
        audit.note(tx, "feed.opened", actor.subject, {"division": str(actor.division), "valid_to": answer.valid_to})
        tx.answer_with(answer)
    return answer
