"""Use case: the bank is asked what became of payments of which nothing was heard; unknown is not failed."""

from datetime import timedelta
from typing import Final

from qingdan.bank_events import PaymentStatusRequested
from runtime import audit, outbox
from runtime.actor import Actor
from runtime.clock import utcnow
from runtime.db import Pool, transaction
from subsidy import payment_store

ASKED_AT_ONCE_MAX: Final = 500


async def ask_silent_payments(pool: Pool, actor: Actor, silent: timedelta) -> bool:
    """Ask for those that the bank has been silent about for so long, since they were sent or last asked for.

    They are `unknown` until the bank says something: nothing is sent again, and nothing given up. True: there may be
    more.
    """
    async with transaction(pool, actor) as tx:
        asked = await payment_store.take_silent(tx, silent=silent, limit=ASKED_AT_ONCE_MAX)
        now = utcnow()
        for each in asked:
            await outbox.append(tx, PaymentStatusRequested(**each._asdict(), requested_at=now))
        if asked:
            audit.note(tx, "payments.asked", asked[0].bank, {"payments": sorted(str(each.payment) for each in asked)})
    return len(asked) == ASKED_AT_ONCE_MAX
