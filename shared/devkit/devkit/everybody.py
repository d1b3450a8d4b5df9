"""Villages and the supervision team, who act on removal orders as soon as the public topics tell them of something."""

import asyncio
import contextlib
import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from devkit.story.plot import today
from qingdan.divisions import DivisionCode
from qingdan.envelope import Envelope, from_record
from qingdan.event import EventBody
from qingdan.inspection_events import VisitPlanned
from qingdan.signage_events import RemovalOrdered, SignRemoved
from qingdan.tasks_events import ShareClaimed, TaskPublished
from qingdan.topics import INSPECTION, SIGNAGE, TASKS
from runtime.clock import utcnow

LIMIT_WORKING_DAYS: Final = 5
_POLL_MS: Final = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks of a service: POST `body` to `path`, for the version that was heard of."""

    service: str
    path: str
    body: Any
    version: int
    role: str
    division: DivisionCode


Send = Callable[[Request], Awaitable[object]]


@dataclass(slots=True)
class Everybody:
    """Claims what is published, reports done what is claimed, looks at what is reported; one request an event.

    What happened before `since` is others' business. `send` carries a request out, and again if it must; what it raises
    is raised by `removed`.
    """

    bootstrap: str
    team_division: DivisionCode
    send: Send
    topic_prefix: str = ""
    since: datetime = field(default_factory=utcnow)
    told: Counter[str] = field(default_factory=Counter)
    """Events heard, by type; each event once."""
    orders: dict[UUID, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Event types heard of each removal order, wherever they come from."""
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _requests: set["asyncio.Future[object]"] = field(default_factory=set)
    _failed: list[BaseException] = field(default_factory=list)

    def removed(self) -> set[UUID]:
        """The orders of which it was told that the sign is down. Raises what a request raised."""
        if self._failed:
            raise self._failed[0]
        return {order for order, types in self.orders.items() if types[SignRemoved.event_type()]}

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """While the block runs, everybody listens and acts."""
        listening = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
            for request in self._requests:
                request.cancel()
            await asyncio.gather(*self._requests, return_exceptions=True)

    async def _listen(self) -> None:
        names = {f"{self.topic_prefix}{topic.name}": topic.name for topic in (TASKS, INSPECTION, SIGNAGE)}
        consumer = AIOKafkaConsumer(
            *names, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=_POLL_MS
        )
        await _start(consumer)
        try:
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                    for record in records:
                        self.hear(from_record(names[partition.topic], record.key, record.value, record.headers))
        finally:
            await consumer.stop()

    def hear(self, event: Envelope[EventBody]) -> None:
        """Take note of an event, and act if it is the first time and there is something to do."""
        if event.time < self.since or (event.source, event.id) in self._seen:
            return
        self._seen.add((event.source, event.id))
        data = event.data
        self.told[data.type] += 1
        origin = getattr(data, "origin", None)
        if isinstance(data, RemovalOrdered | SignRemoved):
            self.orders[data.order][data.type] += 1
        elif origin is not None and origin.kind == "removal_order":
            self.orders[origin.id][data.type] += 1
            for request in self._answer(data):
                self._act(request)

    def _answer(self, event: EventBody) -> list[Request]:
        if isinstance(event, TaskPublished):
            own = {"limit_working_days": LIMIT_WORKING_DAYS}
            return [
                Request("tasks", f"/v1/shares/{part.share}/claim", own, 1, "village_cadre", part.village)
                for part in event.shares
            ]
        if isinstance(event, ShareClaimed):
            photo = {"photo_sha256": [hashlib.sha256(str(event.share).encode()).hexdigest()]}
            return [Request("tasks", f"/v1/shares/{event.share}/report-done", photo, 2, "village_cadre", event.village)]
        if isinstance(event, VisitPlanned):
            seen = {"done_on": str(today()), "findings": []}
            return [Request("inspection", f"/v1/visits/{event.visit}/done", seen, 1, "supervisor", self.team_division)]
        return []

    def _act(self, request: Request) -> None:
        acting = asyncio.ensure_future(self.send(request))
        self._requests.add(acting)
        acting.add_done_callback(self._acted)

    def _acted(self, acting: "asyncio.Future[object]") -> None:
        self._requests.discard(acting)
        if not acting.cancelled() and (failure := acting.exception()) is not None:
            self._failed.append(failure)


async def _start(consumer: AIOKafkaConsumer) -> None:
    """The broker may be away just now."""
    while True:
        try:
            await consumer.start()
            return
        except KafkaError:
            await asyncio.sleep(0.2)
