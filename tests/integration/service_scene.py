"""What the scenes of all services have in common: a database with people in it, what is heard, and what was told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any, ClassVar

from devkit.pytest_plugin import MakeDatabase
from qingdan.divisions import DivisionCode
from qingdan.envelope import Envelope, EventBody, service_source
from runtime.actor import Actor, Role, service_actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, create_pool, transaction
from runtime.ids import new_id
from runtime.kafka import Subscription
from runtime.runs import cut_into_runs


def person(role: Role, division: DivisionCode, department: str | None = None, *, name: str = "") -> Actor:
    """Somebody with one role."""
    return Actor(f"{name or role}@{division}", frozenset({role}), division, department)


async def open_pool(make_database: MakeDatabase, service: str) -> Pool:
    """The service's own database, migrated and empty."""
    return await create_pool(make_database(service).app_url, source=service_source(service), size_max=8)


@dataclass(frozen=True, slots=True)
class ServiceScene:
    """A service's database; `hear` is what its consumers do with one poll."""

    NAME: ClassVar[str]
    HEARS: ClassVar[Sequence[Subscription]] = ()

    pool: Pool

    @property
    def service(self) -> Actor:
        return service_actor(self.NAME)

    @property
    def today(self) -> date:
        return business_date(utcnow())

    async def hear(self, *events: EventBody, traces: Sequence[str] = ()) -> None:
        """All of them in one transaction, cut into runs; `traces`: the traceparent of each, or none at all."""
        async with transaction(self.pool, self.service) as tx:
            await self.hear_in(tx, *events, traces=traces)

    async def hear_in(self, tx: Tx, *events: EventBody, traces: Sequence[str] = ()) -> None:
        """The same in a transaction that somebody else ends."""
        for subscription in self.HEARS:
            source = service_source(subscription.topic.owner)
            heard = [
                Envelope.of(event, id=str(new_id()), source=source, time=utcnow(), traceparent=traceparent)
                for event, traceparent in zip_longest(events, traces)
                if type(event) in subscription.topic.events
            ]
            for run in cut_into_runs(heard):
                await subscription.handler(tx, run)

    async def told(self, *types: str) -> list[dict[str, Any]]:
        """The bodies of the events in the outbox, in order; of the named types, or of all."""
        bodies = [json.loads(row["value"]) for row in await self.rows("SELECT value FROM outbox ORDER BY seq")]
        return [body for body in bodies if not types or body["type"] in types]

    async def told_keys(self) -> list[tuple[str, str]]:
        """Type and key of every event in the outbox, in order."""
        rows = await self.rows("SELECT headers::json ->> 'ce_type' AS type, key FROM outbox ORDER BY seq")
        return [(row["type"], row["key"]) for row in rows]

    async def rows(self, query: str, *args: Any) -> list[dict[str, Any]]:
        """Rows as the service sees them."""
        async with transaction(self.pool, self.service) as tx:
            return [dict(row) for row in await tx.fetch(query, *args)]
