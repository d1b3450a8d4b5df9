"""Use case: a calendar reads the due dates behind an address that only its owner was told."""

from hashlib import sha256
from typing import Final

from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.problems import NotFound
from tasks import feed_rules, feed_store, today_store
from tasks.today_rules import OnDesk

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
EVENTS_MAX: Final = 1_000


async def read_feed(pool: Pool, service: Actor, secret: str) -> bytes:
    """The open shares of the village whose cadre opened the feed, read with that cadre's scope.

    The service's own actor only looks the address up. Raises NotFound for an address that is not, or no longer, valid.
    """
    now = utcnow()
    today = business_date(now)
    async with transaction(pool, service) as tx:
        feed = await feed_store.find_feed(tx, sha256(secret.encode()).digest(), today)
    if feed is None:
        raise NotFound()
    owner = Actor(feed["subject"], frozenset({Role.VILLAGE_CADRE}), DivisionCode(feed["division"]))
    async with transaction(pool, owner) as tx:
        rows = await today_store.desk(tx, today=today, soon=today, per_part_max=EVENTS_MAX)
    return feed_rules.due_dates([OnDesk(**dict(row)) for row in rows], now=now)
