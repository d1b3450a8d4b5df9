"""Use case: a village's secretary claims what lies on the desk, several shares at once, under one time limit."""

from collections.abc import Mapping

from pydantic import BaseModel

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareClaimed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.workday_calendar import calendar
from tasks import claim_rules, claim_store, share_store


class SharesClaimed(BaseModel):
    """The claims, in the order in which they were asked for."""

    claimed: list[ShareClaimed]


async def claim_tasks(
    pool: Pool, actor: Actor, expected: Mapping[ShareId, Version], limit_working_days: int
) -> SharesClaimed:
    """Claim all of these shares or none.

    Raises Forbidden, NotFound, StaleVersion, TaskTaken, ShareAlreadyClaimed, ShareWasRefused, ShareWasWithdrawn,
    BeyondStatutoryDate; all but the first name the share.
    """
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        shares = await share_store.lock_expected(tx, expected)
        days, today = await calendar(tx), business_date(utcnow())
        events = [claim_rules.claim(share, limit_working_days, days, today=today) for share in shares]
        if first := [share.id for share in shares if share.open_to == "first"]:
            claim_rules.require_held(shares, await claim_store.hold_tasks(tx, first))
        await claim_store.save_claims(tx, events)
        for event in events:
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
        answer = SharesClaimed(claimed=events)
        tx.answer_with(answer)
    return answer
